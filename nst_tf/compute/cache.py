"""A cache of the statistics of paintings, shared by the runs of a process."""

import threading
from collections import OrderedDict
from collections.abc import Hashable

from nst_tf.compute.budget import BASE, MIB
from nst_tf.losses.term import Statistics, Summarize
from nst_tf.utils.digests import array_digest

LARGEST = 256 * MIB  # and never more than an eighth of the memory that a run may use


def cache_share(budget: int) -> int:
    """Return the size limit of the cache in bytes, out of a process's budget."""
    return max(0, min(LARGEST, (budget - BASE) // 8))


def with_cache(need: int) -> int:
    """Return the budget that leaves `need` bytes for a run after the cache has its share."""
    return need + min(LARGEST, max(0, -(-(need - BASE) // 7)))


class StatisticsCache:
    """The latest statistics of paintings, for runs that imitate the same ones.

    Args:
        limit: maximum size in bytes; the least recently used statistics are dropped.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._size = 0
        self._cached: OrderedDict[Hashable, Statistics] = OrderedDict()
        self._lock = threading.Lock()

    def remembering(self, summarize: Summarize, kind: Hashable) -> Summarize:
        """Return a `Summarize` that computes the statistics of a painting only once.

        All that they depend on besides picture and function is in `kind`, such as the network.
        """

        def cached(image, layers, function, *, guides, grid, joint, name=None):
            def compute() -> Statistics:
                return summarize(image, layers, function, guides=guides, grid=grid, joint=joint)

            if name is None:
                return compute()
            region = tuple((layer, array_digest(guide.numpy())) for layer, guide in guides.items())
            key = (kind, array_digest(image.numpy()), layers, name, region, grid, joint)
            found = self._get(key)
            if found is None:
                found = compute()
                self._put(key, found)
            return found

        return cached

    def _get(self, key: Hashable) -> Statistics | None:
        with self._lock:
            if key in self._cached:
                self._cached.move_to_end(key)
            return self._cached.get(key)

    def _put(self, key: Hashable, found: Statistics) -> None:
        with self._lock:
            if key not in self._cached:
                self._cached[key] = found
                self._size += size_of(found)
            while self._size > self.limit:
                self._size -= size_of(self._cached.popitem(last=False)[1])


def size_of(statistics: Statistics) -> int:
    """Return the size of statistics in bytes."""
    tensors = (*statistics.sums.values(), *statistics.maps.values())
    return sum(tensor.shape.num_elements() * tensor.dtype.size for tensor in tensors)
