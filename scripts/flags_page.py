"""The tables of flags, from the code that declares them.

    python scripts/flags_page.py

writes `docs/flags.md`, and the table of flags in `docs/video.md`.
"""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from nst_tf.batch.flags import BATCH_FLAGS
from nst_tf.cli.flags import OTHER_FLAGS, Flag
from nst_tf.settings import Settings
from nst_tf.video.flags import VIDEO_FLAGS

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, FILMS = DOCS / "flags.md", DOCS / "video.md"

HEAD = """\
# Flags

`scripts/flags_page.py` generates this page from the same declarations as `--helpfull`.
[How to choose](how-to-choose.md) names the five flags to begin with.

- `--max_dim 384`, `--max-dim 384` and `--max-dim=384` mean the same; `-o` is short for `--output`
  and `-h` for `--help`. Lists are separated by commas, such as `--style_blend 0.7,0.3`.
- A switch is set by its name, such as `--tf32`, and turned off by `--no-tf32`.
- Flags take precedence over the recipe that `--recipe` names. The defaults below are the defaults
  of the recipe `tutorial`; [recipes](recipes.md) shows the differences of the others, and
  `--recipe painting --helpfull` lists the defaults of a recipe.
- Only `nst_tf.batch` has the flags below Batch. It has all settings, and the other flags that
  [batch](batch.md) names. It shares the flags below Workers with [films](video.md).
- Every flag that is not below Files, Run, Batch or Workers is also a field of `nst_tf.Settings`, of
  the same name.
- A weight may be a ramp: with `--content_weight 1e5:1e3`, each epoch multiplies the weight by the
  same factor, from 1e5 in the first epoch to 1e3 in the last.
"""

FLAG = re.compile(r"(?<!`)(--[a-z][a-z_0-9]*(?:=\w+)?)")
DEFAULT = re.compile(r" \(default ([^)]*)\)")


def page() -> Iterator[str]:
    """Yield the lines of the page."""
    groups: dict[str, list[str]] = {}
    for other in (*OTHER_FLAGS, *BATCH_FLAGS):
        groups.setdefault(other.group, []).append(other_row(other))
    for field in dataclasses.fields(Settings):
        choices, help_text = field.metadata["choices"], field.metadata["help"]
        values = ", ".join(map(written, choices or ())) or bounds(field)
        text = f"{help_text} ({values})" if values else help_text
        default = "off" if field.default is False else written(field.default)
        groups.setdefault(field.metadata["group"], []).append(row(field.name, default, text))
    yield HEAD
    for group, rows in groups.items():
        yield f"## {group}\n\n| flag | default | meaning |\n|---|---|---|"
        yield "\n".join(rows) + "\n"


def other_row(flag: Flag) -> str:
    """Return the row of a flag that is not a setting."""
    found = DEFAULT.search(flag.help)
    usual = {"boolean": "off", "string": flag.default or ""}.get(flag.kind, "")
    return row(flag.name, found[1] if found else usual, DEFAULT.sub("", flag.help))


def video_rows() -> list[str]:
    """Return the rows of the flags that only films have, or that differ for films."""
    return [other_row(flag) for flag in VIDEO_FLAGS if flag not in OTHER_FLAGS]


def row(name: str, default: str, text: str) -> str:
    """Return a flag's row."""
    text = FLAG.sub(r"`\1`", text)
    return f"| `--{name}` | {default} | {text} |"


def bounds(field: dataclasses.Field) -> str:
    """Return the limits of a setting in words."""
    limits = field.metadata["limits"].items()
    return ", ".join(f"{words} {written(limit)}" for words, limit in limits)


def written(value: object) -> str:
    """Return a value in words."""
    if isinstance(value, tuple):
        return ", ".join(map(written, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def film_page() -> str:
    """Return the text of the page of films, with its table of flags brought up to date."""
    text = FILMS.read_text(encoding="utf-8")
    table = "\n".join(["| flag | default | meaning |", "|---|---|---|", *video_rows()])
    return re.sub(r"(?<=\n## Flags\n\n).*?(?=\n\n)", lambda _: table, text, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text("\n".join(page()), encoding="utf-8")
    FILMS.write_text(film_page(), encoding="utf-8")
