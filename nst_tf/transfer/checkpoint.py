"""Checkpoints: the whole state of a run in one file.

The file is in the safetensors format, arrays behind a JSON header: nothing in it can run. The
header holds a checksum of the arrays, the rest of the state and the run's identity. The notes, such
as the history, are an array of JSON in UTF-8: they grow with every step, and a header must not.
"""

import dataclasses
import json
import math
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.compute.plan import Plan
from nst_tf.losses.values import Losses
from nst_tf.optimizers.adam import AdamState
from nst_tf.optimizers.averaging import AverageState
from nst_tf.optimizers.lbfgs import Evaluation, LBFGSState
from nst_tf.transfer.divergence import DivergenceMonitor
from nst_tf.transfer.state import RunState, SavedRun
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import StrPath, write_whole

FORMAT = "nst_tf checkpoint 2"
HEADER_LIMIT = 64 << 20  # bytes: safetensors reads 100 MB
NOTES = "notes"
DTYPES = {"float32": "F32", "int64": "I64", "uint8": "U8"}  # names in the safetensors format

Arrays = dict[str, np.ndarray]


def save_checkpoint(path: StrPath, run: SavedRun) -> None:
    """Write a checkpoint as a whole; it replaces an existing file once it is on the disk."""
    arrays, state = _pack(run.state)
    arrays[NOTES] = np.frombuffer(json.dumps(run.notes).encode(), np.uint8)
    record = {
        "format": FORMAT,
        "checksum": _checksum(arrays),
        "state": state,
        "plans": [plan._asdict() for plan in run.plans],
        "identity": run.identity,
    }
    # Not `safetensors.numpy.save_file`, which copies all arrays: L-BFGS's may fill the memory.
    header: dict[str, Any] = {"__metadata__": {"record": json.dumps(record)}}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        dtype = DTYPES[array.dtype.name]
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": [begin, end]}
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
        ValueError: the file is not a checkpoint of this version, or is damaged.
    """
    from safetensors import SafetensorError

    try:
        record, arrays = _read(path)
        version = record["format"]
        if version == FORMAT:
            return _unpack_run(record, arrays)
    except OSError as error:
        raise OSError(f"{path} cannot be read: {error.strerror or error}") from None
    except (SafetensorError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise UserError(
            f"{path} is damaged or not a checkpoint: delete it to start again"
        ) from None
    raise UserError(
        f"{path} is a checkpoint of another version of nst_tf ({version!r}, not {FORMAT!r}): "
        "delete it to start again"
    )


def _read(path: StrPath) -> tuple[dict[str, Any], Arrays]:
    """Return the record in the header of a file, and its arrays."""
    from safetensors import safe_open

    with open(path, "rb") as file:  # check the header's length before trusting it
        length = int.from_bytes(file.read(8), "little")
        if length > HEADER_LIMIT:
            raise UserError("the header is too long")
    with safe_open(path, framework="numpy") as file:
        record = json.loads((file.metadata() or {})["record"])
        return record, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def _unpack_run(record: Mapping[str, Any], arrays: Arrays) -> SavedRun:
    if _checksum(arrays) != record["checksum"]:
        raise UserError("the checksum does not match")
    notes = json.loads(arrays.pop(NOTES).tobytes())
    _check_arrays(arrays)
    return SavedRun(
        _unpack(record["state"], lambda path: tf.constant(arrays.pop(path))),
        tuple(_plan(entry) for entry in record["plans"]),
        dict(record["identity"]),
        notes,
    )


def _checksum(arrays: Arrays) -> int:
    checksum = 0
    for name in sorted(arrays):
        checksum = zlib.crc32(np.ascontiguousarray(arrays[name]).data, checksum)
    return checksum


def _check_arrays(arrays: Arrays) -> None:
    """Check that the arrays of a state fit each other."""
    shape = arrays["image"].shape
    if len(shape) != 4 or shape[0] != 1 or shape[3] != 3:
        raise UserError("the image does not have the shape of an image")
    for name, array in arrays.items():
        expected: tuple[int, ...] = shape
        dtype = "float32"
        if name.startswith(("optimizer.moves.", "optimizer.changes.")):
            expected = (math.prod(shape),)
        elif name == "optimizer.step":
            expected, dtype = (1,), "int64"
        if array.shape != expected or array.dtype != dtype or not np.isfinite(array).all():
            raise UserError(f"{name} does not fit the image")
    if not (arrays["image"].min() >= 0 and arrays["image"].max() <= 1):
        raise UserError("the image is not between 0 and 1")


def _pack(state: RunState) -> tuple[Arrays, dict[str, Any]]:
    """Return the tensors of a state by path, and the state as JSON with paths for tensors."""
    arrays: Arrays = {}

    def plain(value: Any, path: str) -> Any:
        if tf.is_tensor(value):
            # At least one dimension makes `.data` contiguous bytes; a CPU tensor is not copied.
            arrays[path] = np.atleast_1d(np.asarray(value))
            return path
        if isinstance(value, Losses):
            return {"terms": dict(value), "layers": value.layers}
        if hasattr(value, "_asdict"):
            value = value._asdict()
        if isinstance(value, Mapping):
            return {name: plain(part, f"{path}.{name}") for name, part in value.items()}
        if isinstance(value, tuple):
            return [plain(part, f"{path}.{index}") for index, part in enumerate(value)]
        return value

    fields = (field.name for field in dataclasses.fields(state))
    return arrays, {name: plain(getattr(state, name), name) for name in fields}


def _unpack(entry: Mapping[str, Any], tensor: Callable[[str], tf.Tensor]) -> RunState:
    """Return the state that `_pack` took apart; ValueError or the like if it cannot be one.

    Each path's tensor is used once, however many times a file names it.
    """
    counts = ("scale", "step", "scale_step", "epoch", "evaluations", "smallest")
    average, watch = entry["average"], entry["watch"]
    if not isinstance(watch["reduced_rate"], bool):
        raise UserError("reduced_rate is not true or false")
    return RunState(
        **{name: _count(entry[name]) for name in counts},
        image=tensor(entry["image"]),
        start=tensor(entry["start"]),
        optimizer=_unpack_optimizer(entry["optimizer"], tensor),
        average=None
        if average is None
        else AverageState(tensor(average["average"]), float(average["weight"])),
        window=tuple(float(loss) for loss in entry["window"]),
        seconds=float(entry["seconds"]),
        plan=_plan(entry["plan"]),
        watch=DivergenceMonitor(
            best=float(watch["best"]),
            image=None if watch["image"] is None else tensor(watch["image"]),
            diverged=_count(watch["diverged"]),
            reduced_rate=watch["reduced_rate"],
        ),
    )


def _unpack_optimizer(
    entry: Mapping[str, Any], tensor: Callable[[str], tf.Tensor]
) -> AdamState | LBFGSState:
    if "step" in entry:
        moments = tensor(entry["first_moment"]), tensor(entry["second_moment"])
        return AdamState(tf.reshape(tensor(entry["step"]), []), *moments)
    here = entry["here"]
    if here is not None:
        losses = (
            {str(name): float(loss) for name, loss in here["losses"][kind].items()}
            for kind in ("terms", "layers")
        )
        here = Evaluation(Losses(*losses), tensor(here["gradient"]))
    moves, changes = (tuple(map(tensor, entry[name])) for name in ("moves", "changes"))
    if len(moves) != len(changes):
        raise UserError("a pair is not complete")
    return LBFGSState(moves, changes, here, bool(entry["stationary"]))


def _plan(entry: Mapping[str, Any]) -> Plan:
    plan = Plan(**entry)
    if plan.precision not in ("float32", "bfloat16"):
        raise UserError("the precision is unknown")
    for name in ("block_size", "lbfgs_memory", "peak", "longest"):
        _count(entry[name])
    return plan._replace(winograd=bool(plan.winograd))


def _count(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise UserError(f"{value!r} is not a count")
    return value
