"""People's names by what stands around them: titles, kin, greetings, given names of a census, rare capitalised words.

The given names are those of the United States census of 1990 (public domain, through the package `names`, MIT). A name
seen once in a sure place is then found wherever it stands. How rare a word is says `wordfreq`, in English and in the
text's own language.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

import regex
from wordfreq import available_languages, zipf_frequency

from app.analyzers.llm import redact_words as words


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_TAIL = r"[\p{L}\p{M}]{0,30}+(?:['’-]\p{L}{1,30}+){0,3}+"  # noqa: RUF001 - the curly apostrophe is meant
_CAPITAL = rf"(?:[OD]['’])?\p{{Lu}}{_TAIL}"  # noqa: RUF001 - as above
_NAME = rf"{_CAPITAL}(?:(?: (?:{words.PARTICLES})| \p{{Lu}}\.){{0,2}} {_CAPITAL}){{0,3}}"
_LOW = rf"\p{{Ll}}{_TAIL}"
_TITLED = regex.compile(rf"\b(?i:{'|'.join(words.TITLES)})\b\.? ({_NAME})")
_TITLED_LOWER = regex.compile(rf"\b(?i:{'|'.join(words.TITLES_LOWER)})\b\.? (\p{{L}}{{2,30}})")
_KIN = regex.compile(
    r"\b(?i:my|our|his|her|their|your)(?: (?:\p{Ll}{2,15}|\p{Ll}{2,8}-\p{Ll}{2,8}))? "
    rf"(?:{'|'.join(words.KIN)}),? ({_NAME})"
)
_KIN_ABROAD = regex.compile(rf"\b(?i:{'|'.join(words.KIN_ABROAD)}) ({_NAME})")
_GREETED = regex.compile(
    rf"\b(?i:{'|'.join(word for word in words.GREETINGS if word != 'love')}|"
    r"love(?=,)|thank you|to my|love from|hälsningar|med venlig hilsen)\b"
    rf"[,!:]? (?:(?:und|and|et|y|e|en|i|och|og) )?({_NAME})"
)
_TOLD = regex.compile(rf"\b(?i:{words.TOLD}) ({_NAME})")
_SAID = regex.compile(rf"\b({_NAME}),? (?:{'|'.join(words.SAID)})\b")
_SEVERAL = regex.compile(rf"\b({_NAME})")
_FULL = regex.compile(rf"\b({_CAPITAL})((?: \p{{Lu}}\.)?(?: (?:{words.PARTICLES}))? {_CAPITAL})")
_INITIALS = regex.compile(rf"\b((?:\p{{Lu}}\. ?){{1,3}}{_CAPITAL})")
_SIGNED = regex.compile(
    rf"(?im:^[^\n]{{0,60}}\b(?:{'|'.join(words.CLOSINGS)})\b[^\n]{{0,25}}[,.!]?[ \t]{{0,9}}\n"
    rf"\s{{0,9}}(?-i:({_NAME}))(?= ?x{{0,4}}[ \t,.]{{0,4}}$))"
)
_HEADER = regex.compile(rf"(?m:^(?:From|To|Cc|Bcc|Von|An|De|À|Para|Da): *({_NAME}(?:, {_NAME}){{0,8}}))")
_LISTED = regex.compile(rf"({_NAME})(?:, | and | und | et | y | e | en | i | och | og |, and )({_NAME})")
_ASKED = regex.compile(
    r"\b(?i:(?P<called>hey|hi|hello|dear|hallo|hoi|hola|ciao|salut|hej|cześć|olá)|"
    rf"thanks|thank you|{words.TOLD}|from|saw|see|love|with|and)[ ,]{{1,2}}({_LOW}(?: {_LOW})?)"
)
#: Before the name of a place: where the person lives and goes is theirs to say.
_WHERE = regex.compile(
    r"\b(?:[Ii]n|[Nn]ear|[Ii]nto|[Tt]owards|[Vv]ia|(?:train|sleeper|boat|bus|flight|ferry|trip|journey|moved|flew|went|back|"
    rf"drove|travelled|sail(?:ed)?) (?:\p{{Ll}}{{2,10}} ){{0,4}}?to) ({_CAPITAL})\b(?! \p{{Lu}})"
)
_PARTICLE = regex.compile(r"\b(?:van(?: der| den| de)?|von(?: der)?|zu|ter|ten|bin|ibn|al|del) $")
_TOKEN = regex.compile(rf"\p{{L}}{_TAIL}")
_WITH_S = ("'s", "’s")  # noqa: RUF001 - the curly apostrophe is meant

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
    "tender thanh thing tu un vina wan wade ward wes yen yi zion carry bring marry cherry berry candy honey brandy "
    "misty stormy wally willow buck bart cash"
)
#: Capitalised words that are no people.
_NOBODY = _words(
    "monday tuesday wednesday thursday friday saturday sunday january february march april june july august "
    "september october november december christmas easter english french german spanish italian american "
    "british god lord bible jesus christ i i'm i've i'd i'll mr mrs ms dr sir madam internet google facebook "
    "twitter wikipedia amazon apple microsoft linux python java youtube netflix"
)
#: Frequency (Zipf scale) below which a capitalised word is taken for somebody's name where a sentence begins,
_RARE = 2.6
#: and within a sentence;
_RARE_WITHIN = 3.3
#: of two capitalised words within a sentence, both below the first and one below the second.
_PAIR, _RARE_IN_PAIR = 4.4, 3.7
#: and where nouns have capitals.
_NOUN, _RARE_OF_NOUNS = 4.9, 3.4
#: And above which no word is taken for a name unless a title says so.
_FREQUENT = 4.3
#: And above which it is not even then: "Mr. and Mrs. Lee".
_GRAMMAR = 5.8
#: In a text without capitals, after a word that is said to or of somebody.
_RARE_LOWER = 2.9
#: after "hey" and the like; and of a second word, after a name.
_RARE_CALLED, _RARE_SECOND = 4.1, 4.0
#: Frequency in the text's own language up to which a capitalised word that is greeted is somebody.
_FREQUENT_NAME = 5.3
#: Frequency up to which a family name of the census is one after a given name: Jackson is, Day is not.
_FREQUENT_FAMILY = 5.0
_LONGEST = 60


def _census(kind: str) -> frozenset[str]:
    lines = files("names").joinpath(f"dist.{kind}").read_text(encoding="ascii").splitlines()
    return frozenset(line.split()[0].lower() for line in lines if line.strip())


@cache
def all_given_names() -> frozenset[str]:
    """Given names in lower case, also those that are words."""
    return frozenset(name for name in _census("female.first") | _census("male.first") if len(name) > 2)


@cache
def given_names() -> frozenset[str]:
    """Given names in lower case, without those that are words too."""
    return all_given_names() - _WORDS_TOO - _NOBODY


@cache
def family_names() -> frozenset[str]:
    """Family names in lower case; half of all words are one, so they count only after a given name."""
    return _census("all.last")


class Names:
    """The people of one text.

    Args:
        texts: all of it, in parts.
        authors: others who write in it.
        language: ISO 639-1, or None.
    """

    def __init__(self, texts: Iterable[str], authors: Iterable[str | None], language: str | None) -> None:
        self._nouns_are_capitals = language == "de"
        self._language = language if language in available_languages() and language != "en" else None
        self._sure: set[str] = set()
        parts = list(texts)
        #: What is also written small is hardly a name.
        self._small = {word for text in parts for word in regex.findall(r"\b\p{Ll}{3,30}+\b", text)}
        for author in authors:
            self._learn(author or "", least=2)
        self._towns = {_bare(match.group(1)) for text in parts for match in _WHERE.finditer(text)}
        self._sure_in = {text: list(self._sure_places(text)) for text in parts}
        for text, places in self._sure_in.items():
            for start, end in places:
                self._learn(text[start:end])

    def within(self, text: str) -> list[tuple[int, int]]:
        """Where people are named, in order, not overlapping."""
        sure = self._sure_in[text] if text in self._sure_in else self._sure_places(text)
        places = [*sure, *self._known_places(text), *self._rare_places(text)]
        joined: list[tuple[int, int]] = []
        for start, end in sorted(_bounded(text, *place) for place in places if place[1] > place[0]):
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            elif joined and text[joined[-1][1] : start] == " " and _same_name(text, joined[-1], start):
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((start, end))
        return joined

    def _frequency(self, word: str) -> float:
        """In English or in the text's language (its short list: 30 MB less), whichever is higher."""
        english = zipf_frequency(word, "en")
        return max(english, zipf_frequency(word, self._language, "small")) if self._language else english

    def _learn(self, name: str, least: int = 3) -> None:
        """Remember the parts of a name that are nothing else."""
        for match in _TOKEN.finditer(name):
            word = _bare(match.group())
            nothing_else = word not in _NOBODY and word not in _WORDS_TOO and word not in _NOT_ALONE
            if len(word) >= least and nothing_else and not self._common(word):
                self._sure.add(word)

    def _sure_places(self, text: str) -> Iterator[tuple[int, int]]:
        yield from self._beside_places(text)
        yield from self._given_places(text)
        if _is_small(text):
            yield from self._small_places(text)

    def _beside_places(self, text: str) -> Iterator[tuple[int, int]]:
        """Names by the words beside them."""
        for pattern in (_KIN, _KIN_ABROAD, _GREETED, _TOLD, _SAID, _INITIALS, _HEADER):
            for match in pattern.finditer(text):
                if self._somebody(match.group(1)):
                    yield match.span(1)
        for match in _SIGNED.finditer(text):
            yield match.span(1)
        for pattern in (_TITLED, _TITLED_LOWER):
            for match in pattern.finditer(text):
                if self._frequency(match.group(1).casefold()) < _GRAMMAR:
                    yield match.span(1)

    def _given_places(self, text: str) -> Iterator[tuple[int, int]]:
        """Names by the given names in them, or in the names they are listed with."""
        for match in _LISTED.finditer(text):
            firsts = [_bare(match.group(n).split(" ")[0]) for n in (1, 2)]
            named = [word in all_given_names() or not self._ordinary(word, first=True) for word in firsts]
            if any(map(self._known, firsts)) and all(named) and not _NOBODY.intersection(firsts):
                yield from (match.span(1), match.span(2))
        for match in _FULL.finditer(text):
            given, family = _bare(match.group(1)), _bare(match.group(2).split(" ")[-1])
            first_too = given in all_given_names() and not (self._language and given in _NOT_ALONE)
            if self._given(given) or (first_too and self._family(family)):
                yield match.span()

    def _small_places(self, text: str) -> Iterator[tuple[int, int]]:
        """Names without capitals: rare words after what is said to or of somebody."""
        for match in _ASKED.finditer(text):
            found = match.group(2).split(" ")
            limits = (_RARE_CALLED if match.group("called") else _RARE_LOWER, _RARE_SECOND)
            pairs = zip(map(_bare, found), limits, strict=False)
            named = [word in given_names() or self._frequency(word) < limit for word, limit in pairs]
            if len(named) > 1 and named[1] and self._frequency(_bare(found[1])) < _RARE:
                named[0] = named[0] or self._frequency(_bare(found[0])) < _FREQUENT
            if len(named) > 1 and found[0] in given_names():
                named[1] = named[1] or self._family(_bare(found[1]))
            if named[0] and len(_bare(found[0])) > 2:
                yield match.start(2), match.start(2) + (len(match.group(2)) if all(named) else len(found[0]))

    def _given(self, word: str) -> bool:
        """Whether it is a given name; "Cara" is one, but not in Italian."""
        found = word in given_names() or ("-" in word and any(part in given_names() for part in word.split("-")))
        return found and not (self._language and word in _NOT_ALONE)

    def _family(self, word: str) -> bool:
        """Whether it may be a family name where a given name stands before it."""
        frequency = zipf_frequency(word, "en")
        return frequency < _FREQUENT or (word in family_names() and frequency < _FREQUENT_FAMILY)

    def _known(self, word: str) -> bool:
        return word in self._sure or self._given(word)

    def _known_places(self, text: str) -> Iterator[tuple[int, int]]:
        lower = text.islower()
        for match in _TOKEN.finditer(text):
            word = _bare(match.group())
            if (match.group()[0].isupper() or lower) and self._known(word):
                yield match.start(), match.start() + len(word)

    def _rare_places(self, text: str) -> Iterator[tuple[int, int]]:
        """Groups of capitalised words that are hardly words, less the ordinary ones at their ends."""
        for match in _SEVERAL.finditer(text):
            if match.group().isupper() and len(match.group()) > 20:
                continue
            first = _begins(text, match.start())
            group = list(_TOKEN.finditer(match.group()))
            while group and self._ordinary(_bare(group[0].group()), first=first):
                group, first = group[1:], False
            while group and self._ordinary(_bare(group[-1].group())):
                group.pop()
            if group and self._rare([token.group() for token in group], first=first):
                yield match.start() + group[0].start(), match.start() + group[-1].end()

    def _ordinary(self, word: str, *, first: bool = False) -> bool:
        """Whether a capitalised word of a group is none of a name: within a sentence, English alone is asked."""
        if self._known(word):
            return False
        if word in _NOT_ALONE or len(word) < 2:
            return True
        return (self._frequency(word) if first else zipf_frequency(word, "en")) > _FREQUENT

    def _rare(self, group: list[str], *, first: bool) -> bool:
        found = [_bare(word) for word in group]
        acronym = all(word.isupper() and len(word) < 7 for word in group)
        if acronym or any(word in _NOBODY for word in found):
            return False
        if len(group) == 1 and (found[0] in self._small or found[0] in self._towns):
            return False
        if first or self._nouns_are_capitals:
            known = [self._frequency(word) for word in found]
            if self._nouns_are_capitals:
                return len(group) > 1 and max(known) < _NOUN and min(known) < _RARE_OF_NOUNS
            return min(known) < _RARE
        # The text's own language knows its people's names: within a sentence a capital says enough.
        known = [zipf_frequency(word, "en") for word in found]
        pair = len(group) > 1 and max(known) < _PAIR and min(known) < _RARE_IN_PAIR
        limit = _FREQUENT if group[-1].endswith(_WITH_S) else _RARE_WITHIN
        return pair or any(value < limit for value in known)

    def _somebody(self, name: str) -> bool:
        found = [word.casefold() for word in _TOKEN.findall(name)]
        return bool(found) and found[0] not in _NOBODY and not all(self._common(word) for word in found)

    def _common(self, word: str) -> bool:
        """Whether the word is so frequent that it is hardly anybody's name."""
        if word in given_names():
            return False
        own = zipf_frequency(word, self._language, "small") if self._language else 0.0
        return zipf_frequency(word, "en") > _FREQUENT or own > _FREQUENT_NAME


_NOT_ALONE = frozenset((*words.TITLES, *words.GREETINGS, *words.KIN, *words.MONTHS))


def _bare(word: str) -> str:
    return word.casefold().removesuffix("'s").removesuffix("’s")  # noqa: RUF001 - the curly apostrophe is meant


def _bounded(text: str, start: int, end: int) -> tuple[int, int]:
    end = min(end, start + _LONGEST)
    particle = _PARTICLE.search(text[max(0, start - 8) : start]) if text[start].isupper() else None
    start -= len(particle.group()) if particle else 0
    return start, end - 2 if text[start:end].endswith(_WITH_S) else end


def _is_small(text: str) -> bool:
    """Whether the text is written without capitals, as chats are."""
    letters = [char for char in text[:400] if char.isalpha()]
    return bool(letters) and letters[0].islower() and sum(char.isupper() for char in letters) <= len(letters) // 50


def _begins(text: str, start: int) -> bool:
    """Whether a sentence or a line begins here, so that a capital says nothing."""
    before = text[max(0, start - 4) : start].rstrip(" \"'“”„«(*-–—_")  # noqa: RUF001 - dashes and quotation marks
    return not before or before[-1] in ".!?:\n…"


def _same_name(text: str, before: tuple[int, int], start: int) -> bool:
    return text[before[0]].isupper() == text[start].isupper()
