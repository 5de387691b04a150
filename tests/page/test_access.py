"""The gate for values from browsers."""

import asyncio
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nst_tf.page.access import (  # fmt: skip
    SESSION_LOST,
    AdmittedValue,
    Choice,
    Drawn,
    File,
    Files,
    Number,
    Places,
    Switch,
    Text,
    acting_as,
    admit,
    current_visitor,
    guarded,
    valid_index,
    well_formed,
)
from nst_tf.page.limits import Limits
from nst_tf.page.sweep import sweep_files
from nst_tf.page.visitor import FILE_GONE, INVALID_VALUE
from nst_tf.page.visitors import Visitors
from nst_tf.utils.errors import UserError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("path", "image", "id", "layers", "meta", "url")) | st.text(), inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)  # fmt: skip

KINDS = (
    File(), Files(8), Drawn(), Number(0, 10), Choice(("a", "b")), Text(), Switch(),
    Places(2),
)  # fmt: skip


@pytest.fixture(scope="module")
def visitors(tmp_path_factory):
    return Visitors(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def visitor(visitors):
    return visitors.session_for(None)


@pytest.fixture
def own(visitor):
    path = visitor.uploads / "own.png"
    path.write_bytes(b"content")
    return visitor.grant(path)


@given(value=JSON)
def test_no_json_gets_in_that_is_not_of_its_kind(visitor, value):
    """Send any JSON to any kind: it becomes what the kind promises, or a sentence."""
    promised = (type(None), tuple, type(None), (int, float, type(None)), str, str, bool, tuple)
    for kind, types in zip(KINDS, promised, strict=True):
        try:
            got = kind.admit(visitor, value)
        except UserError:
            continue
        else:
            assert isinstance(got, types)
            assert got is None or not isinstance(kind, File)  # this visitor has no files
            assert not (isinstance(got, float) and not math.isfinite(got))


def test_a_visitors_own_file_gets_in_in_every_form(visitor, own):
    file = {"path": own}
    assert str(File().admit(visitor, file)) == own
    assert str(File().admit(visitor, [file])) == own
    for form in ([file], file, [{"image": file, "caption": None}]):
        assert [*map(str, Files(8).admit(visitor, form))] == [own]


@pytest.mark.parametrize("change", [
    lambda path: path + "/", lambda path: "/." + path, lambda path: path.upper(),
    lambda path: path + "\0", lambda path: os.path.relpath(path), lambda path: path.encode(),
    lambda path: f"/proc/self/root{path}", lambda path: path.replace("/own", "/../uploads/own"),
])  # fmt: skip
def test_another_text_for_the_same_file_is_another_file(visitor, own, change):
    with pytest.raises(UserError, match=FILE_GONE):
        visitor.own_file(change(own))


def test_a_file_becomes_gone_with_the_file(visitor, own):
    os.unlink(own)
    with pytest.raises(UserError, match=FILE_GONE):
        visitor.own_file(own)
    os.mkdir(own)
    with pytest.raises(UserError, match=FILE_GONE):
        visitor.own_file(own)
    os.rmdir(own)


def test_a_link_is_not_followed_although_its_name_was_handed_out(visitor, own, tmp_path):
    (tmp_path / "private").write_bytes(b"private")
    os.unlink(own)
    os.symlink(tmp_path / "private", own)
    with pytest.raises(UserError, match=FILE_GONE):
        visitor.own_file(own)
    os.unlink(own)


def test_samples_are_everybodys_and_uploads_their_owners(visitors, visitor, own, tmp_path):
    sample = tmp_path.resolve() / "sample.jpg"
    sample.write_bytes(b"sample")
    visitors.public.add(str(sample))
    other = visitors.session_for(None)
    assert other.own_file(str(sample)) == sample
    with pytest.raises(UserError, match=FILE_GONE):
        other.own_file(own)


def test_numbers_keep_their_bounds(visitor):
    kind = Number(0.25, 4)
    for value in (0.25, 4, 1, None):
        assert kind.admit(visitor, value) == value
    for value in (0.2, 4.1, math.nan, math.inf, -math.inf, True, "1", [1]):
        with pytest.raises(UserError):
            kind.admit(visitor, value)


def test_places_have_three_decimals(visitor):
    for value in (["0.412,0.223"], ["0.000,1.000", "0.500,0.250"], []):
        assert Places(2).admit(visitor, value) == tuple(value)
    for value in (None, "0.412,0.223", ["0.412"], ["0.412,0.223\n"], ["٠.412,0.223"], ["0.1,0.2"],
                  ["0.412,0.223"] * 3):  # fmt: skip
        with pytest.raises(UserError, match=INVALID_VALUE):
            Places(2).admit(visitor, value)


def test_too_many_files_are_named(visitor, own):
    with pytest.raises(UserError, match="at most 8 pictures can be chosen, not 9"):
        Files(8).admit(visitor, [{"path": own}] * 9)


@pytest.mark.parametrize("index", [-1, 3, True, "1", 1.0, None])
def test_only_what_is_there_can_be_clicked(index):
    assert valid_index(2, 3) == 2
    with pytest.raises(UserError, match=INVALID_VALUE):
        valid_index(index, 3)


def test_an_event_takes_nothing_that_has_not_passed(visitor):
    """Call an event as a Gradio would that passes values on as they come."""
    event = guarded(lambda visitor, value: value, lambda problem: problem)
    with acting_as(visitor), pytest.raises(TypeError, match="has not passed"):
        event("/etc/passwd")
    with acting_as(visitor):
        assert event(AdmittedValue("fine")) == "fine"
        assert event(AdmittedValue(problem="a sentence")) == "a sentence"


def test_an_event_without_a_visitor_is_refused(visitor):
    event = guarded(lambda visitor, value: value, lambda problem: problem)
    assert event(AdmittedValue("fine")) == SESSION_LOST
    assert admit(Switch(), True).problem == SESSION_LOST
    with pytest.raises(UserError, match=SESSION_LOST):
        current_visitor()


def test_failures_of_the_disk_name_no_path(visitor):
    def fail(visitor):
        raise OSError(28, "No space left on device", "/secret/path")

    with acting_as(visitor):
        told = guarded(fail, lambda problem: problem)()
    assert "room" in told
    assert "/secret" not in told


def test_a_component_without_a_kind_admits_nothing(visitor):
    with acting_as(visitor):
        assert admit(None, "anything").problem == INVALID_VALUE


@given(body=JSON)
def test_no_json_passes_for_a_call_by_chance(body):
    assert not well_formed(body, [1, 2], [False, True])


def test_a_call_has_the_form_of_its_event():
    call = {"fn_index": 1, "data": [0, 0], "session_hash": "abc1", "event_data": None}
    assert well_formed(call, [1, 2], [False, False])
    assert not well_formed(call, [1, 2], [False, True])
    for value in (False, "300", 3, [], {}):  # of a field that has changed
        assert well_formed({**call, "event_data": value}, [1, 2], [False, False])
        assert not well_formed({**call, "event_data": value}, [1, 2], [False, True])
    click = {**call, "event_data": {"index": 0, "value": None}}
    assert well_formed(click, [1, 2], [False, True])
    for key, value in (("fn_index", 2), ("fn_index", -1), ("data", [0]), ("session_hash", None),
                       ("session_hash", "a" * 41)):  # fmt: skip
        assert not well_formed({**call, key: value}, [1, 2], [False, False])


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page itself, without a server."""
    from nst_tf.page.events import build
    from nst_tf.page.sample_names import SAMPLES
    from tests.page.unpainted import unpainted

    work = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch, unpainted(work, Limits(), SAMPLES) as state:
        patch.setenv("GRADIO_TEMP_DIR", str(work / "served"))
        yield build(state), state.visitors


def test_sample_pictures_outlive_every_sweep(page):
    """Sweep the served files as if they had been unused for years."""
    _, visitors = page
    samples = [path for path in visitors.public if os.path.isabs(path)]  # Gradio adds addresses
    assert len(samples) == 8 + 6  # pictures, and pairs of them
    for path in samples:
        os.utime(path, (1e9, 1e9))
    sweep_files(Path(os.environ["GRADIO_TEMP_DIR"]), keep=visitors.public)
    assert all(map(os.path.exists, samples))


def test_every_input_of_the_page_has_a_kind(page):
    blocks, _ = page
    inputs = [one for event in blocks.fns.values() for one in event.inputs if not one.stateful]
    assert len(inputs) > 100
    assert [one for one in inputs if one._id not in blocks.kinds] == []


def test_every_event_of_the_page_is_called_with_admitted_values_only(page):
    """Walk all events and send each input what it never sends, as Gradio hands it over."""
    blocks, visitors = page
    odd = ("/etc/passwd", {"path": "/etc/passwd"}, [{"image": {"path": "/proc/self/cwd/x"}}],
           {"path": "../x", "meta": {"_type": "gradio.FileData"}}, {"path": "a\0b"}, [3], 1e308,
           {"layers": [{"path": "/x"}]}, [["x"]], True)  # fmt: skip
    state = {one._id: None for event in blocks.fns.values() for one in event.inputs}
    with acting_as(visitors.session_for(None)):
        for event in blocks.fns.values():
            for value in odd:
                sent = [value] * len(event.inputs)
                got = asyncio.run(blocks.preprocess_data(event, sent, state))
                assert all(isinstance(one, AdmittedValue) for one in got)
                for component, one in zip(event.inputs, got, strict=True):
                    plain = isinstance(one.value, (bool, int, float, str, type(None)))
                    if not component.stateful and not one.problem:
                        assert plain or one.value == ()
