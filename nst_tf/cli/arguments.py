"""The words of the command line, brought to the form in which absl knows the flags."""

from collections.abc import Sequence
from itertools import islice

from absl import flags

from nst_tf.errors import UserError

SHORT = {"h": "help", "o": "output"}
"""Names of flags that have one letter too."""


class UsageError(UserError):
    """The command line itself is wrong, whatever is in the files."""


def normalised(words: Sequence[str], values: flags.FlagValues) -> list[str]:
    """Return the words with every flag's name in full and with underscores.

    `--max-dim` becomes `--max_dim`, `--no-quiet` `--noquiet` and `-o` `--output`. Values, and
    whatever comes after `--`, stay as they are.
    """
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            return [*found, word, *rest]
        if not word.startswith("-") or word == "-":
            found.append(word)
            continue
        written, equals, value = word.partition("=")
        name = written.lstrip("-").replace("-", "_")
        name = SHORT.get(name, name)
        positive = name.removeprefix("no_")
        if name not in values and positive in values and values[positive].boolean:
            name = f"no{positive}"
        found.append(f"--{name}{equals}{value}")
        if name in values and not values[name].boolean and not equals:
            found += islice(rest, 1)  # the flag's value, which may begin with a dash
    return found


def place_pictures(values: flags.FlagValues, pictures: Sequence[str]) -> None:
    """Set --content and --style to the pictures that are named without a flag, photo first.

    Raises:
        UsageError: flags name them too, or there is no painting.
    """
    if not pictures:
        return
    photo, *paintings = pictures
    if values.content is not None:
        raise UsageError(
            f"{photo!r} and --content {values.content!r} both name a photo: leave one out, "
            "or name each painting by --style"
        )
    if paintings and values.style:
        raise UsageError(
            f"{paintings[0]!r} and --style {values.style[0]!r} name paintings in two ways: use one"
        )
    if not paintings and not values.style and not values.from_image:
        raise UsageError(
            f"a painting is missing: name one after {photo!r}, "
            "or rebuild the photo from its features by --content alone"
        )
    values["content"].value = photo
    values["style"].value = paintings or values.style
