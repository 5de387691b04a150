"""The share of a feature's dependence within a part of its receptive field.

    python scripts/receptive_fields.py

For the style layers, at the middle of crops of the four sample photos: the share of the squared
gradient of random mixtures of the channels with respect to the pixels. Written to
receptive_fields.json.
"""

import os
from pathlib import Path

import numpy as np
from record import ASSETS, describe, write_record

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PHOTOS = ("temple", "cat", "coffee", "astronaut")
PARTS = (1.0, 0.75, 0.5, 0.25)
MIXTURES, SIDE = 6, 160


def main():
    import tensorflow as tf

    from nst_tf import Settings, load_image
    from nst_tf.network.layers import receptive_radius, stride
    from nst_tf.network.model import extract_features
    from nst_tf.transfer.scales import load_model

    model = load_model(Settings())
    found = {}
    for layer in Settings().style_layers[1:]:
        shares = {part: [] for part in PARTS}
        for name in PHOTOS:
            image = tf.constant(load_image(ASSETS / f"{name}.jpg", 256)[:, :SIDE, :SIDE])
            for seed in range(MIXTURES):
                with tf.GradientTape() as tape:
                    tape.watch(image)
                    features = extract_features(model, image)[layer]
                    middle = features.shape[1] // 2
                    mixture = np.random.default_rng(seed).standard_normal(features.shape[-1])
                    value = tf.reduce_sum(features[0, middle, middle] * mixture)
                energy = np.square(tape.gradient(value, image)).sum(axis=(0, 3))
                for part in PARTS:
                    wide = int(np.ceil(part * receptive_radius(layer)))
                    first = middle * stride(layer) - wide
                    seen = slice(max(0, first), first + stride(layer) + 2 * wide)
                    shares[part].append(energy[seen, seen].sum() / energy.sum())
        found[layer] = {part: round(float(np.mean(values)), 3) for part, values in shares.items()}
        print(layer, found[layer], flush=True)
    write_record(Path(__file__).with_suffix(".json"), describe() | {"shares": found})


if __name__ == "__main__":
    main()
