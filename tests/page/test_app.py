"""The flags of the page's program."""

import asyncio
import os
import signal
import socket
import subprocess
import sys

import pytest

from nst_tf.page import flags
from nst_tf.page import program as app
from tests.conftest import ROOT, wait_until
from tests.page.visit import free_port

pytestmark = pytest.mark.process


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
def test_this_machine_needs_no_password(host):
    assert flags.parse(["app", "--host", host]).host == host


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
        (["--max-megabytes", "nan"], "max_megabytes must be a finite number, not nan"),
        (["--max-session-megabytes", "inf"], "must be a finite number, not inf"),
        (["--max-run-time", "soon"], "max_run_time"),
        (["--trusted-proxy", "nginx"], "--trusted_proxy must be an address or a network"),
        (["--root-path", "paint"], "--root_path must be a path such as /paint, not 'paint'"),
        (["--user", "admin", "--password", "x"], '--user must not be "admin"'),
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
    values = flags.parse(["app", "--host", "0.0.0.0", "--user", "me"])
    assert values.password == "secret"


def test_help_names_every_flag_and_fits_a_screen(capsys):
    assert app.main(["app", "--help"]) == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) <= 25
    assert max(map(len, text.splitlines())) <= 79
    for name in flags.define_flags():
        if name not in ("help",):
            assert f"--{name.replace('_', '-')}" in text


def test_without_gradio_the_remedy_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert app.main(["app"]) == 1
    assert "pip install 'nst_tf[app]'" in capsys.readouterr().err


def test_without_mcp_the_remedy_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mcp", None)
    assert app.main(["app", "--mcp"]) == 1
    error = capsys.readouterr().err
    assert error == "nst_tf: --mcp needs the package mcp: run pip install 'nst_tf[mcp]'\n"


def test_a_taken_port_is_told_in_a_line(capfd):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert app.main(["app", f"--port={port}"]) == 1
    error = capfd.readouterr().err
    assert str(port) in error
    assert "choose another --port" in error


def test_small_answers_are_sent_at_once():
    """Accept a connection as the page's server does: no packet waits for an acknowledgement."""
    from nst_tf.page.server import bind

    async def accepted():
        found = asyncio.get_running_loop().create_future()
        listening = bind("127.0.0.1", 0)
        server = await asyncio.start_server(
            lambda _, writer: found.set_result(writer), sock=listening
        )
        async with server:
            _, mine = await asyncio.open_connection(*listening.getsockname())
            theirs = await found
            for writer in (mine, theirs):
                writer.close()
            return theirs.get_extra_info("socket").getsockopt(
                socket.IPPROTO_TCP, socket.TCP_NODELAY
            )

    assert asyncio.run(accepted())


@pytest.mark.parametrize("host", ["192.0.2.77", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_told_in_a_line(host, capfd):
    """Ask for an address that cannot be served: one line, not one try for each port."""
    assert app.main(["app", f"--host={host}", "--user=me", "--password=x"]) == 1
    error = capfd.readouterr().err.splitlines()[-1]
    assert error == f"nst_tf: --host {host} is not an address of this machine"


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ([], 0), (["--max-run-time=90s"], 90), (["--host=0.0.0.0", "--user=me"], 1800),
        (["--trusted-proxy=127.0.0.1"], 1800), (["--allowed-host=paint.example"], 1800),
        (["--host=0.0.0.0", "--user=me", "--max-run-time=0"], 0),
    ],
)  # fmt: skip
def test_runs_of_others_have_an_end(words, seconds, monkeypatch):
    if "--user=me" in words:
        monkeypatch.setenv("NST_TF_PASSWORD", "secret")
    assert flags.server_options(flags.parse(["app", *words])).limits.run_seconds == seconds


def test_a_start_that_is_broken_off_leaves_no_files(tmp_path):
    """Send SIGTERM as soon as there is a folder; no folder of the page stays behind."""
    command = [sys.executable, "-m", "nst_tf.app", f"--port={free_port()}"]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: list(tmp_path.glob("nst_tf-page-*")))
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=300)
    assert list(tmp_path.glob("nst_tf-page-*")) == []
    assert "Traceback" not in error


def test_an_interrupt_that_a_package_swallows_ends_the_page_all_the_same(tmp_path):
    code = (
        "import os, signal, sys\n"
        "import nst_tf.page.server as server\n"
        "from nst_tf.page.program import main\n"
        "class Server:\n"
        "    url = ''\n"
        "    def __init__(self, root, options):\n"
        "        try:\n"
        "            os.kill(os.getpid(), signal.SIGTERM)\n"
        "            [None for _ in range(10**6)]\n"
        "        except:\n"
        "            print('swallowed')\n"
        "    def start(self):\n"
        "        print('started')\n"
        "    def close(self):\n"
        "        print('closed')\n"
        "server.Server = Server\n"
        "sys.exit(main(['nst-tf-app']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300,
        cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "swallowed\nclosed\n")
    assert list(tmp_path.glob("nst_tf-page-*")) == []


def test_samples_are_those_of_the_project():
    from nst_tf.page.sample_names import PAINTINGS, PHOTOS, SAMPLES
    from tests.conftest import ASSETS

    names = {f"{name}.jpg" for name in (*PHOTOS, *PAINTINGS)}
    assert {path.name for path in SAMPLES.iterdir()} == names
    for name in names:
        assert (SAMPLES / name).read_bytes() == (ASSETS / name).read_bytes()
