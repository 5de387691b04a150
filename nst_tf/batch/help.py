"""The texts of `nst-tf-batch --help` and `--helpfull`."""

from nst_tf.batch.flags import BATCH_FLAGS, shared_flags
from nst_tf.cli.help import PURPOSES, help_text
from nst_tf.recipes import RECIPES

USAGE = """\
Paint many photos in the manner of many paintings.

  nst-tf-batch --content-dir PHOTOS --style-dir PAINTINGS --output-dir RESULTS
  nst-tf-batch --manifest JOBS.csv --output-dir RESULTS"""

SCREEN = """\
{usage}

Pictures
  --content-dir 'a/*.jpg'  a directory, pattern or picture; --style-dir too
  --pairs zip              one with one, instead of every one with every one
  --manifest JOBS.csv      a row is a set of flags: content, style, max_dim, …
  --name TEMPLATE          {{content}}-{{style}}.png, with any setting as a field
  --contact-sheet SHEET    all pictures, small, in one
Run
  --recipe NAME            {recipes}
  --jobs 4                 processes, which share processors and memory
  --dry-run                check rows and pictures, list what would be made
  --ray ADDRESS            paint on a Ray cluster; auto: this machine's
  --overwrite              replace pictures of other inputs or settings

Finished pictures are skipped, so repeating the command resumes a batch. A bad
picture fails only its own jobs. RESULTS/journal.jsonl records every job.
All settings of nst-tf are flags too: --helpfull lists them.
"""


def batch_screen() -> str:
    """Return the help on one screen of 25 lines of at most 79 characters."""
    names = ", ".join(list(PURPOSES)[:4]) + ", …"
    return SCREEN.format(usage=USAGE, recipes=names).rstrip()


def batch_help() -> str:
    """Return all flags by group, each with its help, bounds and default."""
    return help_text(RECIPES["tutorial"], (*BATCH_FLAGS, *shared_flags()), USAGE)
