import hashlib
import os

import keras
import numpy as np
import pytest

from nst_tf.network import weights as module
from nst_tf.network.weights import BUNDLED_SHA256, CONVOLUTIONS, KERAS_FILE, SHAPES, load_weights


@pytest.fixture(scope="module")
def bundled():
    return load_weights("bundled")


@pytest.fixture(scope="module")
def npz(bundled, tmp_path_factory):
    """Return a plain float32 .npz of the bundled weights."""
    path = tmp_path_factory.mktemp("weights") / "vgg.npz"
    arrays = {f"{name}/kernel": kernel for name, kernel in bundled.kernels.items()}
    arrays |= {f"{name}/bias": bias for name, bias in bundled.biases.items()}
    np.savez(path, **arrays)
    return path


def assert_same(ours, theirs):
    assert ours.kernels.keys() == theirs.kernels.keys()
    for name in CONVOLUTIONS:
        np.testing.assert_array_equal(ours.kernels[name], theirs.kernels[name])
        np.testing.assert_array_equal(ours.biases[name], theirs.biases[name])


def test_the_bundled_weights_are_a_whole_vgg19(bundled):
    assert len(CONVOLUTIONS) == 16
    assert bundled.sha256 == BUNDLED_SHA256
    for name, shape in SHAPES.items():
        assert bundled.kernels[name].shape == shape
        assert bundled.kernels[name].dtype == np.float32
        assert len(np.unique(bundled.kernels[name])) <= 256
        assert bundled.biases[name].shape == shape[-1:]


def test_an_unchanged_file_is_read_once_and_a_changed_one_again(npz, tmp_path):
    copy = tmp_path / "copy.npz"
    copy.write_bytes(npz.read_bytes())
    first = load_weights(str(copy))
    assert load_weights(str(copy)) is first
    with np.load(npz) as archive:
        changed = dict(archive)
    changed["block1_conv1/bias"] = changed["block1_conv1/bias"] + 1
    np.savez(copy, **changed)
    os.utime(copy, ns=(1, 1))
    assert load_weights(str(copy)) != first


def test_plain_npz_files_load(bundled, npz):
    loaded = load_weights(str(npz))
    assert_same(loaded, bundled)
    assert loaded.name == "vgg.npz"
    assert loaded.sha256 == hashlib.sha256(npz.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["model.weights.h5", "model.h5"])
def test_files_that_keras_saves_load(bundled, tmp_path, name):
    vgg = keras.applications.VGG19(include_top=False, weights=None)
    for layer, kernel in bundled.kernels.items():
        vgg.get_layer(layer).set_weights([kernel, bundled.biases[layer]])
    if name.endswith(".weights.h5"):
        vgg.save_weights(tmp_path / name)
    else:
        vgg.save(tmp_path / name)
    assert_same(load_weights(str(tmp_path / name)), bundled)


def test_the_layout_of_keras_applications_loads(bundled, tmp_path):
    import h5py

    with h5py.File(tmp_path / "app.h5", "w") as file:
        for name in CONVOLUTIONS:
            file[f"{name}/{name}_W_1:0"] = bundled.kernels[name]
            file[f"{name}/{name}_b_1:0"] = bundled.biases[name]
    assert_same(load_weights(str(tmp_path / "app.h5")), bundled)


def corrupt(npz, path, **changes):
    with np.load(npz) as archive:
        arrays = dict(archive)
    for key, change in changes.items():
        name = key.replace("__", "/")
        if change is None:
            del arrays[name]
        else:
            arrays[name] = change(arrays[name])
    np.savez(path, **arrays)


def put_nan(array):
    return np.where(np.arange(array.size).reshape(array.shape) == 5, np.nan, array)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"block3_conv2__kernel": None}, "block3_conv2 is missing"),
        ({"block3_conv2__bias": None}, "damaged or of another format"),
        ({"block1_conv2__kernel": lambda k: k[:, :, :32]}, r"kernel has shape \[3, 3, 32, 64\]"),
        ({"block1_conv2__bias": lambda b: b[1:]}, r"bias has shape \[63\], expected \[64\]"),
        (
            {"block5_conv4__kernel": put_nan},
            "block5_conv4's kernel has values that are not finite",
        ),
    ],
)
def test_wrong_files_are_refused_by_name_and_reason(npz, tmp_path, changes, words):
    corrupt(npz, tmp_path / "odd.npz", **changes)
    with pytest.raises(ValueError, match=words) as caught:
        load_weights(str(tmp_path / "odd.npz"))
    assert "odd.npz" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_damaged_inside_or_of_another_kind_are_refused(npz, tmp_path):
    data = bytearray(npz.read_bytes())
    data[100_000:100_100] = bytes(100)
    (tmp_path / "flipped.npz").write_bytes(data)
    with open(tmp_path / "array.npz", "wb") as file:
        np.save(file, np.zeros(3))
    for name in ("flipped.npz", "array.npz"):
        with pytest.raises(ValueError, match=f"{name}.* damaged or of another format"):
            load_weights(str(tmp_path / name))
    corrupt(npz, tmp_path / "words.npz", block1_conv1__bias=lambda b: b.astype(str))
    with pytest.raises(ValueError, match="block1_conv1's bias has values that are not finite"):
        load_weights(str(tmp_path / "words.npz"))


@pytest.mark.parametrize("name", ["cut.npz", "cut.h5"])
def test_truncated_files_are_refused(npz, tmp_path, name):
    (tmp_path / name).write_bytes(npz.read_bytes()[:50_000])
    with pytest.raises(ValueError, match=f"{name}.* damaged or of another format"):
        load_weights(str(tmp_path / name))


def test_another_network_is_refused(tmp_path):
    small = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)])
    small.save_weights(tmp_path / "small.weights.h5")
    with pytest.raises(ValueError, match=r"small\.weights\.h5.* block1_conv1's kernel has shape"):
        load_weights(str(tmp_path / "small.weights.h5"))


def test_missing_files_and_other_kinds_are_refused(tmp_path):
    with pytest.raises(OSError, match=r"none\.npz' cannot be read: No such file"):
        load_weights(str(tmp_path / "none.npz"))
    with pytest.raises(ValueError, match="must be 'bundled', 'imagenet' or"):
        load_weights("imagent")


def test_damaged_bundled_weights_are_refused(tmp_path):
    whole = module._locate("bundled")
    data = bytearray(whole.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / whole.name).write_bytes(data)
    assert module._read("bundled", whole, 0).sha256 == module.BUNDLED_SHA256
    with pytest.raises(ValueError, match=f"{whole.name} are damaged: reinstall"):
        module._read("bundled", tmp_path / whole.name, 0)


def test_imagenet_offline_is_one_line_with_the_mend(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def offline(*_, **__):
        raise Exception("URL fetch failure on https://somewhere: None -- no route\nto host")

    monkeypatch.setattr(keras.utils, "get_file", offline)
    with pytest.raises(OSError, match=r"could not be downloaded .* set weights=bundled") as caught:
        load_weights("imagenet")
    assert KERAS_FILE in str(caught.value)
    assert str(caught.value).endswith("set weights=bundled")
    assert "\n" not in str(caught.value)


def test_a_cached_imagenet_file_that_is_not_keras_own_is_kept_and_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    cached = tmp_path / "models" / KERAS_FILE
    cached.parent.mkdir()
    cached.write_bytes(b"half a download")
    with pytest.raises(ValueError, match="wrong MD5"):
        load_weights("imagenet")
    assert cached.exists()
