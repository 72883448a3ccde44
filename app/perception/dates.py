"""Dates at the head of letters, diary entries and posts, as English, German, French and Spanish write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner janvier janv enero ene",
            "february feb febr februar février fév febrero",
            "march mar märz mrz mars marzo",
            "april apr avril avr abril abr",
            "may mai mayo",
            "june jun juni juin junio",
            "july jul juli juillet juil julio",
            "august aug août agosto ago",
            "september sept sep septembre septiembre setiembre",
            "october oct oktober okt octobre octubre",
            "november nov novembre noviembre",
            "december dec dezember dez décembre déc diciembre dic",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = rf"(?P<month>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.?"
_YEAR = r"\[?(?P<year>1[4-9]\d\d|20\d\d)\b\]?"
_DAY = r"(?P<day>[12]?\d|3[01])(?:st|nd|rd|th|er|º)?\b\.?"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?P<year>1[4-9]\d\d|20\d\d)-(?P<month>[01]\d)-(?P<day>[0-3]\d)(?!\d)",
        rf"\b{_DAY}\s+(?:of\s+|de\s+)?{_MONTH},?\s+(?:de\s+|del\s+)?{_YEAR}",
        rf"\b{_MONTH}\s+{_DAY},?\s*{_YEAR}",
        r"\b(?P<day>[0-3]?\d)\.\s?(?P<month>[01]?\d)\.\s?(?P<year>1[4-9]\d\d|20\d\d)\b",
        r"\b(?P<day>1[3-9]|2\d|3[01])/(?P<month>0?[1-9]|1[0-2])/(?P<year>1[4-9]\d\d|20\d\d)\b",
        r"\b(?P<month>0?[1-9]|1[0-2])/(?P<day>1[3-9]|2\d|3[01])/(?P<year>1[4-9]\d\d|20\d\d)\b",
        r"\b[01]?\d/[01]?\d/(?P<year>1[4-9]\d\d|20\d\d)\b",
        rf"\b{_MONTH}(?:\s+\w+\.?)?,?\s+(?:de\s+)?{_YEAR}",
    )
)
_LAST_YEAR = re.compile(r",\s*(?P<year>1[4-9]\d\d|20\d\d)\]?\.?\s*$")
_HINT = re.compile(r"1[4-9]\d\d|20\d\d")


@dataclass(frozen=True, slots=True)
class Dated:
    """A date found in a text.

    Attributes:
        iso: ISO 8601: year, year and month, or the day.
        start: first code point.
        end: one past the last.
    """

    iso: str
    start: int
    end: int


def find(text: str) -> Dated | None:
    """The first date with a year; where day and month could change places, the year alone."""
    if not _HINT.search(text):
        return None
    found = [match for pattern in _PATTERNS if (match := pattern.search(text))]
    if found:
        match = min(found, key=lambda m: (m.start(), -m.end()))
        if iso := _iso(match.groupdict()):
            return Dated(iso, *match.span())
    if match := _LAST_YEAR.search(text):
        return Dated(match["year"], match.start("year"), match.end("year"))
    return None


def _iso(parts: dict[str, str | None]) -> str | None:
    year, name, day = int(parts["year"] or 0), (parts.get("month") or "").lower(), parts.get("day")
    if not name:
        return str(year)
    month = _MONTHS.get(name) or (int(name) if name.isdigit() else 0)
    try:
        written = date(year, month, int(day or 1)).isoformat()
    except ValueError:
        return None
    return written if day else written[:7]
