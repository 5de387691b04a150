"""The weights of the face detector, from the package mtcnn.

Run `pip install --no-deps mtcnn==1.0.0 joblib lz4`, then `python scripts/face_weights.py`. It
writes nst_tf/data/mtcnn.npz: the arrays of each network in the order of its layers, as float16.
"""

import importlib.util
from pathlib import Path

import joblib
import numpy as np

from nst_tf.images.mtcnn import NETWORKS, WEIGHTS


def main() -> None:
    """Convert the weights."""
    spec = importlib.util.find_spec("mtcnn")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("mtcnn is missing: run pip install mtcnn==1.0.0 --no-deps")
    weights = Path(spec.submodule_search_locations[0]) / "assets" / "weights"
    arrays = {
        f"{network}_{number:02}": np.squeeze(array).astype(np.float16)
        for network in NETWORKS
        for number, array in enumerate(joblib.load(weights / f"{network}.lz4"))
    }
    np.savez_compressed(WEIGHTS, **arrays)
    print(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size / 2**20:.2f} MiB")


if __name__ == "__main__":
    main()
