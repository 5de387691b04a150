"""Batches on a Ray cluster of two nodes of this machine, of which one is lost."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from nst_tf.batch.program import main
from nst_tf.images.metadata import read_metadata
from nst_tf.utils.errors import UserError
from nst_tf.workers.ship import Sender
from tests.batch.stub import Stub, job, make_nothing
from tests.conftest import ROOT, shrunk, wait_until

ray = pytest.importorskip("ray")
cluster_utils = pytest.importorskip("ray.cluster_utils")

from nst_tf.workers.cluster import Demand, RayLog, alive, capacity, refusal  # noqa: E402
from nst_tf.workers.ray import Actor, run_on_ray  # noqa: E402

pytestmark = pytest.mark.process

GIB = 2**30
SMALL = Demand(cpus=1, gpus=0, memory=2**20)


@pytest.fixture(scope="module")
def cluster():
    """Start a head node with room for one actor; tests add others."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # A lost node refuses several checks in a row; a busy one answers late, and has 10 s for that.
    checks = {"health_check_period_ms": 300}
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": checks}
    started = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
    yield started
    started.shutdown()


@pytest.fixture
def second(cluster):
    """Add a node with room for one actor."""
    node = cluster.add_node(num_cpus=1)
    yield node
    with contextlib.suppress(KeyError, AssertionError):
        cluster.remove_node(node)


@pytest.fixture
def connected(cluster):
    path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    ray.init(cluster.address, log_to_driver=False, runtime_env={"env_vars": {"PYTHONPATH": path}})
    yield
    ray.shutdown()


def make_stub(folder):
    return lambda: Stub(folder)


def outcomes(jobs, make, each=SMALL, stopping=lambda: False, **options):
    return {o.job.place: o for o in run_on_ray(iter(jobs), make, each, stopping, **options)}


def process_of(worker):
    return int(re.match(r"process (\d+) of node", worker)[1])


def test_thirty_jobs_of_which_three_are_bad_survive_the_loss_of_a_node(cluster, second, tmp_path):
    for folder in ("photos", "paintings"):
        (tmp_path / folder).mkdir()
    for number in range(9):
        shrunk("cat.jpg", (30 + number % 2, 32), tmp_path / f"photos/{number}.png")
    (tmp_path / "photos/bad.png").write_bytes(b"no picture")
    for number in range(3):
        shrunk("great_wave.jpg", (36 + number, 30), tmp_path / f"paintings/{number}.png")
    flags = ["--content_dir=photos", "--style_dir=paintings", "--output_dir=out", "--steps=20"]
    flags += ["--content_layers=block2_conv2", "--style_layers=block1_conv1", "--max_dim=32"]
    process = subprocess.Popen(
        [sys.executable, "-m", "nst_tf.batch", *flags, f"--ray={cluster.address}", "--ray_cpus=1"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=(tmp_path / "err").open("w"), text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    journal = tmp_path / "out/journal.jsonl"

    def entries():
        return [json.loads(line) for line in journal.read_text().splitlines()]

    # Each process is held in its second job, so that neither makes all the pictures before the
    # node is lost, and the batch cannot end before Ray knows of the loss.
    held = set()
    for _ in process.stdout:
        done = {entry["worker"] for entry in entries() if entry["status"] == "done"}
        for worker in done - held:
            os.kill(process_of(worker), signal.SIGSTOP)
        held |= done
        if len(held) == 2:
            break
    cluster.remove_node(second, allow_graceful=False)
    wait_until(lambda: "was lost" in (tmp_path / "err").read_text())
    for worker in held:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process_of(worker), signal.SIGCONT)
    process.communicate(timeout=300)
    err = (tmp_path / "err").read_text()
    assert process.returncode == 1, err
    (lost,) = (line for line in err.splitlines() if "was lost" in line)
    found = re.fullmatch(
        r"nst_tf: warning: the machine \S+ was lost: its pictures are made elsewhere; (\S+) has "
        "Ray's own lines",
        lost,
    )
    assert found, err
    Path(found[1]).unlink()
    assert all(line.startswith("nst_tf: ") for line in err.splitlines()), err
    failed = [entry["job"] for entry in entries() if entry["status"] == "failed"]
    assert sorted(failed) == [f"photos/bad.png by paintings/{number}.png" for number in range(3)]
    done = Counter(entry["output"] for entry in entries() if entry["status"] == "done")
    assert set(done.values()) == {1}
    assert len(done) == 27
    assert all(read_metadata(name)["ending"] == "finished" for name in done)
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".png", ".jsonl", ".lock"}


def test_a_lost_actor_is_restarted_and_its_job_tried_once_more(connected, tmp_path):
    names = ["a", "dies", "b", "dies once", "bad", "full", "c"]
    found = outcomes(map(job, names), make_stub(tmp_path))
    assert {name: outcome.status for name, outcome in found.items()} == {
        "a": "done", "dies": "failed", "b": "done", "dies once": "done", "bad": "failed",
        "full": "failed", "c": "done",
    }  # fmt: skip
    attempts = Counter(path.name.rpartition("-")[0] for path in tmp_path.iterdir())
    assert attempts == {
        "a": 1, "dies": 2, "b": 1, "dies once": 2, "bad": 1, "full": 2, "c": 1,
    }  # fmt: skip
    assert "the actor that painted it died" in found["dies"].error
    assert found["dies"].attempts == found["full"].attempts == 2


def test_no_more_jobs_are_pending_than_actors_can_have(connected):
    taken = []

    def jobs():
        for number in range(60):
            taken.append(number)
            yield job(str(number))

    ended = 0
    for ended, _ in enumerate(run_on_ray(jobs(), make_nothing, SMALL, lambda: False), start=1):
        assert len(taken) <= ended + 1
    assert ended == 60


def test_jobs_end_when_asked(connected, tmp_path):
    stop = threading.Event()

    def stopping():
        if any(tmp_path.iterdir()):
            stop.set()
        return stop.is_set()

    found = outcomes(map(job, ["long", "never"]), make_stub(tmp_path), stopping=stopping)
    assert {name: outcome.status for name, outcome in found.items()} == {"long": "stopped"}


def test_nodes_that_join_get_work(connected, cluster, tmp_path):
    begun = time.monotonic()
    added = []

    def jobs():
        number = 0
        while len({path.read_text() for path in tmp_path.iterdir()}) < 2:
            assert time.monotonic() - begun < 300
            number += 1
            yield job(str(number))
            if not added:
                added.append(cluster.add_node(num_cpus=1))
            time.sleep(0.05)

    found = outcomes(jobs(), make_stub(tmp_path))
    cluster.remove_node(added[0])
    assert {outcome.status for outcome in found.values()} == {"done"}


def test_an_actor_that_fits_nowhere_is_refused(connected):
    with pytest.raises(UserError, match="no node has 64 processors and 1 MiB of memory for an"):
        outcomes([job("a")], make_nothing, SMALL._replace(cpus=64))


def copy(job, stopping):
    """Write the photo's bytes as the picture, as a painter would."""
    from nst_tf.workers.outcome import Outcome

    (content,) = job.files("content")
    Path(job.output).parent.mkdir(exist_ok=True)
    Path(job.output).write_bytes(Path(content).read_bytes())
    return Outcome(job, "done")


def test_files_are_shipped_and_pictures_sent_back(connected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        Path(name).write_text(f"photo {name}")
    Path("s.png").write_text("painting")
    Path("b.out").write_text("in the way")
    names = ["a", "b", "none"]
    found = outcomes(map(job, names), lambda: copy, sender=Sender(ray.put))
    assert {name: outcome.error for name, outcome in found.items()} == {
        "a": "", "b": "b.out exists already: choose another name",
        "none": "none cannot be read: No such file or directory",
    }  # fmt: skip
    assert Path("a.out").read_text() == "photo a"
    assert Path("b.out").read_text() == "in the way"
    assert found["a"].job == job("a")


def test_an_address_at_which_nobody_answers_is_one_line(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("jobs.csv").write_text("content,style\na.png,b.png\n")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and does not listen
        address = "{}:{}".format(*unused.getsockname())
        flags = ["--manifest=jobs.csv", "--output_dir=out", f"--ray={address}"]
        assert main(["nst-tf-batch", *flags]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"nst_tf: --ray {address} leads to no cluster (")
    assert err.endswith("): start one by ray start --head\n")
    assert err.count("\n") == 1
    assert not Path("out").exists()


REFUSED = ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379")
UNAUTHENTICATED = (
    "[2026-11-28 07:49:20,631 W 7 7] gcs_client.cc:210: Failed to get cluster ID from GCS server: "
    "Unauthenticated: RPC error: InvalidAuthToken: Authentication token is missing or incorrect\n"
)
NO_TOKEN = ray.exceptions.AuthenticationError("Token authentication is enabled but no token …")


@pytest.mark.parametrize(
    ("address", "error", "printed", "line"),
    [
        ("10.0.0.1:6379", REFUSED, 20 * UNAUTHENTICATED, "--ray 10.0.0.1:6379 asks for another "
         "token: set RAY_AUTH_MODE=token and copy ~/.ray/auth_token from the cluster's first "
         "machine"),
        ("auto", NO_TOKEN, "", "--ray auto asks for another token: set RAY_AUTH_MODE=token"),
        ("10.0.0.1:6379", RuntimeError("Version mismatch:\n  2.40"), "[x] a.cc:1: why\n",
         "--ray 10.0.0.1:6379 answers and refuses (Version mismatch: 2.40; why)"),
        ("auto", ConnectionError("Could not find any running Ray instance"), "", "--ray auto leads "
         "to no cluster (Could not find any running Ray instance): start one by ray start --head"),
    ],
)  # fmt: skip
def test_a_cluster_that_refuses_is_a_line_with_the_reason(address, error, printed, line):
    found = refusal(address, error, printed)
    assert found.startswith(line)
    assert "\n" not in found


def test_what_ray_prints_is_kept_if_a_line_names_it():
    for named in (False, True):
        log = RayLog()
        path = Path(log._path)
        log.file.write(b"printed")
        assert log.text() == "printed"
        if named:
            assert log.name() == str(path)
        log.close()
        assert path.exists() == named
    path.unlink()


def test_an_actor_does_jobs_whose_files_have_names_that_are_not_utf_8(capfd):
    actor = Actor(make_nothing)
    assert actor.paint(job("caf\udce9.png"), None).outcome.status == "done"
    assert capfd.readouterr().out == "caf\\udce9.png -> caf\\udce9.png.out\n"


def test_nodes_that_are_alive():
    nodes = [
        {"NodeID": "a", "NodeManagerAddress": "10.0.0.1", "Alive": True},
        {"NodeID": "b", "NodeManagerAddress": "10.0.0.2", "Alive": False},
    ]
    assert alive(nodes) == {"a": "10.0.0.1"}


def test_room_is_counted_on_the_nodes_that_are_alive():
    def node(alive=True, **resources):
        return {"Alive": alive, "Resources": resources}

    nodes = [node(CPU=5, memory=4 * GIB), node(CPU=8, memory=3 * GIB), node(False, CPU=8, memory=9)]
    assert capacity(nodes, Demand(2, 0, GIB)) == 2 + 3
    assert capacity(nodes, Demand(2, 1, GIB)) == 0
    assert capacity([node(CPU=8, GPU=2, memory=9 * GIB)], Demand(2, 1, GIB)) == 2
    assert capacity([], Demand(2, 0, GIB)) == 0
