"""The start of TensorFlow for the programs."""

import os

from nst_tf.compute.device import import_tensorflow, use_device


def start_tensorflow(device: str = "auto", deterministic: bool = False, threads: int = 0) -> str:
    """Import TensorFlow without its start-up noise and set it up for the device.

    Args:
        device: `auto` for TensorFlow's own placement, `cpu`, `gpu`, or `gpu:1` for the second one.
        deterministic: whether to use only operations whose results repeat exactly.
        threads: that it may use; 0: one for each processor.

    Returns:
        The device, in words.

    Raises:
        ValueError: the machine has no such device.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever it is set to for other work
    import_tensorflow()
    import tensorflow as tf

    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    gpus = use_device(device)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    if not gpus:
        return "CPU" if device == "cpu" else "CPU (TensorFlow found no GPU)"
    names = {tf.config.experimental.get_device_details(gpu).get("device_name") for gpu in gpus}
    return " and ".join(sorted(name or "GPU" for name in names))
