"""Addresses by their street: a number and a street word of some country, and then whatever of an address follows.

Two steps: a core is found by pattern (`12 Mill Road`, `Lindenstraße 7`, `12, rue de la Paix`, or what a cue such as
"my address is" announces), and from its end one part after another is taken while it looks like an address: flats,
postcodes, capitalised places, also over single line breaks. Every pattern is bounded, so the time is linear.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import regex
from wordfreq import zipf_frequency

from app.analyzers.llm import redact_words as words

#: Letters of a word; a full stop is one of them where another letter or a short word says that no sentence ends.
_P = r"(?:[\p{L}\p{M}'’-]|\.(?=\p{L})|(?<=\b\p{L}{1,2})\.)"  # noqa: RUF001 - the curly apostrophe is meant
_CAP = rf"\p{{Lu}}{_P}{{0,30}}+"
_ANY = rf"\p{{L}}{_P}{{0,30}}+"
_LINK = (
    r"(?:de la|de las|de los|de l'|de|del|della|delle|dei|des|du|da|das|do|dos|d'|di|la|le|les|el|los|las|van|von|"
    r"of|the|am|an der|im|sur|y|e|i|den|der)"
)
_NUMBER = r"\d{1,5}+(?! ?[%°€$£])(?:[./-]\d{1,5}+){0,3}(?: ?[a-zA-Z]\b| ?(?:bis|ter))?"
_CAPS = rf"{_CAP}(?:[ -](?:{_LINK} ){{0,2}}{_CAP}){{0,4}}"


class _Check(Protocol):
    """Whether what a pattern found is an address; `lower` says that the text is written without capitals."""

    def __call__(self, match: regex.Match[str], *, lower: bool) -> bool: ...


_YEAR = regex.compile(r"\b(?:1[5-9]|20)\d\d$")
_COMMA = regex.compile(r", \d{1,5}$")


def _frequent(word: str) -> float:
    return zipf_frequency(word, "en")


def _lower_parts(match: regex.Match[str], *, lower: bool) -> bool:
    """Parts between number and street word are capitals, or the whole text has none and they are rare words."""
    parts = match.group("parts").split()
    if parts and parts[0].strip(".").casefold() in words.MONTHS | words.NUMBERED:
        return False
    capitals = all(part[0].isupper() or part[0].isdigit() for part in parts)
    street = match.group("street")
    if capitals and street[:1].isupper():
        return True
    if capitals and parts and len(street) > 3:
        return not any(_frequent(part) > 5.5 for part in parts)
    return lower and len(street) > 1 and all(_frequent(part) < 4.6 or part.isdigit() for part in parts)


def _named(match: regex.Match[str], *, lower: bool) -> bool:
    """What stands beside the street word is a name: capitals, or rare words of a text without any."""
    parts = [part for part in match.group("parts").replace(",", " ").split() if part[0].isalpha()]
    return bool(parts) and (any(part[0].isupper() for part in parts) or (lower and _frequent(parts[-1]) < 3.5))


def _suffixed(match: regex.Match[str], *, lower: bool) -> bool:
    return (match.group("parts")[:1].isupper() or lower) and match.group("parts").casefold() not in words.NUMBERED


def _rare_lower(match: regex.Match[str], *, lower: bool) -> bool:
    return lower and all(_frequent(part) < 4.3 for part in match.group("parts").split())


def _rare(match: regex.Match[str], *, lower: bool) -> bool:  # noqa: ARG001 - one shape for all checks
    """Capitalised words that are no numbered things, one of them hardly a word, before or after a number."""
    parts = [part.strip(".,'’-").casefold() for part in match.group("parts").replace("-", " ").split()]  # noqa: RUF001 - as above
    after = match.string[match.end() : match.end() + 24]
    # "Ludlow, 14 March", "Ludlow 1987", "I love chess, 3 games a day".
    if any(part in words.MONTHS or part in words.NUMBERED for part in [*parts, *after.casefold().split()[:1]]):
        return False
    if _YEAR.search(match.group()) or (_COMMA.search(match.group()) and regex.match(r"(?:st|nd|rd|th)? \p{Ll}", after)):
        return False
    return any(len(part) > 2 and _frequent(part) < 3.3 for part in parts)


def _several(match: regex.Match[str], *, lower: bool) -> bool:  # noqa: ARG001 - as above
    parts = [part.strip(".,'’-").casefold() for part in match.group("parts").split()]  # noqa: RUF001 - as above
    before = match.string[max(0, match.start() - 16) : match.start()].casefold().strip(" ,.").split()[-1:]
    if any(part in words.MONTHS or part in words.NUMBERED for part in [*parts, *before]):
        return False
    return any(_frequent(part) < 4.15 for part in parts) and not any(_frequent(part) > 5.2 for part in parts)


_CORES: tuple[tuple[regex.Pattern[str], _Check | None], ...] = (
    # 12 Mill Road
    (
        regex.compile(
            rf"\b\d{{1,6}}+(?:[/-]\d{{1,5}}+)?[a-zA-Z]?,? (?P<parts>(?:[\p{{L}}\d]{_P}{{0,30}}+ ){{1,4}}?)"
            rf"(?P<street>(?i:{words.STREETS_AFTER}))\b\.?"
        ),
        _lower_parts,
    ),
    # rue de la Paix 9, Rua de Serrúbia, S/N
    (
        regex.compile(
            rf"\b(?i:{words.STREETS_BEFORE})\b\.? ?(?P<parts>(?:(?:{_LINK}|{_ANY})[ ,-]{{1,2}}){{1,6}})"
            rf"(?:(?i:nr|no|n[°º]|č\.p)\.? ?)?(?:{_NUMBER}|S/N)"
        ),
        _named,
    ),
    # 9 rue de la Paix
    (
        regex.compile(rf"\b{_NUMBER},? (?i:{words.STREETS_BEFORE})\b\.? (?P<parts>(?:{_LINK} ){{0,2}}{_CAPS})"),
        None,
    ),
    # Lindenstraße 7, Musvåge Allé 202
    (
        regex.compile(
            rf"\b(?P<parts>(?:{_CAP} ){{0,2}}[\p{{L}}.'’-]{{0,40}}(?<=\p{{L}}[ -]?)"  # noqa: RUF001 - as above
            rf"(?i:{words.STREET_ENDS}))\b\.?,? {_NUMBER}"
        ),
        _suffixed,
    ),
    (regex.compile(rf"\b(?P<parts>(?:{_ANY} ){{1,2}})(?:{words.STREET_ENDS})\b\.? {_NUMBER}"), _rare_lower),
    # 7 Lindenstraße
    (
        regex.compile(
            r"\b\d{1,5} (?P<parts>[\p{L}-]{3,40}(?:straße|strasse|straat|gasse|laan|vej|gatan|gata|vägen))\b",
        ),
        _suffixed,
    ),
    # Dolní Chaloupky 728
    (regex.compile(rf"\b(?P<parts>{_CAPS}),? {_NUMBER}\b(?!:\d|[.,]\d)"), _rare),
    # 42 Walsh Tunnels; 15/021, Bahri Zila
    (
        regex.compile(
            rf"(?<![\d.,-])\b\d{{1,6}}+(?:(?:/\d{{1,5}})?[a-z]? |/\d{{1,5}}, )(?P<parts>{_CAP}(?: {_CAP}){{1,3}})",
        ),
        _several,
    ),
    (
        regex.compile(
            rf"(?<=\b(?i:at|to|in|is|from|with|:) )\d{{1,5}}(?:/\d{{1,5}})? (?P<parts>{_CAP}(?: {_CAP}){{0,3}})",
        ),
        _rare,
    ),
    # 15, avenue leroux; flat 3, joan land; Apt. 7
    (regex.compile(rf"\b\d{{1,4}}, ?(?:{words.STREETS_BEFORE}) (?P<parts>{_ANY})"), _rare_lower),
    (
        regex.compile(
            rf"\b(?:flat|studio|apt|unit|suite|house) \d{{1,4}}[a-z]?,? (?P<parts>(?:{_ANY} ){{1,3}})"
            rf"(?:{words.STREETS_AFTER})\b"
        ),
        _rare_lower,
    ),
    (
        regex.compile(
            r"\b(?i:apt|apartment|suite|studio|flat|unit|p\.? ?o\.? box|postfach|h\.? ?no|house no)\b"
            r"\.? ?#?(?:\d{1,5}\w?\b)"
        ),
        None,
    ),
)
_CUE = regex.compile(
    rf"\b(?i:{words.CUES})\b"
    r"(?: (?:is|are|was|to|now|ist|lautet|est|es|è|är|er|to|on|with|that|here they are)\b){0,2}"
    r"(?: ?: ?|,? ?[\n ])[ \n]?"
)
_POSTCODES = regex.compile(
    r"(?i:(?<=\bzip)(?: code)?:? ?\d{4,6}\b|(?<=\bpostcode)(?: is|:)? ?\w{2,5}(?: \w{3})?\b)"
    r"|(?m:(?<=\p{Ll} )\d{5}(?:-\d{4})?(?=\.?\s{0,5}$))"
    r"|\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b|\b[A-Z]{2},? \d{5}(?:-\d{4})?\b|\b[A-Z]\d[A-Z] ?\d[A-Z]\d\b"
    rf"|\b(?:\d{{5}}|\d{{2}}-\d{{3}}|\d{{3}} \d{{2}}|\d{{4}}-\d{{3}}|\d{{4}} [A-Z]{{2}}) {_CAP}"
    r"|(?m:^[ \t]{0,20}+\d{4,6}[ \t]{0,20}+$|^[ \t]{0,20}+\d{1,6}[ \t]{1,5}\p{L}[^\n.!?]{2,40}$)"
)
#: Parts of an address after its street.
_UNIT = rf"(?i:{words.UNITS})\b\.? ?[#:]?(?:\d[\w/-]{{0,8}}|[A-Z]\b)"
_CODE = (
    r"\p{L}{2,3},?\s{1,3}\d{5}(?!\d)|(?:[A-Z]{1,2}-)?\d{2,8}(?:[ -]\d{2,4})?(?: ?[A-Z]{2}\b)?|"
    r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{1,5}[ºª°]? ?[a-zA-Z]?"
)
_PLACE = (
    rf"(?:(?:da|do|dos|das|de|del|della|di) )?\p{{Lu}}{_P}{{0,30}}+"
    rf"(?:(?: |/|-| / )(?:{_LINK} ){{0,2}}\p{{Lu}}{_P}{{0,30}}+){{0,4}}(?:-?\d{{4,6}})?"
)
_BRACKET = r"\(\p{Lu}{1,3}\)|\(\p{Lu}[^()\n]{1,30}\)"
_ITEM = rf"(?:{_UNIT}|{_CODE}|{_BRACKET}|{_PLACE})(?![\p{{Ll}}])"
_LOWER_ITEM = rf"(?:{_UNIT}|{_CODE}|(?P<low>\p{{L}}{_P}{{1,30}}+(?: \p{{L}}{_P}{{1,30}}+){{0,2}}))(?!\w)"
_SEP = r"(?: ?, ?\n?| ?/ ?| - | )"
_NEXT = regex.compile(rf"{_SEP}[ \t]{{0,8}}(?P<item>{_ITEM})")
_NEXT_LOWER = regex.compile(rf"(?: ?, ?\n?|[ \t]|\n)[ \t]{{0,8}}(?P<item>{_LOWER_ITEM})")
_LINE = regex.compile(
    rf",?\n[ \t?,]{{0,8}}(?P<item>{_ITEM}(?:{_SEP}{_ITEM}){{0,5}},?)[ \t]{{0,5}}(?=\n|$|(?<=\d\d\d\d)\W)"
)
_LEADING = regex.compile(rf"(?:(?<=\s)|^)(?:{_UNIT},? |\d{{1,4}} )$")
#: What no address is without.
_NUMBERED = regex.compile(r"\d|\bS/N\b")
_LONGEST = 220
_CLAUSE = regex.compile(r"[.!?](?:\s|$)|;|\n\n|,? \b(?:and|but|if|where|when|for|so|not|in case|because|please)\b")
_CLOSE = 120


def addresses(text: str, language: str | None) -> list[tuple[int, int]]:
    """Where addresses stand.

    Args:
        text: any text.
        language: ISO 639-1 or None; where nouns have capitals, a capital says less.

    Returns:
        (start, end), in order, not overlapping.
    """
    if not _NUMBERED.search(text):
        return []
    lower = not any(char.isupper() for char in text[:2000])
    joined: list[tuple[int, int]] = []
    for begin, core_end, whole in sorted(_found(text, language, lower=lower)):
        if joined and core_end <= joined[-1][1]:
            continue
        start, end = (begin, core_end) if whole else (_begun(text, begin), _extended(text, core_end, lower=lower))
        if joined and (start <= joined[-1][1] or _side_by_side(text, joined[-1][1], start)):
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _side_by_side(text: str, end: int, start: int) -> bool:
    return start - end < 8 and not text[end:start].strip(" ,\n\t")


def _found(text: str, language: str | None, *, lower: bool) -> Iterator[tuple[int, int, bool]]:
    """(start, end, whether it is a postcode and not a street, which more may follow)."""
    for pattern, check in _CORES:
        if (check is _several and language == "de") or (check is _rare_lower and not lower):
            continue
        for match in pattern.finditer(text):
            if check is None or check(match, lower=lower):
                yield *match.span(), False
    for match in _POSTCODES.finditer(text):
        if _posted(match.group()):
            yield *match.span(), True
    for cue in _CUE.finditer(text):
        yield from ((*span, False) for span in _announced(text, cue.end(), lower=lower))


def _announced(text: str, start: int, *, lower: bool) -> Iterator[tuple[int, int]]:
    """What a cue announces: parts of the clause up to its last that can be one's, if they hold a number."""
    stop = _CLAUSE.search(text, start, start + _CLOSE)
    clause = text[start : stop.start() if stop else start + _CLOSE]
    first = regex.match(
        rf"\d{{1,5}}+(?:/\d+)? (?:{_ANY} ?){{1,4}}\d{{0,5}}"
        if lower
        else rf"(?:\d{{1,5}}+[a-z]?,? ){{0,2}}{_CAPS},?(?: \d{{1,5}})?|\d{{1,5}} {_ANY} {_ANY} \d{{1,5}}",
        clause,
    )
    if first and any(char.isdigit() for char in clause[: first.end() + 25]) and any(char.isdigit() for char in clause):
        end = _extended(text, start + first.end(), lower=lower)
        if any(char.isdigit() for char in text[start:end]):
            yield start, end


def _begun(text: str, start: int) -> int:
    """The beginning of the address whose street begins here: "Flat 3, 12 Mill Road", "27 2279 President Street"."""
    before = _LEADING.search(text[max(0, start - 24) : start])
    return start - len(before.group()) if before else start


def _extended(text: str, end: int, *, lower: bool) -> int:
    """The end of the address whose street ends here."""
    limit = min(len(text), end + _LONGEST)
    while end < limit:
        match = _LINE.match(text, end) or (_NEXT_LOWER if lower else _NEXT).match(text, end)
        if match is None or not _placed(match):
            return end
        end = match.end("item")
    return end


def _placed(match: regex.Match[str]) -> bool:
    """Whether the next part belongs to an address and does not begin something else."""
    item = match.group("item")
    if "low" in match.re.groupindex and match.group("low"):
        return all(_frequent(word) < 4.2 for word in item.split())
    first = item.split()[0].strip(".,").casefold()
    if first in words.GREETINGS or first in words.MONTHS or first in words.TITLES:
        return False
    if len(item) == 1 and item.isalpha():
        return False
    return (
        not item[0].isalpha()
        or 1 < len(item) <= 3
        or _frequent(first) < 5.4
        or _placelike(item, first)
        or bool(regex.fullmatch(_UNIT, item))
    )


def _placelike(item: str, first: str) -> bool:
    return first in words.PLACE_FIRST and " " in item


def _posted(found: str) -> bool:
    """Whether a postcode with a word after it is one, and not an amount or a year."""
    last = found.casefold().rsplit(maxsplit=1)[-1] if found.strip() else ""
    return not (
        last.isalpha()
        and len(last) > 2
        and found[:1].isdigit()
        and _frequent(last) > 4.3
        and found.count("\n") == 0
        and found[:1] != " "
    )
