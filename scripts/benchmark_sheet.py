"""Time of a sheet of nine pictures against that of nine commands.

    python scripts/benchmark_sheet.py [--recipe fast] [--max_dim 128]

Strengths 0.6, 1 and 1.5 by details 0.5, 1 and 2. The sheet comes after four of the commands.
Seconds are those of the clock, and of processors, which other programs on the machine disturb less.
Written to benchmark_sheet.json.
"""

import argparse
import itertools
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import ASSETS, describe, write_record

STRENGTHS, DETAILS = ("0.6", "1", "1.5"), ("0.5", "1", "2")


def timed(*flags):
    """Return the seconds of a command: by the clock, and of processors."""
    pictures = [ASSETS / "temple.jpg", ASSETS / "great_wave.jpg"]
    command = [sys.executable, "-m", "nst_tf.run", *map(str, (*pictures, *flags)), "--quiet"]
    before, began = processor_seconds(), time.perf_counter()
    subprocess.run(command, check=True, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    return time.perf_counter() - began, processor_seconds() - before


def processor_seconds():
    """Return the processor time of all ended children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--max_dim", type=int, default=128)
    options = parser.parse_args()
    common = [f"--recipe={options.recipe}", f"--max_dim={options.max_dim}"]
    record = describe() | vars(options)
    single = []
    with tempfile.TemporaryDirectory() as name:
        for number, (strength, detail) in enumerate(itertools.product(STRENGTHS, DETAILS)):
            if number == 4:
                axes = [f"--sheet=strength={','.join(STRENGTHS)}"]
                axes += [f"--sheet=detail={','.join(DETAILS)}"]
                sheet = timed(*common, *axes, f"--output={name}/sheet.png")
            values = [f"--strength={strength}", f"--detail={detail}"]
            single.append(timed(*common, *values, f"--output={name}/{number}.png"))
    commands = [sum(seconds) for seconds in zip(*single, strict=True)]
    record |= {
        "sheet_seconds": dict(zip(("clock", "processors"), map(round_, sheet), strict=True)),
        "nine_commands_seconds": dict(
            zip(("clock", "processors"), map(round_, commands), strict=True)
        ),
        "ratio_of_processor_seconds": round(sheet[1] / commands[1], 2),
    }
    write_record(Path(__file__).with_suffix(".json"), record)
    print(record)


def round_(seconds):
    return round(seconds, 1)


if __name__ == "__main__":
    main()
