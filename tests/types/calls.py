"""Calls that type checkers must accept, and calls that they must refuse: the lines with `ignore`.

`scripts/check_types.py` runs mypy and pyright on them; an `ignore` that hides no error is one.
"""

import dataclasses
import threading

from nst_tf import Progress, Settings, Stylizer, measure, stylize


def accepted(progress: Progress) -> None:
    """Write values in the ways that the docs show."""
    stylize("photo.jpg", b"", "fast", time_limit="2min", content_weight="100:1")
    stylize("photo.jpg", ["a.jpg", "b.jpg"], style_weight=(1e-5, 1e-2), style_scale=[1, 0.5])
    stylize("photo.jpg", "a.jpg", style_layers=["relu1_1"], style_layer_weights=[1, 2])
    stylize("photo.jpg", "a.jpg", Settings(optimizer="lbfgs", time_limit=90), memory_budget="4GiB")
    stylize("photo.jpg", "a.jpg", cancel=threading.Event(), block_size="auto", precision="auto")
    stylizer = Stylizer("painting", memory_budget="4GiB", time_limit="90s", wait_limit="1min")
    shares: float = sum(progress.losses.layers.values())
    why: str = stylizer(
        "photo.jpg", "a.jpg", strength=shares, content_layers=("block4_conv2",)
    ).stop_reason
    losses: dict[str, float] = measure("out.png", "photo.jpg", "a.jpg", "fast", strength=0.5)
    print(why, losses, dataclasses.replace(Settings(), strength=2.0).time_limit + 1)


def refused(name: str) -> None:
    """Misspell names and values."""
    stylize("photo.jpg", "a.jpg", optimizer="sgd")  # type: ignore
    stylize("photo.jpg", "a.jpg", strenght=0.7)  # type: ignore
    stylize("photo.jpg", "a.jpg", pooling=name)  # type: ignore
    stylize(1.5, "a.jpg")  # type: ignore
    Settings(precision="float16")  # type: ignore
    Settings(epochs="ten")  # type: ignore
    Stylizer("fast", loss="l2")  # type: ignore
    Stylizer("fast")("photo.jpg", "a.jpg", memory_budget="4GiB")  # type: ignore
    measure("out.png", "photo.jpg", "a.jpg", style_layers=3)  # type: ignore
