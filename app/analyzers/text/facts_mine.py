"""Who and what is mine: "my two daughters", "my dog", "my job as a librarian"."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from app.analyzers.text import facts_dear as dear
from app.analyzers.text.facts_clause import clause_start
from app.analyzers.text.facts_draft import Draft, spoken_of
from app.analyzers.text.facts_inflect import singular
from app.analyzers.text.facts_lexicon import lexicon
from app.analyzers.text.facts_line import Line
from app.analyzers.text.facts_phrase import (
    Phrase,
    fold,
    follows_well,
)
from app.analyzers.text.facts_roles import listed, named, role
from app.analyzers.text.facts_words import word_set

_NUMBER_WORDS = word_set("two three four five six seven eight nine ten both")
_PET_VERBS = frozenset(["is", "was", "has", "'s", "who", "loves", "likes"])
_SPECIES = word_set("dog dogs cat cats puppy kitten parrot hens")


def mine(line: Line, index: int) -> Iterator[Draft]:
    """Facts that a "my" opens at this index, wherever it stands in its clause, unless that is a condition."""
    if lexicon()["hypothetical"] & set(line.words[clause_start(line, index) : index]):
        return
    for reader in _READERS:
        found = [*reader(line, index)]
        if found:
            yield from found
            return


def _kin(line: Line, index: int) -> Iterator[Draft]:
    """From "my wife and I", "my two grown daughters", "my late husband"; not "Come, my son, ..."."""
    words = lexicon()
    at = line.skip(index + 1, words["kin_adjectives"] | _NUMBER_WORDS)
    if line.word(at) not in words["close_kin"] or (line.word(at + 1) == "'s" and line.word(at + 2) in words["kin"]):
        return
    between = line.words[index + 1 : at]
    if {"ex", "former"} & set(between) or line.word(at + 1) in {"in", "-"} or _addressed(line, index, at + 1):
        return
    if line.word(index - 1) in {"like", "as", "than", "not", "no", "dear"} or (
        line.word(at)
        in {"brothers", "sisters", "sons", "daughters", "children", "brother", "sister", "son", "daughter"}
        and line.word(at + 1) in {"in", "and"}
        and line.word(at + 2) not in {"i", "my", "law", "his", "her", "the"}
        and line.word(at + 1) == "in"
    ):
        return
    # "My two youngest kids" are not all of them.
    numbered = _NUMBER_WORDS - {"both"} if not {"eldest", "oldest", "youngest"} & set(between) else frozenset()
    kept = [word for word in between if word in numbered or word in {"older", "younger", "elder", "twin", "late"}]
    slot = " ".join([*kept, line.word(at)])
    late = "late" in between
    draft = spoken_of(line, "past" if late else "").draft(
        "family", "has", Phrase(slot, singular(line.word(at)), index + 1, at + 1)
    )
    yield replace(draft, plain=0.75 if kept else 0.66)


def _addressed(line: Line, index: int, after: int) -> bool:
    """Whether the phrase calls somebody: "well, my son, ..."."""
    before, behind = line.word(index - 1), line.word(after)
    opens = index == 0 or before in {",", "\x00", "—", ";", ":", "o", "oh", "yes", "no", "dear"}
    named_next = line.capital(after + 1) and line.word(after + 1) != "i"
    return before in {"o", "oh"} or (opens and behind in {",", "!", "", ".", "?", ";", ":"} and not named_next)


def _pet(line: Line, index: int) -> Iterator[Draft]:
    """From "my dog Rex", "my two cats"; not "my dog food"."""
    at = line.skip(index + 1, {"little", "old", "new", "dear", "own", "poor", "beloved", "two", "three", "big"})
    species = line.word(at)
    if species not in _SPECIES or line.word(index - 1) in {"like", "as"} or _addressed(line, index, at + 1):
        return
    if follows_well(line, at + 1) or line.capital(at + 1) or line.word(at + 1) in _PET_VERBS:
        shown = species if species.endswith("s") else f"a {species}"
        yield replace(spoken_of(line).draft("pet", "has", Phrase(shown, fold([species]), at, at + 1)), plain=0.68)


def _vocation(line: Line, index: int) -> Iterator[Draft]:
    """From "my job as a librarian", "my career as a pilot", "my home town is Leeds"."""
    if (
        line.word(index + 1) in {"job", "work", "role", "position", "trade", "profession"}
        and line.word(index + 2) == "as"
    ):
        found = role(line, index + 3, "occupations", "roles", anyone=True, bare=True)
        if found:
            yield spoken_of(line, "perfect").draft("occupation", "works as", found.phrase)
    home = (
        index + 2
        if line.word(index + 1) in {"hometown", "birthplace"}
        else index + 3
        if line.matches(index + 1, "home town")
        or line.matches(index + 1, "native town")
        or line.matches(index + 1, "native city")
        or line.matches(index + 1, "native land")
        else -1
    )
    if home > 0:
        start = home + 1 if line.word(home) in {"of", "is", ",", "in", "was"} else home
        found_place = named(line, start)
        if found_place:
            yield spoken_of(line, "present").draft("origin", "from", found_place)


def _language(line: Line, index: int) -> Iterator[Draft]:
    for lead in ("first language", "native language", "mother tongue", "native tongue", "second language"):
        after = index + 1 + len(lead.split())
        if (
            line.matches(index + 1, lead)
            and line.word(after) in {"is", ",", "was"}
            and (found := listed(line, after + 1, "languages", "signed"))
        ):
            yield spoken_of(line, "present").draft("skill", "speaks", found)


_READERS: tuple[Callable[[Line, int], Iterator[Draft]], ...] = (
    _kin,
    _pet,
    dear.favourite,
    dear.goal,
    dear.rule,
    _vocation,
    _language,
    dear.feeling,
    dear.trouble,
    dear.quality,
    dear.pleasure,
)
