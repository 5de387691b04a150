"""One process that makes many pictures."""

import concurrent.futures
import gc
import io
import logging
import random
import threading
import time

import numpy as np
import psutil
import pytest
import tensorflow as tf
from PIL import Image

from nst_tf import (
    BusyError,
    CallbackError,
    NonFiniteLossError,
    Settings,
    Stylizer,
    load_image,
    read_metadata,
    stylize,
)
from nst_tf.compute.cache import StatisticsCache, size_of
from nst_tf.compute.evaluate import CACHED, compiled, whole_objective
from nst_tf.inputs.sources import ImageSources
from nst_tf.losses.term import Statistics
from tests.conftest import ASSETS

MIB = 2**20

# Shallow layers and few steps: what recipes do, in a fraction of their time.
SHALLOW = {
    "max_dim": 48, "epochs": 1, "steps_per_epoch": 2, "content_layers": ["block2_conv2"],
    "style_layers": ["block1_conv1", "block2_conv1"], "neighbor_layers": ["block2_conv1"],
    "min_dim": 20, "style_sizes": 1,
}  # fmt: skip
SIZES = [(36, 48), (37, 48), (48, 36), (49, 37), (47, 48), (92, 96)]


def shallow(recipe="tutorial", **changes):
    names = (
        "max_concurrent", "max_waiting", "wait_limit", "idle_limit", "memory_budget", "device",
    )  # fmt: skip
    own = {name: changes.pop(name) for name in names if name in changes}
    return Stylizer(recipe, **own, **(SHALLOW | changes))


def levels(height, width, seed=0, channels=3):
    shape = (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8, endpoint=False)


@pytest.fixture(scope="module")
def stylizer():
    return shallow()


@pytest.fixture
def painting():
    return levels(40, 32, seed=9)


def loaded(stylizer, photo, painting):
    return ImageSources(photo, painting, stylizer.settings).load()


def ended(thread):
    thread.join(300)
    assert not thread.is_alive()


def test_it_returns_the_picture_at_its_own_size_and_what_it_is(stylizer, painting):
    result = stylizer(levels(37, 48), painting, strength=0.7)
    assert result.pixels.shape == (37, 48, 3)
    assert result.pixels.dtype == np.float32
    assert 0 <= result.pixels.min() <= result.pixels.max() <= 1
    assert result.alpha is None
    assert (result.stop_reason, result.steps) == ("finished", 2)
    assert result.settings.strength == 0.7
    assert list(result.losses) == ["total", "style", "content", "total_variation"]
    assert result.seconds > 0


def test_its_pictures_are_those_of_stylize(stylizer, painting):
    photo = levels(37, 48)
    expected = stylize(photo, painting, Settings(**SHALLOW))
    np.testing.assert_array_equal(stylizer(photo, painting).pixels[None], expected)


def test_a_result_has_the_faces_that_were_kept():
    photo, painting = load_image(ASSETS / "astronaut.jpg", 130)[:, :, :121], levels(40, 40)
    short = {"max_dim": 0, "keep_layers": ["block2_conv1"], "scales": 1}
    keeping = shallow("fast", **short)
    result = keeping(photo, painting)
    (face,) = result.faces
    np.testing.assert_allclose(face.points[0], np.multiply((204, 101), 130 / 512), atol=2)
    assert result.settings.keep_weight > 0
    assert keeping(photo, painting, keep_faces=False).faces == ()
    assert shallow(**short)(photo, painting).faces == ()


def test_results_do_not_depend_on_threads_or_on_what_ran_before():
    recipes = ("tutorial", "painting")
    calls = [(recipe, number) for recipe in recipes for number in range(len(SIZES))]
    paintings = [levels(40, 32, seed=7), levels(30, 44, seed=8)]

    def paint(stylizers, call):
        recipe, number = call
        style = paintings[number % 2]
        return stylizers[recipe](levels(*SIZES[number], seed=number), style).pixels

    def make(**options):
        return {name: shallow(name, **options) for name in recipes}

    whole_objective.cache_clear()
    shared = make(max_concurrent=4)
    found = []

    def work(seed):
        for call in random.Random(seed).sample(calls, len(calls) // 2):
            found.append((call, paint(shared, call)))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(found) == 4 * len(calls)
    assert whole_objective.cache_info().currsize <= CACHED
    alone = {call: paint(make(), call) for call, _ in found}
    assert len(alone) == len(calls)
    for call, pixels in found:
        np.testing.assert_array_equal(pixels, alone[call])


def test_photos_of_all_sizes_share_a_graph(stylizer, painting):
    whole_objective.cache_clear()
    sizes = [(side, 48) for side in (36, 37, 40, 41)]
    for size in sizes:
        stylizer(levels(*size), painting)
    assert whole_objective.cache_info().misses == 1


def test_paintings_of_many_sizes_share_a_graph(painting):
    neighbors = shallow("painting", scales=1)
    photo = levels(36, 48)
    whole_objective.cache_clear()
    for side in (31, 34, 37, 40, 43):
        neighbors(photo, levels(side, 44, seed=side))
    transfer = neighbors._transfer(loaded(neighbors, photo, painting))
    shape = (1, *transfer.fitted.size, 3)
    evaluator = compiled(transfer.network, transfer.terms, shape, False, 0)
    assert evaluator.compiled.experimental_get_tracing_count() == 1


def test_memory_stays_flat(stylizer, painting):
    sizes = [(height, 48) for height in range(40, 49)]
    rest = random.Random(0)

    def paint(count):
        for _ in range(count):
            stylizer(levels(*rest.choice(sizes)), painting, steps_per_epoch=1)
        gc.collect()
        return psutil.Process().memory_info().rss

    for size in sizes:
        stylizer(levels(*size), painting, steps_per_epoch=1)
    before = paint(20)
    assert paint(100) - before < 40 * MIB
    assert whole_objective.cache_info().currsize <= CACHED


@pytest.fixture
def seen():
    """Return the sizes of the pictures that the network sees for targets, in order."""
    sizes = []

    class Notes(logging.Handler):
        def emit(self, record):
            sizes.append(record.args[::-1])

    notes, log = Notes(), logging.getLogger("nst_tf.compute.passes")
    log.addHandler(notes)
    log.setLevel(logging.DEBUG)
    yield sizes
    log.setLevel(logging.NOTSET)
    log.removeHandler(notes)


@pytest.mark.parametrize("recipe", ["tutorial", "painting"])
def test_no_painting_goes_through_the_network_twice(seen, recipe):
    stylizer = shallow(recipe, scales=1)
    one, other = levels(44, 30), levels(30, 41, seed=1)
    first = stylizer(levels(36, 48), one)
    assert len(seen) == 2  # photo and painting
    second = stylizer(levels(36, 48), one)
    assert len(seen) == 3
    np.testing.assert_array_equal(first.pixels, second.pixels)
    stylizer(levels(36, 48), other)
    assert len(seen) == 5
    seen.clear()
    stylizer(levels(36, 48, seed=5), [one, other])
    assert len(seen) == 1


def test_prepared_paintings_need_no_network(seen):
    stylizer = shallow("painting")
    paintings = [levels(44, 30), levels(30, 41, seed=1)]
    stylizer.prepare(*paintings)
    seen.clear()
    for painting in paintings:
        result = stylizer(levels(48, 36), painting)
        # The photo at two scales, and its mixture with the coarser scale's image.
        assert seen == [(24, 18), (48, 36), (48, 36)]
        seen.clear()
    assert result.stop_reason == "finished"


def test_a_warm_stylizer_compiles_nothing(painting):
    stylizer = shallow("painting")
    whole_objective.cache_clear()
    stylizer.warm_up((36, 48), painting)
    assert whole_objective.cache_info().misses == 1
    stylizer(levels(36, 48), painting)
    assert whole_objective.cache_info().misses == 1


def test_the_memory_of_paintings_is_bounded():
    looked = []

    def summarize(image, layers, function, *, guides, grid, joint, name=None):
        looked.append(float(image[0, 0, 0, 0]))
        return Statistics({"sum": tf.zeros(1000)})

    def look(cache, value, **changes):
        arguments = {"guides": {}, "grid": 1, "joint": False, "name": "sum"} | changes
        remember = cache.remembering(summarize, "network")
        return remember(tf.fill([1, 2, 2, 3], float(value)), ("a",), None, **arguments)

    cache = StatisticsCache(2 * size_of(Statistics({"sum": tf.zeros(1000)})))
    for value in (1, 2, 1, 3, 1, 2):
        look(cache, value)
    assert looked == [1, 2, 3, 2]
    look(cache, 2, name=None)
    look(cache, 2, grid=4)
    look(cache, 2, guides={"a": tf.ones([1, 2, 2, 1])})
    assert looked == [1, 2, 3, 2, 2, 2, 2]


def test_a_stream_yields_every_step_on_any_thread(stylizer, painting):
    expected = stylizer(levels(36, 48), painting, steps_per_epoch=4)
    stream = stylizer.stream(levels(36, 48), painting, steps_per_epoch=4)
    steps = []
    while True:  # each step by a thread of its own
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            progress = pool.submit(next, stream, None).result()
        if progress is None:
            break
        steps.append(progress.step)
    assert steps == [1, 2, 3, 4]
    np.testing.assert_array_equal(stream.result.pixels, expected.pixels)
    assert stream.result.stop_reason == "finished"


def test_a_stream_that_is_left_makes_room(painting):
    stylizer = shallow(max_concurrent=1)
    with stylizer.stream(levels(36, 48), painting) as stream:
        next(stream)
    assert (stream.result.stop_reason, stream.result.steps) == ("left", 1)
    forgotten = stylizer.stream(levels(36, 48), painting)
    next(forgotten)
    del forgotten
    thread = threading.Thread(target=stylizer, args=(levels(36, 48), painting), daemon=True)
    thread.start()
    ended(thread)


def test_a_stream_that_is_not_read_gives_up_its_place(painting):
    stylizer = shallow(max_concurrent=1, idle_limit=0.01)
    photo = levels(36, 48)
    stream = stylizer.stream(photo, painting, steps_per_epoch=9)
    next(stream)
    assert stylizer(photo, painting).stop_reason == "finished"
    assert list(stream) == []
    assert (stream.result.stop_reason, stream.result.steps) == ("idle limit", 1)
    assert stream.result.pixels.shape == photo.shape


def test_a_slow_callback_does_not_cost_a_call_its_place(painting):
    """Run another call beside one whose callback takes longer than the idle limit."""
    stylizer = shallow(max_concurrent=1, idle_limit=0.01)
    photo, others = levels(36, 48), []

    def slow(progress):
        if progress.step == 1:
            others.append(threading.Thread(target=stylizer, args=(photo, painting), daemon=True))
            others[0].start()
            time.sleep(0.2)

    assert stylizer(photo, painting, callbacks=[slow]).stop_reason == "finished"
    ended(others[0])


def test_a_run_that_may_not_wait_is_refused(painting):
    photo = levels(36, 48)
    for limits, text in (({"max_waiting": 0}, "max_waiting"), ({"wait_limit": 0.01}, "wait_limit")):
        stylizer = shallow(**limits)
        with stylizer.stream(photo, painting) as stream:
            next(stream)
            with pytest.raises(BusyError, match=text):
                stylizer(photo, painting)
            assert next(stream).step == 2


def test_an_event_ends_the_run_after_its_step(stylizer, painting):
    cancel = threading.Event()

    def watch(progress):
        if progress.step == 2:
            cancel.set()

    result = stylizer(levels(36, 48), painting, cancel=cancel, callbacks=[watch], steps_per_epoch=9)
    assert (result.stop_reason, result.steps) == ("cancelled", 2)


def test_an_event_ends_a_run_from_another_thread(stylizer, painting):
    cancel, reached = threading.Event(), []

    def stop():
        while not reached:
            time.sleep(0.01)
        cancel.set()

    threading.Thread(target=stop, daemon=True).start()
    result = stylizer(
        levels(36, 48), painting, cancel=cancel, callbacks=[reached.append], steps_per_epoch=100000
    )
    assert result.stop_reason == "cancelled"
    assert result.steps == len(reached) < 100000


def test_an_event_ends_the_waiting(painting):
    stylizer = shallow(max_concurrent=1)
    cancel, results = threading.Event(), []
    photo = levels(36, 48)
    with stylizer.stream(photo, painting) as running:
        next(running)
        thread = threading.Thread(
            target=lambda: results.append(stylizer(photo, painting, cancel=cancel)), daemon=True
        )
        thread.start()
        time.sleep(0.2)
        assert not results
        cancel.set()
        ended(thread)
    assert (results[0].stop_reason, results[0].steps, results[0].losses) == ("cancelled", 0, {})
    np.testing.assert_array_equal(results[0].pixels, photo / np.float32(255))


def test_it_says_why_a_run_ended(stylizer, painting):
    photo = levels(36, 48)

    def why(**changes):
        return stylizer(photo, painting, **changes).stop_reason

    assert why() == "finished"
    assert why(callbacks=[lambda progress: "enough"]) == "callback"
    assert why(time_limit=1e-3, steps_per_epoch=100) == "time limit"
    assert why(min_gain=0.9, steps_per_epoch=100) == "no gain"
    assert why(strength=0) == "no gain"


def test_a_callback_that_fails_does_not_lose_the_picture(stylizer, painting):
    def fail(progress):
        if progress.step == 2:
            raise ZeroDivisionError("oops")

    photo = levels(37, 48)
    good = stylizer(photo, painting).pixels
    with pytest.raises(CallbackError, match=r"after step 2 \(ZeroDivisionError: oops\)") as caught:
        stylizer(photo, painting, callbacks=[fail], steps_per_epoch=9)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert caught.value.image.shape == (1, 37, 48, 3)
    np.testing.assert_array_equal(caught.value.image[0], good)
    with pytest.raises(CallbackError) as caught:
        stylize(photo, painting, callbacks=[fail], **SHALLOW)
    np.testing.assert_array_equal(caught.value.image, stylize(photo, painting, **SHALLOW))
    assert stylizer(photo, painting).stop_reason == "finished"  # the place was given back


def test_interrupts_pass_a_callback_as_they_are(stylizer, painting):
    def interrupt(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stylizer(levels(36, 48), painting, callbacks=[interrupt])


def test_an_overflow_keeps_the_last_finite_picture_at_its_size(stylizer, painting):
    with pytest.raises(NonFiniteLossError, match="lower style_weight") as caught:
        stylizer(levels(37, 48), painting, style_weight=1e38)
    assert caught.value.image.shape == (1, 37, 48, 3)


def test_transparent_parts_of_the_photo_stay_as_they_are(stylizer, painting):
    photo = levels(40, 48, channels=4)
    photo[..., 3] = 255
    photo[:, :20, 3] = 0
    result = stylizer(Image.fromarray(photo), painting)
    np.testing.assert_array_equal(result.alpha, photo[..., 3] / 255)
    assert result.to_pil().mode == "RGBA"
    assert (result.pixels[:, :20] == 1).all()
    assert (result.pixels[:, 22:] != photo[:, 22:, :3] / np.float32(255)).mean() > 0.5


@pytest.mark.parametrize("kind", ["png", "jpg", "jpeg", "webp", "tif", "TIFF"])
def test_an_encoded_result_holds_pixels_and_settings(stylizer, painting, kind):
    result = stylizer(levels(36, 48), painting, strength=0.5)
    data = result.encode(kind)
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.float32) / 255
    tolerance = 0.2 if kind.startswith("jp") else 0.5001 / 255
    np.testing.assert_allclose(pixels, result.pixels, atol=tolerance)
    np.testing.assert_array_equal(np.asarray(result.to_pil()), np.rint(result.pixels * 255))
    made = read_metadata(io.BytesIO(data))
    assert made["settings"]["strength"] == 0.5
    assert made["settings"]["style_layers"] == SHALLOW["style_layers"]
    assert made["settings"]["precision"] == "float32"
    assert made["steps"] == 2
    assert set(made["versions"]) == {"python", "tensorflow", "keras", "numpy"}


def test_sixteen_bits_and_other_formats(stylizer, painting, tmp_path):
    result = stylizer(levels(36, 48), painting)
    (tmp_path / "deep.png").write_bytes(result.encode("png", bit_depth=16))
    found = load_image(tmp_path / "deep.png")[0]
    np.testing.assert_allclose(found, result.pixels, atol=0.5001 / 65535)
    with pytest.raises(ValueError, match="format 'gif' is not one of png, jpg"):
        result.encode("gif")


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"recipe": "paintin"}, ValueError, "did you mean 'painting'"),
        ({"strenght": 1}, TypeError, "did you mean 'strength'"),
        ({"max_concurrent": 0}, ValueError, "max_concurrent must be a whole number from 1, not 0"),
        ({"max_waiting": -1}, ValueError, "max_waiting must be a whole number from 0, not -1"),
        ({"wait_limit": "soon"}, ValueError, "wait_limit must be a duration such as 60, 90s"),
        ({"idle_limit": -1}, ValueError, "idle_limit must be at least 0, not -1"),
        ({"device": "tpu"}, ValueError, "device 'tpu' is not auto, cpu, gpu or gpu:NUMBER"),
        ({"device": "gpu:7"}, ValueError, "device 'gpu:7' is not there"),
        ({"memory_budget": "much"}, ValueError, "memory_budget must be auto or a size"),
    ],
)
def test_mistakes_are_refused_at_once(arguments, error, text):
    with pytest.raises(error, match=text):
        Stylizer(**arguments)


def test_mistakes_in_a_call_are_refused_before_it_waits(painting):
    stylizer = shallow(memory_budget="4GiB")
    with pytest.raises(TypeError, match="memory_budget belongs to the Stylizer"):
        stylizer(levels(36, 48), painting, memory_budget="1GiB")
    with pytest.raises(FileNotFoundError, match=r"content: missing\.jpg does not exist"):
        stylizer.stream("missing.jpg", painting)
    with pytest.raises(ValueError, match=r"need about .* lower max_dim"):
        stylizer(levels(2000, 2000), painting, max_dim=0, block_size=0)


def test_runs_share_the_budget(painting):
    # Room for one run of this size, not for two.
    stylizer = shallow(memory_budget="4GiB", max_concurrent=2)
    stylizer._admission._memory = 1
    photo, most, running = levels(36, 48), [0], []

    def watch(progress):
        running.append(threading.get_ident())
        most[0] = max(most[0], len({*running}))
        time.sleep(0.01)
        if progress.scale_step == progress.scale.steps:
            running[:] = [name for name in running if name != threading.get_ident()]

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(stylizer, photo, painting, callbacks=[watch]) for _ in range(3)]
        assert all(call.result().stop_reason == "finished" for call in calls)
    assert most == [1]


def test_stylizers_of_the_same_settings_share_their_network():
    one, other = shallow(), shallow()
    photo, painting = levels(36, 48), levels(30, 40)
    networks = {
        id(stylizer._transfer(loaded(stylizer, photo, painting)).network)
        for stylizer in (one, other)
    }
    assert len(networks) == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [("WholeObjective.__init__.<locals>.function", False), ("mine", True)],
)
def test_many_sizes_are_no_reason_to_warn_of_retracing(name, shown):
    text = f"5 out of the last 9 calls to <function {name} at 0x1> triggered tf.function retracing"
    logger = tf.get_logger()
    record = logger.makeRecord("tensorflow", 30, "", 0, text, (), None)
    assert bool(logger.filter(record)) == shown
