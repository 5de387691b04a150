"""The flags of the page's program."""

import urllib.error
import urllib.parse
import urllib.request

import pytest

from nst_tf import app
from tests.page.visit import end, serve


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
def test_this_machine_needs_no_password(host):
    assert app.parse(["app", "--host", host]).host == host


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0 lets other machines in: add --user and --password"),
        (["--host", "192.0.2.1"], "lets other machines in"),
        (["--host", "myhost"], "lets other machines in"),
        (["--user", "me"], "--user and --password belong together"),
        (["--password", "x"], "--user and --password belong together"),
        (["--device", "tpu"], "--device 'tpu' is not auto"),
        (["--port", "99999"], "port"),
        (["--max-megapixels", "0"], "max_megapixels"),
        (["photo.jpg"], "'photo.jpg' is not a flag"),
        (["--shaer"], "shaer"),
    ],
)
def test_misuse_is_told_in_a_line(words, told, capsys, monkeypatch):
    monkeypatch.delenv("NST_TF_PASSWORD", raising=False)
    assert app.main(["app", *words]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_a_password_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("NST_TF_PASSWORD", "secret")
    values = app.parse(["app", "--host", "0.0.0.0", "--user", "me"])
    assert values.password == "secret"


def test_help_names_every_flag_and_fits_a_screen(capsys):
    assert app.main(["app", "--help"]) == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) <= 25
    assert max(map(len, text.splitlines())) <= 79
    for name in app.define_flags():
        if name not in ("help",):
            assert f"--{name.replace('_', '-')}" in text


def test_without_gradio_the_remedy_is_named(monkeypatch, capsys):
    monkeypatch.setattr(app.importlib.util, "find_spec", lambda _: None)
    assert app.main(["app"]) == 1
    assert "pip install 'nst_tf[app]'" in capsys.readouterr().err


def test_a_taken_port_is_told_in_a_line(capfd):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert app.main(["app", f"--port={port}"]) == 1
    error = capfd.readouterr().err
    assert str(port) in error
    assert "choose another --port" in error


def test_who_has_no_password_sees_nothing(monkeypatch):
    monkeypatch.setenv("NST_TF_PASSWORD", "secret")
    process, address = serve("--user=me")
    try:
        for path in ("config", "gradio_api/info", "gradio_api/queue/join"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{address}{path}")
            assert refused.value.code in (401, 405)
        form = urllib.parse.urlencode({"username": "me", "password": "secret"}).encode()
        with urllib.request.urlopen(f"{address}login", form) as answer:
            assert b'"success":true' in answer.read().replace(b" ", b"")
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{address}login", form.replace(b"secret", b"guess"))
    finally:
        end(process)


def test_samples_are_those_of_the_project():
    from nst_tf.page.parts import PAINTINGS, PHOTOS, SAMPLES
    from tests.conftest import ASSETS

    names = {f"{name}.jpg" for name in (*PHOTOS, *PAINTINGS)}
    assert {path.name for path in SAMPLES.iterdir()} == names
    for name in names:
        assert (SAMPLES / name).read_bytes() == (ASSETS / name).read_bytes()
