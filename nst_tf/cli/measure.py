"""`nst-tf-measure`, the program that prints the figures of pictures."""

import csv
import io
import textwrap
from collections.abc import Mapping
from pathlib import Path

from absl import flags

from nst_tf.cli.arguments import UsageError, normalised, usage_error
from nst_tf.cli.flags import OTHER_FLAGS, Flag, define_others
from nst_tf.cli.places import located
from nst_tf.cli.request import Request
from nst_tf.cli.streams import exit_status, print_out, run_program
from nst_tf.quality.meanings import MEANINGS, SIDE
from nst_tf.utils.stdout import print_json, stdout_for_results
from nst_tf.utils.version import __version__

MEASURE_FLAGS = (
    Flag("Output", "csv", "boolean", False, "print a table of CSV, with a row for each result"),
    Flag("Output", "json", "boolean", False, "print one object of JSON"),
    *(flag for flag in OTHER_FLAGS if flag.name in ("version", "help", "helpfull")),
)

SCREEN = f"""\
Print figures of pictures, measured against their photo and their painting.

  nst-tf-measure PHOTO PAINTING RESULT [RESULT ...] [--csv | --json]

The first four figures are taken at {SIDE} pixels, the others at the size of the
result. --csv and --json print them for other programs.
"""

Figures = Mapping[str, float]


def main(argv: list[str]) -> int:
    """Run the command line and return the exit status: 1 for bad input, 2 for misused flags."""
    return exit_status(lambda: _main(argv), "stopped before the last picture was measured")


def _main(argv: list[str]) -> int:
    values = define_others(MEASURE_FLAGS)
    try:
        paths = values([argv[0], *normalised(argv[1:], values)])[1:]
    except flags.Error as error:
        raise usage_error(error, values) from None
    if values.help or values.helpfull:
        return print_out(f"{SCREEN}\n{meanings()}")
    if values.version:
        return print_out(f"nst_tf {__version__}")
    if values.csv and values.json:
        raise UsageError("--csv and --json exclude each other: use one")
    if len(paths) < 3:
        raise UsageError(
            "name a photo, a painting and results, as in nst-tf-measure photo.jpg painting.jpg "
            "result.png"
        )
    photo, painting, *results = map(located, paths)
    with stdout_for_results(values.json):
        found = {result: measure(result, photo, painting) for result in results}
        if values.json:
            print_json(as_record(photo, painting, found))
    if not values.json:
        print_out(as_csv(found) if values.csv else f"{table(found)}\n\n{meanings()}")
    return 0


def measure(result: str, photo: str, painting: str) -> dict[str, float]:
    """Return the figures of a picture file by name."""
    from nst_tf.compute.device import start_tensorflow

    start_tensorflow()
    from nst_tf.quality.figures import measure_quality

    return measure_quality(result, photo, painting)


def measured(result: Path, request: Request) -> dict[str, float]:
    """Return the figures of the result of a request."""
    assert request.content
    return measure(str(result), request.content, request.style[0])


def table(found: Mapping[str, Figures]) -> str:
    """Return a table with a row for each picture and a column for each figure."""
    width = max(map(len, found))
    columns = {name: max(len(name), 6) for name in MEANINGS}
    lines = [" " * width + "".join(f"  {name:>{size}}" for name, size in columns.items())]
    for path, figures in found.items():
        cells = (f"  {figures[name]:>{size}.4f}" for name, size in columns.items())
        lines.append(f"{path:<{width}}" + "".join(cells))
    return "\n".join(lines)


def meanings() -> str:
    """Return a line or two for each figure."""
    indent = " " * (2 + max(map(len, MEANINGS)))
    return "\n".join(
        textwrap.fill(
            f"{name:<{len(indent)}}{text}", 96, subsequent_indent=indent, break_on_hyphens=False
        )
        for name, text in MEANINGS.items()
    )


def as_csv(found: Mapping[str, Figures]) -> str:
    """Return a header and a row for each picture, with all digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["picture", *MEANINGS])
    writer.writerows([path, *map(figures.get, MEANINGS)] for path, figures in found.items())
    return text.getvalue().rstrip("\n")


def as_record(photo: str, painting: str, found: Mapping[str, Figures]) -> dict[str, object]:
    """Return all figures and their meanings as a JSON value."""
    return {
        "nst_tf": __version__,
        "photo": photo,
        "painting": painting,
        "pictures": [{"picture": path, "figures": figures} for path, figures in found.items()],
        "meanings": MEANINGS,
    }


def console() -> None:
    """Run `nst-tf-measure` as a process."""
    run_program(main)
