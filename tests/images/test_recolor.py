import numpy as np
import pytest
from scipy import linalg, stats

from nst_tf import load_image
from nst_tf.images.oklab import from_oklab, to_oklab
from nst_tf.images.recolor import (
    FEWEST,
    GAIN,
    NODES,
    Palette,
    color_table,
    look_up,
    moments,
    monge_map,
    monotone_map,
    sliced_transport,
)
from nst_tf.images.resize import resize
from tests.conftest import ASSETS


def even(colors):
    return Palette(colors, np.full(len(colors), 1 / len(colors)))


def cloud(seed, mean, matrix, count=4000):
    return even(np.random.default_rng(seed).normal(size=(count, 3)) @ np.array(matrix).T + mean)


@pytest.fixture
def clouds():
    ours = cloud(1, [0.5, 0.0, 0.0], [[0.2, 0.05, 0], [0, 0.1, 0.02], [0, 0, 0.1]])
    theirs = cloud(2, [0.6, 0.1, -0.1], [[0.1, 0, 0.02], [0.03, 0.12, 0], [0, 0.05, 0.1]])
    return ours, theirs


def small(name, side=96):
    image = load_image(ASSETS / name, side)
    return Palette(image.reshape(-1, 3), np.ones(image[0, ..., 0].size))


def test_the_linear_map_is_that_of_monge(clouds):
    ours, theirs = clouds
    mean, covariance = moments(ours)
    target_mean, target = moments(theirs)
    covariance += FEWEST**2 * np.eye(3)
    root = linalg.sqrtm(covariance)
    inverse = linalg.inv(root)
    expected = inverse @ linalg.sqrtm(root @ target @ root) @ inverse
    assert np.linalg.eigvalsh(expected).max() < GAIN
    mapped = monge_map(ours, theirs)(ours.colors)
    np.testing.assert_allclose(mapped, (ours.colors - mean) @ expected + target_mean, atol=1e-9)


def test_the_linear_map_enlarges_noise_by_a_limited_factor(clouds):
    nearly_grey = Palette(clouds[0].colors * [1, 0.01, 0.01], clouds[0].weights)
    mapped = monge_map(nearly_grey, clouds[1])
    steps = np.eye(3) * 0.01
    origin = mapped(np.zeros((1, 3)))
    gains = np.linalg.svd((mapped(steps) - origin) / 0.01)[1]
    assert gains.max() == pytest.approx(GAIN)


def test_the_map_along_an_axis_is_the_optimal_transport():
    rng = np.random.default_rng(0)
    values, target = rng.normal(size=500), rng.gamma(2, size=500)
    even = np.full(500, 1 / 500)
    moved = monotone_map(values, even, target, even)
    np.testing.assert_allclose(moved[np.argsort(values)], np.sort(target), atol=1e-9)


def test_weights_count_as_repeated_values():
    rng = np.random.default_rng(0)
    values, target = rng.normal(size=40), rng.normal(size=60)
    counts, target_counts = rng.integers(1, 5, 40), rng.integers(1, 5, 60)
    weighted = monotone_map(
        values, counts / counts.sum(), target, target_counts / target_counts.sum()
    )
    many, wanted = np.repeat(values, counts), np.repeat(target, target_counts)
    plain = monotone_map(
        many, np.full(len(many), 1 / len(many)), wanted, np.full(len(wanted), 1 / len(wanted))
    )
    np.testing.assert_allclose(np.repeat(weighted, counts), plain, atol=1e-9)


def test_equal_values_get_the_mean_of_their_targets():
    even = np.full(4, 0.25)
    moved = monotone_map(np.array([1.0, 1, 1, 2]), even, np.array([9.0, 0, 3, 6]), even)
    np.testing.assert_allclose(moved, [3, 3, 3, 9])


def test_slices_reach_a_distribution_that_no_linear_map_reaches():
    rng = np.random.default_rng(0)
    ours = even(rng.normal(0.5, 0.1, (4000, 3)))
    spots = np.array([[0.2, 0.2, 0.1], [0.9, 0.3, 0.1], [0.4, 0.1, 0.8]])
    theirs = even(spots[rng.choice(3, 4000, p=[0.5, 0.3, 0.2])] + rng.normal(0, 0.01, (4000, 3)))
    moved = sliced_transport(ours, theirs)
    nearest = np.argmin(np.abs(moved[:, None] - spots).sum(2), 1)
    np.testing.assert_allclose(np.bincount(nearest) / 4000, [0.5, 0.3, 0.2], atol=0.03)
    assert np.median(np.abs(moved - spots[nearest]).max(1)) < 0.03


def test_the_table_is_interpolated_linearly(pixels):
    matrix = np.array([[0.5, 0.2, 0.1], [0.1, 0.6, 0.1], [0.3, 0.1, 0.4]], np.float32)
    side = np.linspace(0, 1, NODES, dtype=np.float32)
    nodes = np.stack(np.meshgrid(side, side, side, indexing="ij"), -1)
    image = pixels(20, 30)
    image[0, 0, 0], image[0, 0, 1] = 0, 1
    np.testing.assert_allclose(look_up(nodes @ matrix, image), image @ matrix, atol=1e-6)


def test_no_strength_changes_nothing():
    photo = small("cat.jpg")
    table = color_table(photo, small("great_wave.jpg"), 0.0)
    np.testing.assert_allclose(look_up(table, photo.colors), photo.colors, atol=2e-3)


def test_half_the_strength_is_half_the_way():
    photo, painting = small("cat.jpg"), small("great_wave.jpg")
    whole, half = (
        to_oklab(look_up(color_table(photo, painting, s), photo.colors)) for s in (1.0, 0.5)
    )
    middle = (to_oklab(photo.colors) + whole) / 2
    assert np.abs(half - middle).mean() < 5e-3


@pytest.mark.parametrize("painting", ["great_wave.jpg", "auvers.jpg", "composition_viii.jpg"])
@pytest.mark.parametrize("photo", ["temple.jpg", "cat.jpg", "coffee.jpg"])
def test_a_photo_gets_the_colours_of_a_painting(photo, painting):
    ours, theirs = small(photo), small(painting)
    before, wanted = to_oklab(ours.colors), to_oklab(theirs.colors)
    after = to_oklab(look_up(color_table(ours, theirs), ours.colors))
    far, near = (
        [stats.wasserstein_distance(p[:, axis], wanted[:, axis]) for axis in range(3)]
        for p in (before, after)
    )
    assert max(near) < 0.02 < max(far)  # about what can be noticed


@pytest.mark.parametrize("painting", ["great_wave.jpg", "auvers.jpg", "composition_viii.jpg"])
def test_a_sky_stays_smooth(painting):
    """Its noise is enlarged little, and its gradient gets no steps."""
    photo = small("temple.jpg")
    table = color_table(photo, small(painting))
    sky = resize(load_image(ASSETS / "temple.jpg", 96)[:, 4:24, 4:24], (256, 256))
    noise = np.random.default_rng(0).normal(0, 1 / 255, sky.shape).astype(np.float32)
    smooth = look_up(table, sky)
    rough = look_up(table, (sky + noise).clip(0, 1)) - smooth
    assert rough.std() < 2 * GAIN * noise.std()
    steps = np.abs(np.diff(to_oklab(smooth[0]), axis=0)).max(-1)
    before = np.abs(np.diff(to_oklab(sky[0]), axis=0)).max(-1)
    assert steps.max() < 2 * GAIN * before.max()


def test_a_photo_of_one_colour_gets_the_mean_colour():
    flat = Palette(np.full((50, 3), 0.4, np.float32), np.ones(50))
    painting = small("auvers.jpg")
    found = look_up(color_table(flat, painting), flat.colors)
    mean = from_oklab(to_oklab(painting.colors).mean(0))
    np.testing.assert_allclose(found, np.broadcast_to(mean, (50, 3)), atol=0.02)


def test_weights_choose_the_colours():
    photo = small("cat.jpg")
    red, blue = np.full((100, 3), (0.8, 0.1, 0.1)), np.full((100, 3), (0.1, 0.1, 0.8))
    painting = Palette(np.concatenate([red, blue]), np.repeat([1.0, 1e-6], 100))
    found = look_up(color_table(photo, painting), photo.colors)
    assert np.abs(found - (0.8, 0.1, 0.1)).max(1).mean() < 0.03
