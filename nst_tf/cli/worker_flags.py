"""Flags of the programs that divide their work among processes or machines."""

import importlib.util

from absl import flags

from nst_tf.cli.arguments import UsageError
from nst_tf.cli.flags import Flag
from nst_tf.utils.errors import UserError

WORKER_FLAGS = (
    Flag("Workers", "jobs", "integer", 1,
         "processes that paint at the same time and share processors and memory (default 1); fewer "
         "if memory does not suffice"),
    Flag("Workers", "ray", "string", None,
         "paint on a Ray cluster whose machines see the same files: auto for the cluster of this "
         "machine, an ADDRESS, or local for a cluster of only this machine; needs the extra `ray`"),
    Flag("Workers", "ray_workers", "integer", 0,
         "maximum number of actors on the cluster (default 0); 0: as many as fit"),
    Flag("Workers", "ray_cpus", "integer", 2,
         "processors per actor, in addition to a GPU if any (default 2)"),
)  # fmt: skip

NEEDING_RAY = ("ray_workers", "ray_cpus", "ship_inputs")
"""Flags, of any program, that need --ray."""


def check_workers(values: flags.FlagValues) -> None:
    """Refuse flags that are out of bounds or do not go together, with a UsageError."""
    if values.jobs < 1:
        raise UsageError(f"--jobs must be at least 1, not {values.jobs}")
    if values.ray_workers < 0 or values.ray_cpus < 1:
        raise UsageError("--ray_workers must be at least 0, and --ray_cpus at least 1")
    for name in NEEDING_RAY:
        if name in values and values[name].present and not values.ray:
            raise UsageError(f"--{name} needs --ray")
    if values.ray and values["jobs"].present:
        raise UsageError("--jobs is for this machine: with --ray, use --ray_workers")


def check_ray(values: flags.FlagValues) -> None:
    """Refuse --ray where Ray is not installed, with a UserError."""
    if values.ray and importlib.util.find_spec("ray") is None:
        raise UserError("--ray needs Ray: run pip install 'nst_tf[ray]'")
