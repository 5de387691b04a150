import numpy as np
import pytest
import tensorflow as tf

from nst_tf.losses.content import Content
from nst_tf.losses.term import Window
from nst_tf.settings import Settings
from nst_tf.transfer.measure import measure


def test_a_layers_loss_is_its_mean_squared_error():
    term = Content(("block1_conv1", "block2_conv1"), (1.0, 1.0))
    features = {"block1_conv1": tf.ones([1, 4, 6, 2]), "block2_conv1": tf.zeros([1, 2, 3, 5])}
    target = {
        "block1_conv1": tf.fill([1, 4, 6, 2], 3.0),
        "block2_conv1": tf.fill([1, 2, 3, 5], 3.0),
    }
    statistics = term.statistics(features, target, Window((4, 6)))
    losses = {name: float(loss) for name, loss in term.losses(statistics, target).items()}
    assert losses == pytest.approx({"block1_conv1": 4, "block2_conv1": 9})


@pytest.mark.parametrize("block_size", [0, 16])
def test_layers_are_averaged_by_their_weights_and_may_have_none(pixels, block_size):
    pictures = pixels(24, 24, seed=2), pixels(24, 24), pixels(24, 24, seed=1)

    def content(layers, factors=()):
        settings = Settings(
            content_layers=layers, content_layer_weights=factors, style_layers=["block1_conv1"],
            block_size=block_size,
        )  # fmt: skip
        return measure(*pictures, settings)["content"]

    layers = ["block1_conv1", "block2_conv2"]
    one, other = content(layers[:1]), content(layers[1:])
    assert content(layers) == pytest.approx((one + other) / 2, rel=1e-5)
    assert content(layers, (2, 3)) == pytest.approx((2 * one + 3 * other) / 2, rel=1e-5)
    assert content(layers, (1, 0)) == pytest.approx(one / 2, rel=1e-5)
    assert content(layers, (0, 1)) == pytest.approx(other / 2, rel=1e-5)


def test_errors_of_a_window_are_shares_of_the_whole_pictures():
    rng = np.random.default_rng(0)
    ours, theirs = (tf.constant(rng.random((1, 8, 10, 3)), tf.float32) for _ in range(2))
    term = Content(("block2_conv1",), (1.0,))
    whole = term.statistics({"block2_conv1": ours}, {"block2_conv1": theirs}, Window((16, 20)))
    part = term.statistics(
        {"block2_conv1": ours[:, 2:5, 4:]},
        {"block2_conv1": theirs},
        Window((16, 20), tf.constant([4, 10, 8, 20])),
    )
    errors = (ours - theirs).numpy() ** 2
    assert float(whole.sums["block2_conv1"]) == pytest.approx(errors.mean(), rel=1e-5)
    expected = errors[:, 2:5, 4:].sum() / errors.size
    assert float(part.sums["block2_conv1"]) == pytest.approx(expected, rel=1e-5)
