"""Where a quotation stands: exactly, or with white space and quotation marks treated alike, and never otherwise.

Whoever quotes a text without saying where (language models do) is looked up here; proof and evidence build on it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from app.layers import TextLayer


class VerifiedBy(StrEnum):
    """How a piece of evidence was proven."""

    EXACT = "exact"  #: the text at the range has the digest of what was quoted
    WHITESPACE = "whitespace"  #: the same, but for white space and quotation marks
    MEASURED = "measured"  #: seconds of a recording without words: nothing is quoted


#: Every code point for which `str.isspace` holds (a test compares).
SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
#: Quotation marks, apostrophes, primes and accents used as such.
QUOTES = (
    "\"'`\xab\xb4\xbb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2032\u2033\u2035\u2036\u2039\u203a"
    "\u300c\u300d\u300e\u300f\uff02\uff07"
)
#: Layout marks without width: soft hyphen, zero-width space, word joiner, byte order mark.
NO_WIDTH = "\xad\u200b\u2060\ufeff"
_ALIKE = {ord(c): " " for c in SPACES} | {ord(c): "'" for c in QUOTES}
#: What folding shortens. One character class, so that no input makes it backtrack.
_RUN = re.compile(f"[ {NO_WIDTH}]{{2,}}|[{NO_WIDTH}]")


@dataclass(frozen=True, slots=True)
class _Folded:
    """A text with white space and quotation marks made alike, and the way back.

    Attributes:
        text: the folded text.
        ends: positions in it after each shortened stretch, in order.
        shifts: how far a position after that stretch lies from its place in the original.
    """

    text: str
    ends: tuple[int, ...]
    shifts: tuple[int, ...]

    def original(self, position: int) -> int:
        """Where a folded character stands in the original."""
        index = bisect_right(self.ends, position)
        return position + (self.shifts[index - 1] if index else 0)


def _fold(text: str) -> _Folded:
    alike = text.translate(_ALIKE)
    parts: list[str] = []
    ends: list[int] = []
    shifts: list[int] = []
    position = shift = 0
    for run in _RUN.finditer(alike):
        kept = " " if " " in run.group() else ""
        parts += (alike[position : run.start()], kept)
        position = run.end()
        ends.append(run.start() - shift + len(kept))
        shift += len(run.group()) - len(kept)
        shifts.append(shift)
    parts.append(alike[position:])
    return _Folded("".join(parts), tuple(ends), tuple(shifts))


class Finder:
    """Finds quotations in one layer; make one per layer, since the folded text is kept.

    Args:
        layer: to search.
    """

    def __init__(self, layer: TextLayer) -> None:
        self.layer = layer

    @cached_property
    def _folded(self) -> _Folded:
        return _fold(self.layer.text)

    def locate(self, quote: str, hint: int | None = None) -> tuple[int, int, VerifiedBy] | None:
        """Where the person says this, in time linear in text and quotation.

        Args:
            quote: as it was given; white space around it does not matter.
            hint: code point from which to search first, for instance the beginning of the part that was read.

        Returns:
            Start, end and rung of the first occurrence in the person's own words, at or after the hint where there is
            one; None where they never say it.
        """
        quote = quote.strip(SPACES)
        folded_quote = _fold(quote).text.strip(" ")
        if not folded_quote:
            return None
        exact = self._own(self.layer.text, quote, hint, None)
        if exact:
            return (*exact, VerifiedBy.EXACT)
        loose = self._own(self._folded.text, folded_quote, hint, self._folded)
        return (*loose, VerifiedBy.WHITESPACE) if loose else None

    def _own(self, text: str, quote: str, hint: int | None, folded: _Folded | None) -> tuple[int, int] | None:
        behind: tuple[int, int] | None = None
        at = text.find(quote)
        while at >= 0:
            last = at + len(quote) - 1
            start, end = (folded.original(at), folded.original(last) + 1) if folded else (at, last + 1)
            if self.layer.is_own(start, end):
                if hint is None or start >= hint:
                    return start, end
                behind = behind or (start, end)
            # Overlapping occurrences are passed over: searching them all would take quadratic time on periodic text.
            at = text.find(quote, last + 1)
        return behind
