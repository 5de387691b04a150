"""The flags of a batch: settings, flags of `nst-tf` for each picture, and its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags

from nst_tf.cli.arguments import UsageError, normalised, usage_error
from nst_tf.cli.flags import OTHER_FLAGS, Flag, define_flags
from nst_tf.cli.places import locate
from nst_tf.cli.worker_flags import WORKER_FLAGS, check_workers
from nst_tf.utils.errors import UserError

if TYPE_CHECKING:
    from nst_tf.workers.job import Flags

COMMON = ("bit_depth", "dpi", "recipe", "steps")
"""The flags of `nst-tf` that a row of a manifest may override."""

PROGRAM = ("overwrite", "resume_anyway", "checkpoint_every", "device", "deterministic")
"""The flags of `nst-tf` that are the same for all jobs."""

SILENT = ("quiet", "json", "version", "help", "helpfull")
"""The flags of `nst-tf` that concern only the program itself."""

PLACES = ("output_dir", "journal", "contact_sheet")
"""The flags that name outputs."""

MEANT = {
    "resume": "a batch resumes by itself: repeat the same command without --resume",
    "content": "--content names one photo: use --content_dir, which takes a single picture too",
    "style": "--style names one painting: use --style_dir, which takes a single picture too",
    "output": "--output names one picture: use --output_dir, and --name for the names in it",
}
"""Flags of `nst-tf` that a batch does not have, and what to do instead."""

PAIRS = ("product", "zip")

BATCH_FLAGS = (
    Flag("Batch", "content_dir", "string", None,
     "the photos: all pictures of this directory, those that match a pattern such as "
     "photos/*.jpg in quotes, or a single one"),
    Flag("Batch", "style_dir", "string", None, "the paintings, in the same way"),
    Flag("Batch", "pairs", "string", "product",
     "product: every photo with every painting; zip: the first with the first, the second with "
     "the second, by their names"),
    Flag("Batch", "manifest", "string", None,
     "a file of CSV or JSON whose rows are the jobs, each a set of flags, instead of directories; "
     "- stands for stdin"),
    Flag("Batch", "output_dir", "string", None, "where the pictures go, made if missing"),
    Flag("Batch", "name", "string", "{content}-{style}.png",
     "how a picture is called: {content}, {style}, {recipe}, {row} and any setting, such as "
     "{style}/{content}-{strength}.jpg"),
    Flag("Batch", "dry_run", "boolean", False,
     "check all rows and pictures, list what would be made, and stop"),
    Flag("Batch", "journal", "string", None,
     "append a line of JSON for each job to this file (default journal.jsonl in --output_dir)"),
    Flag("Batch", "contact_sheet", "string", None,
     "draw all pictures, small, with their names, to this .png, .jpg, .webp or .tiff"),
    Flag("Batch", "ship_inputs", "boolean", False,
     "send pictures through Ray instead of reading and writing a folder that all machines share"),
    *WORKER_FLAGS,
)  # fmt: skip


def shared_flags() -> tuple[Flag, ...]:
    """Return the flags of `nst-tf` that a batch has too, besides the settings."""
    names = {*COMMON, *PROGRAM, *SILENT}
    return tuple(flag for flag in OTHER_FLAGS if flag.name in names)


def parse_batch(argv: Sequence[str]) -> flags.FlagValues:
    """Return the parsed flags of a batch; UsageError if they are wrong."""
    values = define_flags((*BATCH_FLAGS, *shared_flags()))
    try:
        extra = values([argv[0], *normalised(argv[1:], values)])[1:]
    except flags.UnrecognizedFlagError as error:
        if error.flagname in MEANT:
            raise UsageError(MEANT[error.flagname]) from None
        raise usage_error(error, values) from None
    except (flags.Error, UserError) as error:
        raise usage_error(error, values) from None
    if not (values.help or values.helpfull or values.version):
        if extra:
            raise UsageError(
                f"{extra[0]!r} belongs to no flag: put a pattern in quotes, as in --content_dir "
                "'photos/*.jpg'"
            )
        _check(values)
        locate(values, ("content_dir", "style_dir", "manifest"), PLACES)
    return values


def common_flags(values: flags.FlagValues) -> "Flags":
    """Return the given flags that concern all jobs."""
    own = {*SILENT, *(flag.name for flag in BATCH_FLAGS)}
    given = (values[name] for name in values if values[name].present and name not in own)
    return tuple((flag.name, flag_text(flag)) for flag in given)


def flag_text(flag: flags.Flag) -> str:
    """Return the value of a flag with one value, as the command line has it."""
    return str(flag.value).lower() if flag.boolean else flag.serialize().partition("=")[2]


def _check(values: flags.FlagValues) -> None:
    directories = [name for name in ("content_dir", "style_dir") if values[name].value]
    if values.manifest and directories:
        raise UsageError(f"--manifest and --{directories[0]} both name pictures: use one")
    if not values.manifest and len(directories) < 2:
        raise UsageError("name pictures with --content_dir and --style_dir, or with --manifest")
    if not values.output_dir:
        raise UsageError("--output_dir is missing: name the directory of the results")
    if values.pairs not in PAIRS:
        raise UsageError(f"--pairs must be product or zip, not {values.pairs!r}")
    if values.manifest and values["pairs"].present:
        raise UsageError("--pairs needs --content_dir and --style_dir")
    check_workers(values)
    from nst_tf.batch.naming import Template

    try:
        Template(values.name)
    except UserError as error:
        raise UsageError(f"--name {error}") from None
