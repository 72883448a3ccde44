"""Recently used values in memory, for a short time only, and never in a forked child."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class ShortCache(Generic[V]):
    """A bounded mapping whose entries end by themselves; safe among threads.

    Args:
        ttl_s: seconds that an entry lives, however often it is used.
        size: entries kept; the one unused for longest goes first.
        clock: seconds, never going back.
    """

    def __init__(self, ttl_s: float, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl_s, self._size, self._clock = ttl_s, size, clock
        self._entries: OrderedDict[Hashable, tuple[float, V]] = OrderedDict()
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._forked)

    def get(self, key: Hashable) -> V | None:
        """The value, where it is there and still alive."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            if entry[0] <= self._clock():
                del self._entries[key]
                return None
            self._entries.move_to_end(key)
            return entry[1]

    def put(self, key: Hashable, value: V) -> None:
        """Keep the value; it lives anew from now."""
        now = self._clock()
        with self._lock:
            for ended in [other for other, (until, _) in self._entries.items() if until <= now]:
                del self._entries[ended]
            self._entries[key] = (now + self._ttl_s, value)
            self._entries.move_to_end(key)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def drop(self, unwanted: Callable[[Hashable], bool]) -> None:
        """Forget the entries whose key is unwanted."""
        with self._lock:
            for key in [key for key in self._entries if unwanted(key)]:
                del self._entries[key]

    def _forked(self) -> None:
        # The lock may have been held by a thread that does not exist in the child.
        self._lock = threading.Lock()
        self._entries.clear()
