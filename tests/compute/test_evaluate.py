"""What evaluation leaves behind."""

import os
import subprocess
import sys

KILLED = """
import os
import numpy as np
from nst_tf import stylize

photo = np.random.default_rng(0).random((1, 80, 80, 3), dtype=np.float32)
shallow = dict(style_layers=("block1_conv1",), content_layers=("block2_conv1",), steps_per_epoch=1)
for optimizer in ("adam", "lbfgs"):
    for block_size in (0, 64):
        kind = dict(optimizer=optimizer, block_size=block_size)
        stylize(photo, photo, "tutorial", epochs=1, **kind, **shallow)
print("painted", flush=True)
os._exit(0)  # as a kill does: nothing is cleaned up
"""


def test_a_killed_process_leaves_no_generated_code(tmp_path):
    environment = os.environ | {"TMPDIR": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", KILLED], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "painted\n", done.stderr
    assert list(tmp_path.glob("__autograph_generated_file*")) == []
