"""What stands for painting where only the running of jobs is looked at."""

import os
import signal
import time
from pathlib import Path

from nst_tf.workers.job import Job
from nst_tf.workers.outcome import Outcome


def job(name, *flags):
    return Job(name, (("content", name), ("style", "s.png"), *flags), f"{name}.out")


class Stub:
    """Does jobs whose photos' names say what is to happen, and notes each attempt in a folder."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def __call__(self, job, stopping):
        name = job.place
        attempts = len(list(self.folder.glob(f"{name}-*"))) + 1
        (self.folder / f"{name}-{attempts}").write_text(str(os.getpid()))
        if name.startswith("dies") and not (name == "dies once" and attempts > 1):
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("full"):
            return Outcome(job, "failed", "memory ran out", worth_retrying=True)
        if name.startswith("bad"):
            return Outcome(job, "failed", "bad")
        while name.startswith("long"):
            if stopping():
                return Outcome(job, "stopped")
            time.sleep(0.01)
        return Outcome(job, "done", seconds=0.5)


def nothing(job, stopping):
    """Do nothing."""
    return Outcome(job, "done")


def make_nothing():
    return nothing
