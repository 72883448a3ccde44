"""People's names by what stands around them: titles, kin, greetings, given names of a census, rare capitalised words.

The given names are those of the United States census of 1990 (public domain, through the package `names`, MIT). A name
seen once in a sure place is then found wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

from wordfreq import zipf_frequency


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_WORD = r"[^\W\d_][^\W\d_'’-]{0,30}(?:['’-][^\W\d_]{1,30}){0,3}"  # noqa: RUF001 - the curly apostrophe is meant
_CAPITAL = rf"(?=[^\W\d_a-z])(?-i:(?![a-zß-öø-ÿ])){_WORD}"
_NAME = rf"{_CAPITAL}(?:(?: (?:van|von|de|der|den|da|di|du|la|le|bin|al|O)| [A-Z]\.)* {_CAPITAL}){{0,3}}"
_TITLED = re.compile(
    rf"\b(?i:mr|mrs|ms|miss|dr|prof|professor|sir|madam|lady|lord|rev|father|sister|brother|uncle|aunt|auntie|cousin|"
    rf"grandma|grandpa|herr|frau|monsieur|madame|mme|señor|señora|don|doña|signor|signora)\.? ({_NAME})"
)
_TITLED_LOWER = re.compile(r"\b(?i:mr|mrs|ms|dr)\.? ([^\W\d_]{2,})")
_KIN = re.compile(
    r"\b(?:[Mm]y|[Oo]ur|[Hh]is|[Hh]er|[Tt]heir)(?: \w+)? (?:wife|husband|partner|son|daughter|brother|sister|mother|"
    r"father|mum|mom|dad|friend|friends|boyfriend|girlfriend|fiancée?|boss|colleague|neighbou?r|teacher|doctor|landlord|nephew|"
    rf"niece|cousin|uncle|aunt|manager|flatmate|roommate|dog|cat),? ({_NAME})"
)
_CALLED = re.compile(
    rf"\b(?:named|called|name is|name's|name was|[Dd]ear(?:est)?|[Hh]i|[Hh]ello|[Hh]ey|[Tt]hanks|[Tt]hank you|[Ll]ove|"
    rf"[Rr]egards|[Ss]incerely|[Cc]heers|married to|signed),? ({_NAME})"
)
_SAID = re.compile(
    rf"\b({_NAME}),? (?:said|says|asked|told|replied|answered|wrote|thinks|thought|called|laughed|smiled|died)\b"
)
_SEVERAL = re.compile(rf"\b({_NAME})")
_FULL = re.compile(rf"\b({_CAPITAL})((?: [A-Z]\.)? {_CAPITAL})")
_TOKEN = re.compile(_WORD)

#: Given names that are words, months, places or peoples as well: alone they say nothing.
_WORDS_TOO = _words(
    "will mark rose grace may art faith hope joy bill sue pat drew chase dawn eve june april august summer "
    "autumn crystal amber jade iris ivy lily violet olive daisy holly hazel ginger pearl ruby star sky "
    "rich miles dale glen cliff brook lane page king prince duke earl major guy van son so an my see "
    "dee in the young long love many ok man else sunday asia china india america paris london virginia georgia "
    "carolina florida israel jordan chad kenya dakota austin houston orlando savannah sydney melbourne "
    "christian german roman latin lord angel angelic charity constance patience prudence clemency mercy "
    "destiny harmony melody carol viola ocean rain winter bee fern flower forest garnet gay golden precious "
    "princess queen royal sage season song sparkle stone sunny sunshine treasure valley victory win "
    "wonder worth merry early gene jay ali le la do he she it we me her his him all are as "
    "at be but by can for from had has have if is not of on or our out she that this to up was who you your "
    "lou penny dick tiny tad rusty rocky reed park noble newton lincoln "
    "washington dallas denver boston columbus phoenix buddy bud chance chi chin clay clement coy dot fe fay "
    "gale garland genesis granite hunter jewel lance land laurel leaf lucky marine merit mina mi mo "
    "morning myrtle nova opal ping pok ross rosemary rufus santa sha sol su tea ten teen temple "
    "tender thanh thing tu un vina wan wade ward wes yen yi zion carry bring marry cherry berry candy brandy "
    "misty stormy wally willow buck bart cash"
)
#: Capitalised words that are no people.
_NOBODY = _words(
    "monday tuesday wednesday thursday friday saturday sunday january february march april june july august "
    "september october november december christmas easter english french german spanish italian american "
    "british god lord bible jesus christ i i'm i've i'd i'll mr mrs ms dr sir madam internet google facebook "
    "twitter wikipedia amazon apple microsoft linux python java youtube netflix"
)
#: Frequency (Zipf scale) below which a capitalised word is taken for somebody's name.
_RARE = 2.6
#: And above which no word is taken for a name unless a title says so.
_FREQUENT = 4.3
#: And above which it is not even then: "Mr. and Mrs. Lee".
_GRAMMAR = 5.8
_LONGEST = 60


@cache
def given_names() -> frozenset[str]:
    """Given names in lower case, without those that are words too."""
    lines = "".join(
        files("names").joinpath(f"dist.{kind}.first").read_text(encoding="ascii") for kind in ("female", "male")
    )
    listed = {line.split()[0].lower() for line in lines.splitlines() if line.strip()}
    return frozenset(name for name in listed if len(name) > 2) - _WORDS_TOO - _NOBODY


class Names:
    """The people of one text.

    Args:
        texts: all of it, in parts.
        authors: others who write in it.
        language: ISO 639-1, or None.
    """

    def __init__(self, texts: Iterable[str], authors: Iterable[str | None], language: str | None) -> None:
        self._nouns_are_capitals = language == "de"
        self._sure: set[str] = set()
        for author in authors:
            self._learn(author or "", least=2)
        for text in texts:
            for start, end in self._sure_places(text):
                self._learn(text[start:end])

    def within(self, text: str) -> list[tuple[int, int]]:
        """Where people are named, in order, not overlapping."""
        places = [*self._sure_places(text), *self._known_places(text), *self._rare_places(text)]
        joined: list[tuple[int, int]] = []
        for start, end in sorted(places):
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            elif joined and text[joined[-1][1] : start] == " " and _same_name(text, joined[-1], start):
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((start, end))
        return joined

    def _learn(self, name: str, least: int = 3) -> None:
        """Remember the parts of a name that are nothing else."""
        for match in _TOKEN.finditer(name):
            word = match.group().casefold().removesuffix("'s").removesuffix("’s")  # noqa: RUF001 - the apostrophe
            if len(word) >= least and word not in _NOBODY and word not in _WORDS_TOO and not _common(word):
                self._sure.add(word)

    def _sure_places(self, text: str) -> Iterator[tuple[int, int]]:
        for pattern in (_KIN, _CALLED, _SAID):
            for match in pattern.finditer(text):
                if _somebody(match.group(1)):
                    yield _bounded(match.span(1))
        for pattern in (_TITLED, _TITLED_LOWER):
            for match in pattern.finditer(text):
                if zipf_frequency(match.group(1), "en") < _GRAMMAR:
                    yield _bounded(match.span(1))
        for match in _FULL.finditer(text):
            if match.group(1).casefold() in given_names():
                yield _bounded(match.span())

    def _known_places(self, text: str) -> Iterator[tuple[int, int]]:
        lower = text.islower()
        for match in _TOKEN.finditer(text):
            word = match.group().casefold()
            bare = word.removesuffix("'s").removesuffix("’s")  # noqa: RUF001 - the curly apostrophe is meant
            if (match.group()[0].isupper() or lower) and (bare in self._sure or bare in given_names()):
                yield match.start(), match.start() + len(bare)

    def _rare_places(self, text: str) -> Iterator[tuple[int, int]]:
        if self._nouns_are_capitals:
            return
        for match in _SEVERAL.finditer(text):
            words = [w.casefold() for w in _TOKEN.findall(match.group(1))]
            if any(w in _NOBODY for w in words) or match.group(1).isupper():
                continue
            if any(zipf_frequency(w, "en") < _RARE for w in words):
                yield _bounded(match.span(1))


def _bounded(span: tuple[int, int]) -> tuple[int, int]:
    return span[0], min(span[1], span[0] + _LONGEST)


def _somebody(name: str) -> bool:
    words = [word.casefold() for word in _TOKEN.findall(name)]
    return bool(words) and words[0] not in _NOBODY and not all(_common(word) for word in words)


def _common(word: str) -> bool:
    """Whether the word is so frequent that it is hardly anybody's name."""
    return zipf_frequency(word, "en") > _FREQUENT and word not in given_names()


def _same_name(text: str, before: tuple[int, int], start: int) -> bool:
    return text[before[0]].isupper() == text[start].isupper()
