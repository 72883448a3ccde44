"""Word lists written as text."""

from __future__ import annotations


def word_set(listed: str) -> frozenset[str]:
    """The words of a list parted by white space."""
    return frozenset(listed.split())
