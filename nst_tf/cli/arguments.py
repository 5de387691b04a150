"""Words of the command line in the form that absl parses."""

import os
from collections.abc import Sequence
from itertools import islice

from absl import flags

from nst_tf.utils.errors import UserError

SHORT = {"h": "help", "o": "output"}
"""One-letter names of flags."""


ELSEWHERE = {
    **dict.fromkeys(("image_size", "img_size", "imsize", "max_size", "size"), "max_dim"),
    **dict.fromkeys(
        ("iterations", "num_iterations", "n_iterations", "iters", "max_iter", "num_steps"), "steps"
    ),
    **dict.fromkeys(("gpu", "gpu_id", "cuda", "use_gpu", "cpu"), "device"),
    **dict.fromkeys(("content_image", "content_path", "content_img", "input", "image"), "content"),
    **dict.fromkeys(("style_image", "style_images", "style_path", "style_img", "styles"), "style"),
    **dict.fromkeys(("output_image", "output_path", "out", "save_path"), "output"),
    **dict.fromkeys(("original_colors", "preserve_colors", "keep_colors"), "preserve_color"),
    **dict.fromkeys(("tv_weight", "tv"), "total_variation_weight"),
    "lr": "learning_rate",
}
"""Flags of other programs for style transfer, and their names here."""


class UsageError(UserError):
    """The command line itself is wrong, regardless of the files that it names."""


def normalised(words: Sequence[str], values: flags.FlagValues) -> list[str]:
    """Return the words with every flag's name in full and with underscores.

    `--max-dim` becomes `--max_dim`, `--no-quiet` becomes `--noquiet`, and `-o` becomes `--output`.
    Values, and all words after `--`, remain as they are.
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


def usage_error(error: Exception, values: flags.FlagValues) -> UsageError:
    """Return an error of the command line as one line, which names our flag for a foreign one."""
    if isinstance(error, flags.UnrecognizedFlagError):
        name = error.flagname
        for known in (ELSEWHERE.get(name, ""), f"{ELSEWHERE.get(name)}_dir"):
            if known in values:
                more = ", once for each painting" * (known == "style")
                return UsageError(f"--{name} is called --{known} here{more}")
    return UsageError(" ".join(str(error).split()))


def check_several(paintings: Sequence[str]) -> None:
    """Refuse a list of paintings with commas between them; the text repeats --style instead."""
    for path in paintings:
        names = path.split(",")
        if len(names) > 1 and all(names) and not os.path.exists(path):
            several = " ".join(f"--style {name}" for name in names)
            raise UsageError(f"--style {path} does not exist: for several paintings, use {several}")


def place_pictures(values: flags.FlagValues, pictures: Sequence[str]) -> None:
    """Set --content and --style to the pictures that are named without a flag, the photo first.

    Raises:
        UsageError: flags name photo or paintings as well, or there is no painting.
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
