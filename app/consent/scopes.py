"""Consent scopes: what they look like, and which one covers which.

A scope is two to four words joined by colons, the first of letters: "analyse:text:local", "share:research". In a
granted scope a word that is `*` stands for exactly one word of any kind: "analyse:*:local" covers "analyse:text:local"
and neither "analyse:text:cloud" nor "analyse:text:local:model". A `*` within a word has no meaning and is refused, so
that nobody believes in a grant that matches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.errors import InvalidInput

SCOPE = re.compile(r"[a-z_]+(:[a-z0-9_.*-]+){1,3}")
MAX_SCOPES = 50
#: Characters of one scope, as wide as its column.
MAX_LENGTH = 128


def _well_formed(scope: str) -> bool:
    return (
        len(scope) <= MAX_LENGTH
        and SCOPE.fullmatch(scope) is not None
        and all(word == "*" or "*" not in word for word in scope.split(":"))
    )


def checked(scopes: Iterable[str]) -> frozenset[str]:
    """The scopes of a grant.

    Raises:
        InvalidInput: none, too many, or one that is no scope; `details.index` says which.
    """
    given = list(scopes)
    if not 1 <= len(given) <= MAX_SCOPES:
        raise InvalidInput(f"`scopes` holds {len(given)} entries: name 1 to {MAX_SCOPES}", field="scopes")
    for index, scope in enumerate(given):
        if not _well_formed(scope):
            raise InvalidInput(
                f"`scopes[{index}]` is no scope: write two to four lower-case words joined by colons, for instance "
                "analyse:text:local; `*` stands for one whole word",
                field="scopes",
                index=index,
            )
    return frozenset(given)


def covers(granted: Iterable[str], required: str) -> bool:
    """Whether any of the granted scopes covers the required one."""
    words = required.split(":")
    return any(
        len(have) == len(words) and all(h in ("*", w) for h, w in zip(have, words, strict=True))
        for have in (scope.split(":") for scope in granted)
    )
