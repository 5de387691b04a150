"""Checkpoints: the whole state of a run in one file, and what a run must share with it to go on.

The file is in the safetensors format, arrays behind a JSON header: nothing in it can run. The
header holds a checksum of the arrays, the state's numbers and the run's identity. The notes, such
as the history, are an array of JSON in UTF-8: they grow with every step, and a header may not.
"""

import dataclasses
import json
import os
import platform
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.compute.plan import Plan
from nst_tf.inputs.prepare import RunInputs
from nst_tf.losses.values import Losses
from nst_tf.network.weights import Weights
from nst_tf.optimizers.adam import AdamState
from nst_tf.optimizers.averaging import AverageState
from nst_tf.optimizers.lbfgs import Evaluation, LBFGSState
from nst_tf.transfer.divergence import DivergenceMonitor
from nst_tf.transfer.state import Identity, RunState, SavedRun
from nst_tf.utils.digests import array_digest
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import StrPath, write_whole

FORMAT = "nst_tf checkpoint 1"
HEADER_LIMIT = 64 << 20  # bytes: safetensors reads 100 MB, and versions up to 1.7 kept notes there
NOTES = "notes"

Arrays = dict[str, np.ndarray]


def run_identity(fitted: RunInputs, weights: Weights, precision: str) -> Identity:
    """Return what must be the same for a run to go on bit for bit: pictures, settings, machine.

    Args:
        fitted: what the run is made from.
        weights: of its network.
        precision: of its features.
    """
    pictures: dict[str, np.ndarray | None] = {"content": fitted.content}
    pictures |= {f"style {n}": style for n, style in enumerate(fitted.styles, start=1)}
    for number, region in enumerate(fitted.regions, start=1):
        pictures[f"content mask {number}"] = region.content
        for style, mask in region.styles.items():
            pictures[f"style mask {number} of style {style + 1}"] = mask
    pictures |= {"keep mask": fitted.keep, "init picture": fitted.initial}
    if fitted.reference is not None:
        pictures |= {"reference": fitted.reference.image, "confidence": fitted.reference.confidence}
    settings = dataclasses.asdict(fitted.settings)
    # Where memory and weights come from does not change the picture; what they are does.
    for name in ("memory_budget", "weights", "precision"):
        del settings[name]
    return json.loads(
        json.dumps(
            {name: array_digest(array) for name, array in pictures.items() if array is not None}
            | settings
            | machine_identity(weights, precision)
        )
    )


def machine_identity(weights: Weights, precision: str) -> Identity:
    """Return what else must be the same: network and machine; arguments as for `run_identity`."""
    return {
        "weights": weights.sha256,
        "precision": precision,
        "number of processors": os.cpu_count(),
        "processor": platform.machine(),
        "TensorFlow's version": tf.__version__,
    }


def differences(ours: Identity, theirs: Identity) -> list[str]:
    """Return the names of what two runs do not share, in words, those of `ours` first."""
    names = [*ours, *(name for name in theirs if name not in ours)]
    return [_difference(name, ours, theirs) for name in names if ours.get(name) != theirs.get(name)]


def _difference(name: str, ours: Identity, theirs: Identity) -> str:
    values = (ours.get(name), theirs.get(name))
    if any(isinstance(value, str) and len(value) == 64 for value in values):  # digests
        return name
    return f"{name} is {values[0]}, was {values[1]}"


def save_checkpoint(path: StrPath, run: SavedRun) -> None:
    """Write a checkpoint whole; until it is safe on the disk, the file that was there stays.

    Raises:
        OSError: it cannot be written, or could not be read afterwards.
    """
    arrays, numbers = _pack(run.state)
    arrays[NOTES] = np.frombuffer(json.dumps(run.notes).encode(), np.uint8)
    record = {
        "format": FORMAT,
        "checksum": _checksum(arrays.values()),
        "state": numbers,
        "plans": [plan._asdict() for plan in run.plans],
        "identity": run.identity,
    }
    # Not `safetensors.numpy.save_file`, which copies all arrays: L-BFGS's may fill the memory.
    header: dict[str, Any] = {"__metadata__": {"record": json.dumps(record)}}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        kind = {"float32": "F32", "int64": "I64", "uint8": "U8"}[array.dtype.name]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > HEADER_LIMIT:
        raise OSError(f"{path} cannot be written: its header would take {len(text) >> 20} MiB")
    with write_whole(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(array.data)


def load_checkpoint(path: StrPath) -> SavedRun:
    """Read a checkpoint.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no checkpoint of this version, or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with open(path, "rb") as file:  # the header before anything else is believed
            length = int.from_bytes(file.read(8), "little")
            if length > HEADER_LIMIT:
                raise UserError("the header is too long")
        with safe_open(path, framework="numpy") as file:
            record = json.loads((file.metadata() or {})["record"])
            if record["format"] != FORMAT:
                raise UserError("another format")
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        # One by one: a damaged record may claim a billion arrays.
        stored = chain(_names(record["state"]), filter(NOTES.__eq__, arrays))
        if _checksum(arrays[name] for name in stored) != record["checksum"]:
            raise UserError("the checksum does not match")
        notes = json.loads(arrays[NOTES].tobytes()) if NOTES in arrays else record["notes"]
        return SavedRun(
            _unpack(arrays, record["state"]),
            tuple(_plan(entry) for entry in record["plans"]),
            dict(record["identity"]),
            notes,
        )
    except OSError as error:
        raise OSError(f"{path} cannot be read: {error.strerror or error}") from None
    except (SafetensorError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise UserError(
            f"{path} is damaged or no checkpoint of this version: delete it to start again"
        ) from None


def _checksum(arrays: Iterable[np.ndarray]) -> int:
    checksum = 0
    for array in arrays:
        checksum = zlib.crc32(np.ascontiguousarray(array).data, checksum)
    return checksum


def _names(numbers: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of a state's arrays in the order in which they are stored."""
    yield from ("image", "start")
    if numbers["optimizer"] == "adam":
        yield from ("adam.step", "adam.mean", "adam.square")
    else:
        for pair in range(numbers["pairs"]):
            yield from (f"lbfgs.move.{pair}", f"lbfgs.change.{pair}")
        if numbers["losses"] is not None:
            yield "lbfgs.gradient"
    if numbers["average_weight"] is not None:
        yield "average"
    if numbers["watch"]["best"] is not None:
        yield "best"


_PLAIN = ("scale", "step", "scale_step", "epoch", "evaluations", "smallest")


def _pack(state: RunState) -> tuple[Arrays, dict[str, Any]]:
    """Return a state's arrays, in the order of `_names`, and the rest of it for JSON."""
    optimizer = state.optimizer
    numbers: dict[str, Any] = {name: getattr(state, name) for name in _PLAIN}
    numbers |= {
        "window": list(state.window),
        "seconds": state.seconds,
        "plan": state.plan._asdict(),
        "average_weight": state.average.weight if state.average else None,
        "watch": {
            "best": None if state.watch.image is None else state.watch.best,
            "astray": state.watch.diverged,
            "gentler": state.watch.reduced_rate,
        },
    }
    tensors = {"image": state.image, "start": state.start}
    if isinstance(optimizer, AdamState):
        numbers["optimizer"] = "adam"
        tensors |= {f"adam.{name}": value for name, value in optimizer._asdict().items()}
    else:
        here = optimizer.here
        numbers |= {
            "optimizer": "lbfgs",
            "pairs": len(optimizer.moves),
            "losses": _losses(here.losses) if here else None,
            "stationary": optimizer.stationary,
        }
        for pair, (move, change) in enumerate(zip(optimizer.moves, optimizer.changes, strict=True)):
            tensors |= {f"lbfgs.move.{pair}": move, f"lbfgs.change.{pair}": change}
        if here:
            tensors["lbfgs.gradient"] = here.gradient
    if state.average:
        tensors["average"] = state.average.average
    if state.watch.image is not None:
        tensors["best"] = state.watch.image
    # At least one dimension, so that `.data` is contiguous bytes; a CPU tensor is not copied.
    arrays = {name: np.atleast_1d(np.asarray(tensors[name])) for name in _names(numbers)}
    return arrays, numbers


def _unpack(arrays: Mapping[str, np.ndarray], numbers: Mapping[str, Any]) -> RunState:
    """Return the state that `_pack` took apart; ValueError and the like if it cannot be one."""
    shape = arrays["image"].shape
    if len(shape) != 4 or shape[0] != 1 or shape[3] != 3:
        raise UserError("the image has no image's shape")

    def tensor(name: str, *, flat: bool = False) -> tf.Tensor:
        wanted = (int(np.prod(shape)),) if flat else shape
        array = arrays[name]
        if array.shape != wanted or array.dtype != np.float32 or not np.isfinite(array).all():
            raise UserError(f"{name} does not fit the image")
        return tf.constant(array)

    image = tensor("image")
    if not (arrays["image"].min() >= 0 and arrays["image"].max() <= 1):
        raise UserError("the image is not between 0 and 1")
    optimizer: AdamState | LBFGSState
    if numbers["optimizer"] == "adam":
        step = tf.constant(int(arrays["adam.step"][0]), tf.int64)
        optimizer = AdamState(step, tensor("adam.mean"), tensor("adam.square"))
    elif numbers["optimizer"] != "lbfgs":
        raise UserError("no such optimizer")
    else:
        pairs = range(numbers["pairs"])
        losses, here = numbers["losses"], None
        if losses is not None:
            terms, layers = (
                {str(name): float(loss) for name, loss in losses[part].items()}
                for part in ("terms", "layers")
            )
            here = Evaluation(Losses(terms, layers), tensor("lbfgs.gradient"))
        optimizer = LBFGSState(
            tuple(tensor(f"lbfgs.move.{pair}", flat=True) for pair in pairs),
            tuple(tensor(f"lbfgs.change.{pair}", flat=True) for pair in pairs),
            here,
            bool(numbers["stationary"]),
        )
    average = None
    if numbers["average_weight"] is not None:
        average = AverageState(tensor("average"), float(numbers["average_weight"]))
    watch = DivergenceMonitor(
        diverged=_count(numbers["watch"]["astray"]), reduced_rate=numbers["watch"]["gentler"]
    )
    if not isinstance(watch.reduced_rate, bool):
        raise UserError("the run is gentler or not")
    if numbers["watch"]["best"] is not None:
        watch = watch._replace(best=float(numbers["watch"]["best"]), image=tensor("best"))
    return RunState(
        **{name: _count(numbers[name]) for name in _PLAIN},
        image=image,
        start=tensor("start"),
        optimizer=optimizer,
        average=average,
        window=tuple(float(loss) for loss in numbers["window"]),
        seconds=float(numbers["seconds"]),
        plan=_plan(numbers["plan"]),
        watch=watch,
    )


def _losses(losses: Mapping[str, float]) -> dict[str, dict[str, float]]:
    layers = losses.layers if isinstance(losses, Losses) else {}
    return {"terms": dict(losses), "layers": layers}


def _plan(entry: Mapping[str, Any]) -> Plan:
    plan = Plan(**entry)
    if plan.precision not in ("float32", "bfloat16"):
        raise UserError("no such precision")
    for name in ("block_size", "lbfgs_memory", "peak", "longest"):
        _count(entry[name])
    return plan._replace(winograd=bool(plan.winograd))


def _count(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise UserError(f"{value!r} is not a count")
    return value
