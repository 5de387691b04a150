"""The page with painters that need no network: a picture is the photo with some of the painting.

    python -m tests.page.stubbed --port=7860

It takes the flags of `nst-tf-app`. A run has as many steps as an epoch of its settings; each takes
`PAUSE` seconds, and each strength blends more of the painting in. Pictures contain their settings.
"""

import dataclasses
import io
import sys
import threading
import time

from PIL import Image

from nst_tf.images.exif import PhotoExif
from nst_tf.images.metadata import metadata_options
from nst_tf.page import program, server
from nst_tf.page.worker import StepPreview

PAUSE = 0.2


class Blender:
    """A painter that blends the photo with the first painting, more with every step."""

    def __init__(self, device, run_seconds=0.0):
        self._stopped = threading.Event()

    def paint(self, run):
        self._stopped.clear()
        run.set_status("running")
        settings = run.order.check()
        pictures = []
        for name in (run.order.photo, run.order.paintings[0]):
            with Image.open(run.folder / name) as opened:
                pictures.append(opened.convert("RGB"))
        photo, painting = pictures
        photo.thumbnail((settings.max_dim, settings.max_dim))
        painting = painting.resize(photo.size)
        steps = settings.steps_per_epoch
        for step in range(1, steps + 1):
            time.sleep(PAUSE)
            blend = Image.blend(photo, painting, settings.strength / 3 * step / steps)
            file = io.BytesIO()
            blend.save(file, "JPEG")
            losses = {"total": 1 / step, "style": 1 / step}
            run.add_preview(
                StepPreview("CPU", step, steps, 1, 1, 0.0, 1.0, losses, file.getvalue())
            )
            if self._stopped.is_set() or run.cancelled:
                break
        record = {
            "recipe": run.order.recipe, "settings": dataclasses.asdict(settings), "steps": step,
        }  # fmt: skip
        options = metadata_options("PNG", record, PhotoExif())
        blend.save(run.folder / run.order.output, **options)
        if step < steps:
            run.set_status("stopped", f"stopped after step {step} of {steps}")
        else:
            run.set_status("finished", f"finished after {step} steps")

    def stop(self):
        self._stopped.set()

    def close(self):
        self._stopped.set()


if __name__ == "__main__":
    server.ProcessPainter = Blender
    sys.exit(program.main(sys.argv))
