"""Settings of a second term; nothing here imports TensorFlow."""

from nst_tf.extending import checked_ramp, setting

SETTINGS = {
    "varied_weight": setting(
        0.0, "Loss", "weight of the distance from matches that are used evenly, or a ramp",
        low=0, check=checked_ramp,
    ),
    "varied_layers": setting(("block3_conv1",), "Network", "VGG19 layers of the matches"),
    "varied_penalty": setting(
        0.1, "Loss", "cosine that a match loses if it is used as often as expected", low=0
    ),
}  # fmt: skip


def make_term(settings):
    from wasserstein_term.matches import Varied

    return Varied(settings.varied_layers, settings.varied_penalty)
