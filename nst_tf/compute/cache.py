"""What the network finds in paintings, remembered from run to run."""

import threading
from collections import OrderedDict
from collections.abc import Hashable

from nst_tf.compute.budget import BASE, MIB
from nst_tf.losses.term import Statistics, Summarize
from nst_tf.utils.digests import array_digest

REMEMBERED = 256 * MIB  # at most, and never more than an eighth of what a run may take


def cache_share(budget: int) -> int:
    """Return how many of the bytes that a process may take its memo should hold, at most."""
    return max(0, min(REMEMBERED, (budget - BASE) // 8))


def with_cache(need: int) -> int:
    """Return how many bytes a process must have for runs that take `need`, and its memo."""
    return need + min(REMEMBERED, max(0, -(-(need - BASE) // 7)))


class StatisticsCache:
    """The latest statistics of paintings, for runs that imitate the same ones.

    Args:
        limit: bytes to hold at most; the least recently used statistics go.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held = 0
        self._found: OrderedDict[Hashable, Statistics] = OrderedDict()
        self._changing = threading.Lock()

    def remembering(self, summarize: Summarize, kind: Hashable) -> Summarize:
        """Return a `Summarize` that goes through no painting twice.

        Args:
            summarize: what goes through it.
            kind: all but picture and function that the statistics depend on, such as the network.
        """

        def remember(image, layers, function, *, guides, grid, joint, name=None):
            def look() -> Statistics:
                return summarize(image, layers, function, guides=guides, grid=grid, joint=joint)

            if name is None:
                return look()
            region = tuple((layer, array_digest(guide.numpy())) for layer, guide in guides.items())
            key = (kind, array_digest(image.numpy()), layers, name, region, grid, joint)
            found = self._recall(key)
            if found is None:
                found = look()
                self._keep(key, found)
            return found

        return remember

    def _recall(self, key: Hashable) -> Statistics | None:
        with self._changing:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def _keep(self, key: Hashable, found: Statistics) -> None:
        with self._changing:
            if key not in self._found:
                self._found[key] = found
                self._held += size_of(found)
            while self._held > self.limit:
                self._held -= size_of(self._found.popitem(last=False)[1])


def size_of(statistics: Statistics) -> int:
    """Return the bytes that statistics take."""
    tensors = (*statistics.sums.values(), *statistics.maps.values())
    return sum(tensor.shape.num_elements() * tensor.dtype.size for tensor in tensors)
