"""Time and memory of one step: this package against a plain transcription of the tutorial's way.

    python scripts/benchmark_step.py [--sizes 256 512] [--rounds 12] [--steps 3]

Each side (the package, the package with TensorFlow's convolutions or in bfloat16, the
transcription, the convolutions alone) runs in a process of its own, so that its peak memory is its
own; they take turns, a few steps each, so that a machine that speeds up or slows down meets all.
All run the same picture pair with the same weights for the same number of steps. Written to
benchmark_step.json.
"""

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import time
from pathlib import Path

from record import ASSETS, describe, write_record

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def pictures(size, **changes):
    from nst_tf import Settings, load_image
    from nst_tf.inputs.prepare import prepare_inputs

    content = load_image(ASSETS / "temple.jpg", size)
    style = load_image(ASSETS / "great_wave.jpg")
    return prepare_inputs(content, style, Settings(max_dim=size, **changes))


def package_step(size, **changes):
    """The step that `stylize` runs."""
    from nst_tf.transfer.run import StyleTransfer

    steps = StyleTransfer(pictures(size, **changes)).steps()
    return lambda: next(steps).losses["total"]


def tutorial_step(size):
    """The same mathematics, written the way the TensorFlow tutorial writes it."""
    import keras
    import tensorflow as tf

    from nst_tf import Settings
    from nst_tf.network.weights import load_weights

    settings = Settings()
    weights = load_weights(settings.weights)
    vgg = keras.applications.VGG19(include_top=False, weights=None)
    vgg.trainable = False
    for name, kernel in weights.kernels.items():
        vgg.get_layer(name).set_weights([kernel, weights.biases[name]])
    names = [*settings.style_layers, *settings.content_layers]
    network = keras.Model([vgg.input], [vgg.get_layer(name).output for name in names])

    def gram(features):
        sums = tf.linalg.einsum("bijc,bijd->bcd", features, features)
        return sums / tf.cast(tf.shape(features)[1] * tf.shape(features)[2], tf.float32)

    def describe_image(image):
        outputs = network([keras.applications.vgg19.preprocess_input(image * 255.0)])
        return [gram(features) for features in outputs[:5]], outputs[5]

    fitted = pictures(size)
    content, (style,) = fitted.content, fitted.styles
    style_targets, _ = describe_image(tf.constant(style))
    _, content_target = describe_image(tf.constant(content))
    optimizer = keras.optimizers.Adam(
        settings.learning_rate, beta_1=settings.beta_1, epsilon=settings.epsilon
    )
    image = tf.Variable(content)

    @tf.function
    def train_step(image):
        with tf.GradientTape() as tape:
            grams, features = describe_image(image)
            style_loss = tf.add_n(
                [tf.reduce_mean((g - t) ** 2) for g, t in zip(grams, style_targets, strict=True)]
            )
            loss = style_loss * settings.style_weight / 5
            loss += tf.reduce_mean((features - content_target) ** 2) * settings.content_weight
            loss += settings.total_variation_weight * tf.image.total_variation(image)
        gradient = tape.gradient(loss, image)
        optimizer.apply_gradients([(gradient, image)])
        image.assign(tf.clip_by_value(image, 0.0, 1.0))
        return tf.reduce_sum(loss)

    return lambda: float(train_step(image))


def direct_step(size):
    """The same with TensorFlow's convolutions."""
    return package_step(size, convolution="direct")


def bfloat16_step(size):
    """The same with features in half precision."""
    return package_step(size, precision="bfloat16")


def floor_step(size):
    """TensorFlow's convolutions in float32 alone: each forward, and its input's gradient."""
    import tensorflow as tf

    from nst_tf import Settings
    from nst_tf.network.layers import stride
    from nst_tf.transfer.scales import load_model

    height, width = pictures(size).size
    layers = []
    for layer in load_model(Settings()).layers:
        if "conv" in layer.name:
            kernel = tf.constant(layer.kernel.value)
            sides = (side // stride(layer.name) for side in (height, width))
            shape = (1, *sides, kernel.shape[2])
            layers.append((tf.random.uniform(shape), kernel))

    @tf.function
    def convolve(features, kernel):
        outputs = tf.nn.conv2d(features, kernel, 1, "SAME")
        gradient = tf.nn.conv2d_transpose(outputs, kernel, features.shape, 1, "SAME")
        return gradient[0, 0, 0, 0]

    return lambda: sum(float(convolve(*layer)) for layer in layers)


SIDES = {
    "package": package_step,
    "direct": direct_step,
    "bfloat16": bfloat16_step,
    "tutorial": tutorial_step,
    "floor": floor_step,
}


def work(side, size, pipe):
    step = SIDES[side](size)
    losses = [step(), step()]  # tracing, then the caches
    pipe.send("ready")
    while (count := pipe.recv()) is not None:
        times = []
        for _ in range(count):
            began = time.perf_counter()
            losses.append(step())
            times.append(time.perf_counter() - began)
        pipe.send(times)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pipe.send({"peak_mib": round(peak), "last_loss": losses[-1]})


def compare(size, rounds, steps):
    context = multiprocessing.get_context("spawn")
    pipes, workers, times = {}, {}, {side: [] for side in SIDES}
    for side in SIDES:
        pipes[side], theirs = context.Pipe()
        workers[side] = context.Process(target=work, args=(side, size, theirs))
        workers[side].start()
        pipes[side].recv()
    for number in range(rounds):
        for side in sorted(SIDES, reverse=bool(number % 2)):
            pipes[side].send(steps)
            times[side].append(statistics.median(pipes[side].recv()))
    figures = {}
    for side in SIDES:
        pipes[side].send(None)
        figures[side] = {
            "median_step_seconds": round(statistics.median(times[side]), 4),
            **pipes[side].recv(),
        }
        workers[side].join()
    for side in ("package", "direct", "bfloat16"):
        for other in ("tutorial", "floor"):
            ratios = [a / b for a, b in zip(times[side], times[other], strict=True)]
            figures[side][f"time_over_{other}"] = round(statistics.median(ratios), 3)
            figures[side][f"range_over_{other}"] = [round(min(ratios), 3), round(max(ratios), 3)]
        figures[side] |= {
            "memory_ratio": round(figures[side]["peak_mib"] / figures["tutorial"]["peak_mib"], 3),
        }
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=3, help="steps of each side in a round")
    options = parser.parse_args()
    record = describe()
    record["rounds"], record["steps_per_round"] = options.rounds, options.steps
    record["sizes"] = {}
    for size in options.sizes:
        record["sizes"][str(size)] = compare(size, options.rounds, options.steps)
        print(size, json.dumps(record["sizes"][str(size)]), flush=True)
    write_record(Path(__file__).with_suffix(".json"), record)


if __name__ == "__main__":
    main()
