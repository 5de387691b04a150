"""The losses of an image, as numbers."""

from collections.abc import Mapping
from typing import SupportsFloat


class Losses(dict[str, float]):
    """The weighted terms of the objective by name, `total` first."""

    def __init__(
        self, terms: Mapping[str, float], layers: Mapping[str, SupportsFloat] | None = None
    ) -> None:
        super().__init__(terms)
        self._layers = layers or {}

    @property
    def layers(self) -> dict[str, float]:
        """What each layer adds to its term, by `TERM/LAYER`, such as `style/block1_conv1`."""
        # Read when somebody asks: a device may have to be waited for.
        return {name: float(loss) for name, loss in self._layers.items()}
