"""A new loss term is one class, one entry in the registry, and its settings: nothing else."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import Settings, stylize
from nst_tf.callbacks import History, save_run_figure
from nst_tf.compute.evaluate import compiled
from nst_tf.compute.passes import summarize_tiles
from nst_tf.compute.plan import plan_memory
from nst_tf.extending.fields import setting
from nst_tf.images.masks import Region
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.losses.objective import step_weights
from nst_tf.losses.registry import FACTORIES, make_terms
from nst_tf.losses.targets import make_targets
from nst_tf.losses.term import Features, Sources, Statistics, Target, Term, Window
from nst_tf.transfer.measure import whole_targets
from nst_tf.transfer.progress import NonFiniteLossError
from nst_tf.transfer.run import StyleTransfer
from nst_tf.transfer.scales import load_model
from nst_tf.validation import Weight, checked_ramp


@dataclass(frozen=True)
class ToySettings(Settings):
    """Settings with those of the toy term."""

    toy_weight: Weight = setting(0.0, "Loss", "weight of the toy", low=0, check=checked_ramp)
    toy_layers: tuple[str, ...] = setting(("block2_conv1",), "Network", "layers of the toy")


@dataclass(frozen=True)
class Toy(Term):
    """Energies of the channels, which add up, and brightness of squares of 4 pixels, a map."""

    layers: tuple[str, ...]

    name = "toy"
    regional = True
    grid = 4

    def workspace_floats_per_pixel(self):
        return 50.0

    def target(self, sources: Sources) -> Target:
        sums = {
            style: source.statistics(self.layers, self.measure, self.grid).sums["energy"]
            for style, source in sources.styles.items()
        }
        energy = tf.add_n([share * sums[style] for style, share in sources.shares.items()])
        return Target(energy, {"energy": 2.0, "map": 1.0}, {"energy": float(tf.norm(energy))})

    def measure(self, features: Features, window: Window) -> Statistics:
        ((layer, values),) = features.items()
        energy = tf.reduce_sum(window.weights(layer) * tf.square(values), axis=[0, 1, 2])
        even = values[:, : values.shape[1] // 2 * 2] if values.shape[1] else values
        shape = tf.shape(even)
        even = values[:, : shape[1] // 2 * 2, : shape[2] // 2 * 2]
        bright = tf.nn.avg_pool2d(tf.reduce_mean(even, axis=-1, keepdims=True), 2, 2, "VALID")
        return Statistics({"energy": energy}, {"bright": bright})

    def statistics(self, features: Features, values: Any, window: Window) -> Statistics:
        return self.measure(features, window)

    def losses(self, statistics: Statistics, values: Any) -> Mapping[str, tf.Tensor]:
        energy = tf.norm(statistics.sums["energy"] - values)
        return {"energy": energy, "map": tf.reduce_mean(tf.square(statistics.maps["bright"])) / 1e3}


SETTINGS = ToySettings(
    loss="relative", content_weight=0.5, style_weight=1, total_variation_weight=0.05, toy_weight=3,
    content_layers=["block2_conv2"], style_layers=["block1_conv1", "block2_conv1"],
    max_dim=0, style_scale=0, epochs=2, steps_per_epoch=3,
)  # fmt: skip


@pytest.fixture(autouse=True)
def registered():
    def make(settings):
        return Toy(settings.toy_layers) if getattr(settings, "toy_weight", 0) else None

    FACTORIES.append(make)
    yield
    FACTORIES.remove(make)


@pytest.fixture
def regions():
    left, right = np.zeros((50, 70), np.float32), np.zeros((50, 70), np.float32)
    left[:, :40], right[10:, 36:] = 1, 1
    return [Region(left, {0: None}), Region(right, {0: None})]


def test_without_its_weight_nothing_changes(pixels):
    without = [term.name for term in make_terms(replace(SETTINGS, toy_weight=0))]
    assert without == ["style", "content", "total_variation"]
    assert [term.name for term in make_terms(SETTINGS)] == [*without, "toy"]
    deep = replace(SETTINGS, toy_layers=["block3_conv1"])
    assert deep.layers[-1] == "block3_conv1"
    assert "block3_conv1" not in replace(deep, toy_weight=0).layers


@pytest.mark.parametrize("with_regions", [False, True])
def test_it_is_exact_by_blocks(pixels, regions, with_regions):
    fitted = prepare_inputs(
        pixels(50, 70), pixels(60, 50, 1), SETTINGS, regions if with_regions else ()
    )
    network, terms = load_model(SETTINGS), make_terms(SETTINGS)
    targets = whole_targets(network, terms, fitted)
    by_blocks = make_targets(
        terms, SETTINGS, fitted.content, fitted.styles, summarize_tiles(network, 16),
        fitted.regions,
    )  # fmt: skip
    count = sum(key[0] == "toy" for key in targets.parts)
    assert count == (2 if with_regions else 1)
    for key in targets.parts:
        if key[0] == "toy":
            np.testing.assert_allclose(
                by_blocks.parts[key].values, targets.parts[key].values, rtol=1e-5
            )
    image, weights = tf.constant(pixels(50, 70, 2)), step_weights(SETTINGS, terms)
    whole, parts = (
        compiled(network, terms, image.shape, False, size).evaluate(image, targets, weights)
        for size in (0, 16)
    )
    assert float(whole[0]["toy"]) > 0.1
    np.testing.assert_allclose(float(parts[0]["toy"]), float(whole[0]["toy"]), rtol=1e-5)
    assert tf.norm(parts[1] - whole[1]) <= 1e-5 * tf.norm(whole[1])
    alone = dict.fromkeys(weights, tf.constant(0.0)) | {"toy": weights["toy"]}
    slopes = [
        compiled(network, terms, image.shape, False, size).evaluate(image, targets, alone)[1]
        for size in (0, 16)
    ]
    assert tf.norm(slopes[0]) > 0
    assert tf.norm(slopes[1] - slopes[0]) <= 1e-5 * tf.norm(slopes[0])


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("block_size", [0, 32])
def test_it_runs_at_all_scales_and_falls(pixels, regions, optimizer, block_size):
    settings = replace(
        SETTINGS, optimizer=optimizer, block_size=block_size, scales=2, min_dim=8,
        style_weight=0, content_weight=1e-6, total_variation_weight=0, learning_rate=0.05,
        epsilon=1e-6,
    )  # fmt: skip
    losses = {1: [], 2: []}
    stylize(
        pixels(50, 70), pixels(60, 50, 1) * 0.5, settings, regions=regions,
        callbacks=[lambda p: losses[p.scale.number].append(p.losses["toy"])],
    )  # fmt: skip
    for falling in losses.values():
        assert len(falling) == 6
        assert falling[-1] < falling[0]


def test_history_figure_and_ramp_know_it(pixels, tmp_path):
    history = History()
    settings = replace(SETTINGS, toy_weight="2:4")
    picture = stylize(pixels(24, 32), pixels(24, 32, 1), settings, callbacks=[history])
    history.save(tmp_path / "history.csv")
    rows = list(csv.DictReader((tmp_path / "history.csv").open()))
    assert list(rows[0]) == [
        "step", "total", "style", "content", "total_variation", "toy", "scale", "evaluations",
        "seconds",
    ]  # fmt: skip
    for row in rows:
        terms = [float(row[name]) for name in ("style", "content", "total_variation", "toy")]
        assert float(row["total"]) == pytest.approx(sum(terms), rel=1e-5)
    save_run_figure(tmp_path / "run.svg", [], [], picture, history.rows)
    assert "<!-- toy -->" in (tmp_path / "run.svg").read_text()


def test_an_overflow_names_its_weight(pixels):
    settings = replace(SETTINGS, toy_weight=1e38)
    with pytest.raises(NonFiniteLossError, match="at step 1: lower toy_weight"):
        stylize(pixels(24, 32), pixels(24, 32, 1), settings)


def test_the_memory_estimate_counts_it(pixels):
    def peak(settings):
        transfer = StyleTransfer(prepare_inputs(pixels(64, 80), pixels(24, 32, 1), settings))
        return plan_memory(settings, transfer.fitted.scales, transfer.fitted.style_sizes)[0].peak

    assert peak(SETTINGS) - peak(replace(SETTINGS, toy_weight=0)) == 4 * 50 * 64 * 80
