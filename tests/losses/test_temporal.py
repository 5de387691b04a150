import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import Settings
from nst_tf.compute.evaluate import compiled
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.inputs.reference import Reference
from nst_tf.losses.objective import step_weights
from nst_tf.losses.registry import make_terms
from nst_tf.transfer.measure import whole_targets
from nst_tf.transfer.run import StyleTransfer
from nst_tf.transfer.scales import load_model

SETTINGS = Settings(
    loss="relative", content_weight=0.1, style_weight=1, total_variation_weight=0.05,
    temporal_weight=3, content_layers=["block2_conv2"],
    style_layers=["block1_conv1", "block2_conv1"], max_dim=0, style_scale=0, epochs=1,
    steps_per_epoch=10,
)  # fmt: skip


@pytest.fixture
def reference(pixels):
    confidence = np.random.default_rng(5).random((37, 53), dtype=np.float32)
    confidence[:10] = 0
    return Reference(pixels(37, 53, 4), confidence)


def evaluated(settings, fitted, image, block_size=0):
    """Return the losses of an image and the gradient of their total."""
    network, terms = load_model(settings), make_terms(settings)
    targets = whole_targets(network, terms, fitted)
    evaluator = compiled(network, terms, image.shape, False, block_size)
    return evaluator.evaluate(tf.constant(image), targets, step_weights(settings, terms))


def test_loss_and_gradient_are_the_weighted_mean_square(pixels, reference):
    image = pixels(37, 53, 2)
    fitted = prepare_inputs(pixels(37, 53), pixels(40, 50, 1), SETTINGS, reference=reference)
    without = dataclasses.replace(SETTINGS, temporal_weight=0)
    losses, slope = evaluated(SETTINGS, fitted, image)
    others, other_slope = evaluated(without, fitted, image)
    away = (image - reference.image).astype(np.float64)
    weight = reference.confidence[None, ..., None]
    assert float(losses["temporal"]) == pytest.approx(3 * np.mean(weight * away**2), rel=1e-5)
    assert float(losses["total"]) == pytest.approx(
        float(others["total"]) + float(losses["temporal"]), rel=1e-5
    )
    expected = 3 * 2 * weight * away / image.size
    np.testing.assert_allclose(slope - other_slope, expected, atol=1e-6 * np.abs(expected).max())


def test_it_is_exact_by_blocks(pixels, reference):
    fitted = prepare_inputs(pixels(37, 53), pixels(40, 50, 1), SETTINGS, reference=reference)
    whole, parts = (evaluated(SETTINGS, fitted, pixels(37, 53, 2), size) for size in (0, 16))
    assert float(parts[0]["temporal"]) == pytest.approx(float(whole[0]["temporal"]), rel=1e-5)
    assert tf.norm(parts[1] - whole[1]) <= 1e-5 * tf.norm(whole[1])


def test_without_a_reference_it_compares_nothing(pixels):
    fitted = prepare_inputs(pixels(37, 53), pixels(40, 50, 1), SETTINGS)
    losses, _ = evaluated(SETTINGS, fitted, pixels(37, 53, 2))
    assert float(losses["temporal"]) == 0
    assert "temporal" not in [
        t.name for t in make_terms(dataclasses.replace(SETTINGS, temporal_weight=0))
    ]


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_larger_weight_keeps_the_image_nearer(smooth, optimizer):
    content, style = smooth(32, 48, 0), smooth(32, 48, 1)
    confidence = np.zeros((32, 48), np.float32)
    confidence[:, :24] = 1
    reference = Reference(content, confidence)
    distances = []
    for weight in (0, 1000):
        settings = dataclasses.replace(SETTINGS, optimizer=optimizer, temporal_weight=weight)
        fitted = prepare_inputs(content, style, settings, reference=reference)
        away = np.abs(StyleTransfer(fitted).finish() - content)[0]
        distances.append((away[:, :20].mean(), away[:, 28:].mean()))
    assert distances[1][0] < 0.3 * distances[0][0]
    assert distances[1][1] > 0.6 * distances[0][1]


def test_a_coarser_scale_compares_with_a_smaller_reference(pixels, reference):
    settings = dataclasses.replace(SETTINGS, scales=2, min_dim=8, steps_per_epoch=2)
    fitted = prepare_inputs(pixels(37, 53), pixels(40, 50, 1), settings, reference=reference)
    seen = [progress.losses["temporal"] for progress in StyleTransfer(fitted).steps()]
    assert len(seen) == 4
    assert min(seen) > 0


@pytest.mark.parametrize(
    ("image", "confidence", "message"),
    [
        ((1, 30, 53, 3), (37, 53), r"shapes \[1, 30, 53, 3\] and \[37, 53\]: expected 37 rows"),
        ((1, 37, 53, 3), (37, 50), "expected 37 rows and 53 columns"),
        ((1, 37, 53, 2), (37, 53), "the reference has shape"),
    ],
)
def test_a_reference_of_another_size_is_refused(pixels, image, confidence, message):
    reference = Reference(np.zeros(image, np.float32), np.zeros(confidence, np.float32))
    with pytest.raises(ValueError, match=message):
        prepare_inputs(pixels(37, 53), pixels(40, 50, 1), SETTINGS, reference=reference)
