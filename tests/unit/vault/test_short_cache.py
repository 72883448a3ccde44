"""Keys stay in memory for a short time only."""

from __future__ import annotations

import os

from app.vault.cache import ShortCache


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_entry_ends_with_its_time_however_often_it_is_used() -> None:
    clock = Clock()
    cache = ShortCache[str](60, 10, clock)
    cache.put("a", "x")
    for clock.now in (10.0, 30.0, 59.9):
        assert cache.get("a") == "x"
    clock.now = 60.0
    assert cache.get("a") is None


def test_ended_entries_do_not_stay_in_memory_when_others_come() -> None:
    clock = Clock()
    cache = ShortCache[str](60, 10, clock)
    cache.put("a", "x")
    clock.now = 61.0
    cache.put("b", "y")
    assert list(cache._entries) == ["b"]


def test_the_one_unused_for_longest_goes_first() -> None:
    cache = ShortCache[int](60, 2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.put("c", 3)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]


def test_dropping_forgets_what_is_named_and_nothing_else() -> None:
    cache = ShortCache[int](60, 10)
    cache.put(("u", 1), 1)
    cache.put(("v", 1), 2)
    cache.drop(lambda key: isinstance(key, tuple) and key[0] == "u")
    assert cache.get(("u", 1)) is None
    assert cache.get(("v", 1)) == 2


def test_a_forked_child_has_none_of_it_even_if_a_thread_held_the_lock() -> None:
    cache = ShortCache[int](60, 10)
    cache.put("a", 1)
    with cache._lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if cache.get("a") is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert cache.get("a") == 1
