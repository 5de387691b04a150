"""VGG19 as a Keras functional model from an image to the features of named layers."""

from collections.abc import Callable, Container, Iterable, Mapping
from typing import TypeAlias

import tensorflow as tf

from nst_tf.network.gradients import average_pool
from nst_tf.network.layers import WIDTHS
from nst_tf.network.weights import Weights
from nst_tf.utils.caching import cached
from nst_tf.utils.errors import UserError

OTHER_BACKEND = (
    "Keras computes with {} in this process, but nst_tf needs TensorFlow: set "
    'os.environ["KERAS_BACKEND"] = "tensorflow" before Keras is first imported'
)

try:
    import keras
except ImportError as error:
    raise UserError(OTHER_BACKEND.format(error.name)) from error

Network: TypeAlias = keras.Model
"""The type of a network. Other modules use Keras' types only from here, where errors are clear."""

ConvolutionLayer: TypeAlias = keras.layers.Conv2D
"""The type of a network's convolutions."""

Convolution = Callable[[tf.Tensor], tf.Tensor]
"""A function of features that replaces the call of a convolution's layer."""

Convolutions = Mapping[str, Convolution]
"""The replaced convolutions by the names of their layers."""

MEAN_BGR = (103.939, 116.779, 123.68)
"""Mean pixel of ImageNet, blue first, that `keras.applications.vgg19` subtracts."""


NETWORKS = 4  # number of networks to keep, of about 60 MB each


def preprocess(image: tf.Tensor) -> tf.Tensor:
    """Convert RGB in [0, 1], float32 `[N, H, W, 3]`, to the input of VGG19.

    That is BGR in [0, 255], minus the mean. Unlike `keras.applications.vgg19.preprocess_input`,
    this never changes its argument.
    """
    return tf.reverse(image, axis=[-1]) * 255.0 - tf.constant(MEAN_BGR)


@cached(NETWORKS)
def feature_model(
    weights: Weights,
    layers: tuple[str, ...],
    pooling: str,
    precision: str = "float32",
    padding: str = "zero",
) -> Network:
    """Build the frozen network up to the deepest of `layers`; the latest four are kept.

    Args:
        weights: parameters of the convolutions.
        layers: layer names, such as `block5_conv2`; a convolution's output is after its ReLU.
        pooling: `max`, `average` as Gatys et al. suggest for smoother pictures, or `mixed`: average
            after block 1, max after the others.
        precision: of all features except the first layer's, whose input is pixels: `float32` or
            `bfloat16`.
        padding: pixels beyond the borders for the first layer: `zero`, ImageNet's mean colour, as
            in VGG19's training, or `edge`, the repeated pixels of the border.

    Returns:
        A model from float32 `[N, H, W, 3]`, as `preprocess` returns it, to a dict of features
        `[N, h, w, C]` of that precision by layer name, with any height and width that the deepest
        layer allows.

    Raises:
        UserError: Keras computes with another backend.
    """
    if keras.config.backend() != "tensorflow":
        raise UserError(OTHER_BACKEND.format(keras.config.backend()))
    # The kernels are set below: random ones would only take time.
    with keras.utils.custom_object_scope({"glorot_uniform": keras.initializers.Zeros}):
        vgg = keras.applications.VGG19(include_top=False, weights=None)
    config = keras.config
    process = (config.floatx(), config.dtype_policy().name, config.image_data_format())
    usual = ("max", "float32", "zero", "float32", "float32", "channels_last")
    if (pooling, precision, padding, *process) != usual:  # a copy takes 80 MB more for a while
        vgg = keras.models.clone_model(
            vgg,
            keras.Input((None, None, 3), dtype="float32"),
            lambda layer: _layer(layer.name, pooling, precision, padding),
        )
    vgg.trainable = False
    # Layers after the deepest output are not part of the model and are freed with `vgg`.
    model = keras.Model(vgg.input, {name: vgg.get_layer(name).output for name in layers})
    for layer in model.layers:
        if layer.name in weights.kernels:
            layer.set_weights([weights.kernels[layer.name], weights.biases[layer.name]])
    return model


def extract_features(
    model: Network, image: tf.Tensor, convolutions: Convolutions | None = None
) -> Mapping[str, tf.Tensor]:
    """Return the features of an image, float32 `[1, H, W, 3]`, RGB in [0, 1], by layer name."""
    features = preprocess(image)
    if not convolutions:
        return model(features, training=False)
    return apply_layers(model.layers[1:], features, model.output_names, convolutions)


def apply_layers(
    layers: Iterable[keras.layers.Layer],
    features: tf.Tensor,
    names: Container[str],
    convolutions: Convolutions,
) -> dict[str, tf.Tensor]:
    """Apply consecutive layers of VGG19 to features `[1, h, w, C]`.

    Return the outputs of the layers in `names`.
    """
    outputs = {}
    for layer in layers:
        if layer.name in convolutions:
            features = convolutions[layer.name](features)
        else:
            features = layer(features)
        if layer.name in names:
            outputs[layer.name] = features
    return outputs


class EdgePaddedConv2D(keras.layers.Conv2D):
    """A 3×3 convolution that sees the border's pixels once more beyond the borders."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the convolution, of the input's height and width."""
        return super().call(tf.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC"))


class AveragePooling2D(keras.layers.AveragePooling2D):
    """An average pooling with a faster gradient."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the means of squares of 2×2 locations."""
        return average_pool(inputs, 2)


def _layer(name: str, pooling: str, precision: str, padding: str) -> keras.layers.Layer:
    """Return a layer of VGG19; arguments as for `feature_model`.

    It names its precision and its data format, since those of the process may be others.
    """
    first = name == "block1_conv1"
    common = {
        "name": name,
        "dtype": "float32" if first else precision,
        "data_format": "channels_last",
    }
    if name.endswith("_pool"):
        averaged = pooling == "average" or (pooling == "mixed" and name == "block1_pool")
        kind = AveragePooling2D if averaged else keras.layers.MaxPooling2D
        return kind(2, **common)
    edges = first and padding == "edge"
    return (EdgePaddedConv2D if edges else keras.layers.Conv2D)(
        WIDTHS[int(name[len("block")]) - 1],
        3,
        padding="valid" if edges else "same",
        activation="relu",
        kernel_initializer="zeros",  # until the weights are set
        **common,
    )
