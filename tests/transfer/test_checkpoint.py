"""Checkpoints: what comes back is what was saved, and what is damaged is refused."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nst_tf.inputs.identity import differences
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.network.weights import load_weights
from nst_tf.transfer.checkpoint import load_checkpoint, save_checkpoint
from nst_tf.transfer.identity import run_identity
from nst_tf.transfer.run import StyleTransfer
from nst_tf.transfer.state import SavedRun
from tests.transfer.test_state import FAST, transfer


def saved(path, run, state, notes=None):
    save_checkpoint(path, SavedRun(state, tuple(run.plans), run.identity, notes))
    return load_checkpoint(path)


def flat(state):
    return tf.nest.flatten([state.image, state.start, state.optimizer, state.average, state.watch])


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"scales": 2, "min_dim": 8, "averaging": 0.7},
        {"block_size": 16, "style_weight": (1e-3, 1)},
        {"epochs": 1, "steps_per_epoch": 4, "min_gain": 0.1},
    ],
    ids=["plain", "scales", "blocks", "window"],
)
def test_a_run_goes_on_from_its_file_bit_for_bit(pixels, tmp_path, optimizer, changes):
    run = transfer(pixels, optimizer=optimizer, **changes)
    whole = list(run.steps())
    for number, progress in enumerate(whole):
        back = saved(tmp_path / "run.checkpoint", run, progress.state, notes=[1.5, {"a": None}])
        assert back.notes == [1.5, {"a": None}]
        assert back.plans == tuple(run.plans)
        plain = {
            field.name: getattr(progress.state, field.name)
            for field in dataclasses.fields(progress.state)
            if field.name not in ("image", "start", "optimizer", "average", "watch")
        }
        assert {name: getattr(back.state, name) for name in plain} == plain
        for ours, theirs in zip(flat(back.state), flat(progress.state), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        again = transfer(pixels, optimizer=optimizer, **changes)
        rest = list(again.steps(back.state))
        assert [p.losses for p in rest] == [p.losses for p in whole[number + 1 :]]
        assert [p.losses.layers for p in rest] == [p.losses.layers for p in whole[number + 1 :]]
        if rest:
            np.testing.assert_array_equal(rest[-1].image(), whole[-1].image())


def test_a_run_knows_by_name_what_it_does_not_share(pixels):
    def identity(seed=0, **changes):
        run = transfer(lambda *size, seed=seed: pixels(*size, seed=seed), **changes)
        return run_identity(run.fitted, load_weights("bundled"), "float32")

    ours = identity()
    assert differences(ours, identity()) == []
    assert differences(ours, json.loads(json.dumps(ours))) == []
    assert differences(identity(content_weight=2.0), ours) == ["content_weight is 2.0, was 10000.0"]
    assert differences(identity(memory_budget="20GiB"), ours) == []
    other = dataclasses.replace(FAST, init="noise")
    photo = transfer(pixels).fitted.content
    changed = prepare_inputs(photo + np.float32(1 / 512) * (photo < 0.5), photo, other)
    found = differences(run_identity(changed, load_weights("bundled"), "float32"), ours)
    assert found[:2] == ["content", "style 1"]
    assert "init is noise, was content" in found


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    rng = np.random.default_rng(0)
    image, painting = rng.random((2, 1, 16, 16, 3), np.float32)
    run = StyleTransfer(
        prepare_inputs(image, painting, dataclasses.replace(FAST, optimizer="lbfgs"))
    )
    path = tmp_path_factory.mktemp("checkpoint") / "run.checkpoint"
    *_, last = run.steps()
    saved(path, run, last.state)
    return path


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_file_is_refused_in_one_line(file, tmp_path, data):
    content = bytearray(file.read_bytes())
    kind = data.draw(st.sampled_from(["flip", "cut", "fill", "grow", "length"]))
    at = data.draw(st.integers(0, len(content) - 1))
    if kind == "flip":
        content[at] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == "cut":
        del content[at:]
    elif kind == "fill":
        content[at : at + 64] = bytes(len(content[at : at + 64]))
    elif kind == "grow":
        content += b"x"
    else:
        content[:8] = data.draw(st.integers(0, 2**64 - 1)).to_bytes(8, "little")
    if content == file.read_bytes():
        return
    path = tmp_path / "damaged.checkpoint"
    path.write_bytes(content)
    message, back = None, None
    try:
        back = load_checkpoint(path)
    except ValueError as error:
        message = str(error)
    if back is None:
        assert "delete it to start again" in message
        assert "\n" not in message
    else:  # what was hit has no meaning, such as a digit of the identity
        assert np.array_equal(back.state.image, load_checkpoint(file).state.image)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": {"moves": ["optimizer.moves.0"] * 10**5}}, {"optimizer": {"moves": 7}},
        {"optimizer": {"moves": []}}, {"step": -1}, {"step": 1.5}, {"window": 3},
        {"plan": {}}, {"optimizer": None}, {"optimizer": {"here": [1]}},
        {"optimizer": {"step": "image"}}, {"average": 1.0}, {"average": {"weight": 1.0}},
        {"optimizer": {"here": {"losses": {"terms": {"total": "x"}, "layers": {}}}}},
        {"watch": None}, {"watch": {"best": "x"}}, {"watch": {"diverged": -1}},
        {"watch": {"reduced_rate": 3}}, {"image": "missing"},
    ],
)  # fmt: skip
def test_a_hostile_header_is_refused(file, tmp_path, changes):
    content = file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    record = json.loads(header["__metadata__"]["record"])
    for name, change in changes.items():
        whole = record["state"][name]
        both = isinstance(whole, dict) and isinstance(change, dict) and change
        record["state"][name] = whole | change if both else change
    header["__metadata__"]["record"] = json.dumps(record)
    text = json.dumps(header).encode()
    path = tmp_path / "hostile.checkpoint"
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    with pytest.raises(ValueError, match="damaged or not a checkpoint"):
        load_checkpoint(path)


def test_a_history_of_any_length_can_be_read_again(file, tmp_path):
    run = load_checkpoint(file)
    notes = ["x" * (1 << 20)] * 70  # MiB: as much as a run of 350,000 steps
    save_checkpoint(tmp_path / "long", dataclasses.replace(run, notes=notes))
    assert load_checkpoint(tmp_path / "long").notes == notes


def test_what_could_not_be_read_again_is_not_written(file, tmp_path):
    run = dataclasses.replace(load_checkpoint(file), identity={"content": "x" * (65 << 20)})
    with pytest.raises(OSError, match="cannot be written: its header would take 65 MiB"):
        save_checkpoint(tmp_path / "new", run)
    assert list(tmp_path.iterdir()) == []


def test_checkpoints_of_earlier_versions_are_refused_by_name(file, tmp_path):
    path = tmp_path / "earlier.checkpoint"
    path.write_bytes(file.read_bytes().replace(b"nst_tf checkpoint 2", b"nst_tf checkpoint 1"))
    with pytest.raises(ValueError, match=r"another version of nst_tf \('nst_tf checkpoint 1'"):
        load_checkpoint(path)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "text"
    path.write_text("no checkpoint")
    with pytest.raises(ValueError, match="damaged or not a checkpoint"):
        load_checkpoint(path)
    with pytest.raises(OSError, match="cannot be read"):
        load_checkpoint(tmp_path / "missing")
