"""What stands for the painter of scenes where only the sharing out is looked at."""

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
from PIL import Image

from nst_tf.video.frame import PaintedFrame, StylizedFrame
from nst_tf.video.scenes import scene_identity
from nst_tf.video.store import FrameStore
from nst_tf.workers.outcome import Outcome


class Copyist:
    """Keeps frames as they are. A file beside the film may say what is to happen before a frame.

    `orders.json` maps numbers of frames, from 1, to `die`, `interrupt` (stop the film like Ctrl-C)
    and `wait` (until it is stopped).
    """

    def __init__(self, identity, budget, threads):
        self.identity = identity

    def __call__(self, job, stopping):
        *film, (_, first), (_, end) = job.flags
        pattern = dict(film)["content"]
        folder = Path(pattern).absolute().parent
        orders = json.loads((folder / "orders.json").read_text())
        identity = scene_identity(self.identity, int(first))
        kept = FrameStore(Path(job.output))
        if kept.exist:
            kept.load(identity)
        else:
            kept.begin()
        for number in range(int(first) + len(kept) + 1, int(end) + 1):
            order = orders.get(str(number))
            if order == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if order == "interrupt":
                os.kill(os.getppid(), signal.SIGINT)
            if order in ("interrupt", "wait"):
                while not stopping():
                    time.sleep(0.01)
                return Outcome(job, "stopped")
            photo = np.float32(Image.open(pattern % number)) / 255
            with open(folder / "painted.txt", "a") as file:
                print(number, file=file)
            frame = StylizedFrame(photo, photo[None], photo[None])
            painted = PaintedFrame(number - 1 - int(first), frame, None, (frame,))
            times = range(painted.number + 1)
            kept.add(painted, times)
            kept.keep(painted, times, identity)
        return Outcome(job, "done", warnings=("a frame keeps its best picture",))
