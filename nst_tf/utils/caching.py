"""A cache of costly results, shared by threads."""

import functools
import threading
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Cached(Generic[P, T]):
    """A function that keeps its latest results, and makes each result once.

    `functools.lru_cache` lets two threads make the same result twice. Here, the second thread waits
    for the first, and both get the same object.

    Args:
        function: makes a result; its arguments must be hashable.
        maxsize: number of results to keep; the least recently used results are dropped.
    """

    def __init__(self, function: Callable[P, T], maxsize: int) -> None:
        self._lock = threading.RLock()
        self._cached: Any = functools.lru_cache(maxsize)(function)
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result for the arguments, new or from the cache."""
        with self._lock:
            return self._cached(*args, **kwargs)

    def cache_clear(self) -> None:
        """Drop all results."""
        self._cached.cache_clear()

    def cache_info(self) -> Any:
        """Return hits, misses, maxsize and currsize, like `functools.lru_cache`."""
        return self._cached.cache_info()


def cached(maxsize: int) -> Callable[[Callable[P, T]], Cached[P, T]]:
    """Return a decorator that makes a function `Cached`."""
    return lambda function: Cached(function, maxsize)
