"""What the server of `forked` imports before it forks programs and workers."""

import gc

from nst_tf.compute.device import import_tensorflow

import_tensorflow()

import nst_tf.batch.session  # noqa: E402
import nst_tf.batch.source  # noqa: E402
import nst_tf.cli.repeat  # noqa: E402
import nst_tf.cli.session  # noqa: E402
import nst_tf.compute.winograd_loops  # noqa: E402
import nst_tf.page.worker  # noqa: E402
import nst_tf.synthesis.matching_loops  # noqa: E402
import nst_tf.transfer.checkpoint  # noqa: E402
import nst_tf.transfer.stylize  # noqa: E402
import nst_tf.video.session  # noqa: E402, F401
import tests.forked  # noqa: E402, F401
from nst_tf.network.weights import load_weights  # noqa: E402

load_weights("bundled")  # which are kept
gc.freeze()  # so that the collector of a forked process leaves these modules alone
