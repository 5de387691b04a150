"""Settings, term and recipe for nst_tf; nothing here imports TensorFlow."""

from dataclasses import replace

from nst_tf.extending import checked_ramp, setting

SETTINGS = {
    "wasserstein_weight": setting(
        0.0, "Loss", "weight of the Wasserstein distance of the features, or a ramp",
        low=0, check=checked_ramp,
    ),
    "wasserstein_layers": setting(
        ("block1_conv1", "block2_conv1", "block3_conv1"), "Network",
        "VGG19 layers of the Wasserstein distance",
    ),
}  # fmt: skip


def make_term(settings):
    from wasserstein_term.term import Wasserstein

    return Wasserstein(settings.wasserstein_layers)


def soft(recipes):
    return replace(recipes["fast"], style_weight=0.5, wasserstein_weight=0.5)
