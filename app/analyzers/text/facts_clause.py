"""Clauses in the first person: whether an "I" speaks for itself.

A statement counts only where its subject opens a clause of its own: at the beginning, after a conjunction or a comma,
after "I think that" or a time phrase. It does not count inside a relative clause, a condition, a question, a wish, or
what others say and think.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.analyzers.text.facts_lexicon import lexicon
from app.analyzers.text.facts_line import BARRIER, Line
from app.analyzers.text.facts_verb import Verb
from app.analyzers.text.facts_words import word_set

_STRONG_MARKS = frozenset([";", ":", "—", "(", ".", "…", "!", BARRIER])
#: A past that was more than one occasion: these in the time phrase before the subject or right behind the object.
_LIFE_PHASES = word_set(
    "child boy girl kid lad teenager teen childhood boyhood girlhood youth infancy young younger little days"
)
_PERHAPS = frozenset(["might", "may", "could", "would", "'d"])
_PLAINLY = word_set("is out fact truth sure afraid glad proud happy")
_UNREAL = word_set("dream dreams nightmare story game novel film movie play fantasy simulation character role")


@dataclass(slots=True)
class Opening:
    """What stands before the subject.

    Attributes:
        plain: 1.0 for a plain statement; less behind "I think".
        lead: words of the time phrase before it: ("every", "morning").
        timed: inside a factual time clause ("when I was a nurse"); true of the past only.
    """

    plain: float = 1.0
    lead: tuple[str, ...] = ()
    timed: bool = False


def stated(line: Line) -> bool:
    """Whether the sentence states anything: no question, no marked joke."""
    words = lexicon()
    if line.word(len(line) - 2) == "?" or line.sentence.quoted:
        return False
    shown = line.text[line.sentence.start : line.sentence.end].lower()
    return not any(word in words["jokes"] for word in line.words) and "/s" not in shown.split()


def grin(line: Line) -> bool:
    """Whether the sentence is said with a grin, and so perhaps not meant."""
    shown = line.text[line.sentence.start : line.sentence.end].lower()
    words = lexicon()["grins"]
    return any(part in words or part.rstrip(".,!?") in words for part in shown.split()) or any(
        mark in shown for mark in "😂🤣😜😝😉🙃😹"
    )


def clause_start(line: Line, index: int) -> int:
    """Index of the first word of the clause that holds this word: behind the last strong mark."""
    while index > 0 and line.words[index - 1] not in _STRONG_MARKS:
        index -= 1
    return index


def opening(line: Line, index: int) -> Opening | None:
    """What stands before a subject; None where the clause is not the person's plain statement."""
    words = lexicon()
    begin = clause_start(line, index)
    if any(word in words["hypothetical"] for word in line.words[begin:index]) or "?" in line.words[index:]:
        return None
    plain = _matrix(line, begin, index)
    if plain is None:
        return None
    if plain < 0:
        return _plain_opening(line, begin, index)
    return Opening(plain=plain)


def _matrix(line: Line, begin: int, index: int) -> float | None:
    """How plain "I think that I" is.

    Below 0 where nobody's saying or thinking governs the clause; None where somebody else's does.
    """
    words = lexicon()
    at = index - 1
    that = line.word(at) == "that"
    if that:
        at -= 1
    for back in range(at, max(begin - 1, at - 14), -1):
        word = line.words[back]
        if word not in words["reporting"] and word not in words["own_matrix"]:
            continue
        owner = back - 1
        while owner >= begin and (line.words[owner] in words["adverbs"] or line.words[owner] in words["auxiliaries"]):
            owner -= 1
        adjacent = back == at
        if line.word(owner) in {"i", "to"} and owner >= begin:
            if not adjacent:
                continue
            if word not in words["own_matrix"] or (words["negations"] | _PERHAPS) & set(line.words[owner:back]):
                return None
            return 0.8 if word in words["soft_matrix"] else 1.0
        if adjacent or "that" in line.words[back:index]:
            return None
    if that:
        plainly = line.word(at) in _PLAINLY and line.word(at - 1) != "not"
        return 1.0 if plainly else None
    return -1.0


def _plain_opening(line: Line, begin: int, index: int) -> Opening | None:
    words = lexicon()
    lead = _lead(line, begin, index)
    if lead is not None:
        return None if _UNREAL & set(lead) else Opening(lead=lead)
    at = _joint(line, index) - 1
    if (
        line.matches(at - 2, "that 's why")
        or line.matches(at - 2, "which is why")
        or line.matches(at - 2, "that is why")
    ):
        return Opening()
    timed = False
    while at >= begin:
        word = line.words[at]
        if word == ",":
            break
        if word in words["time_openers"]:
            timed = True
            break
        if word == "as":
            if line.word(at - 1) in {",", ""} or at == begin:
                break
            return None
        if word not in words["openers"] and word not in words["fillers"] and word not in words["firm_adverbs"]:
            return None
        at -= 1
    return Opening(timed=timed)


def _joint(line: Line, index: int) -> int:
    """Where a joint subject begins: "my wife and I", "Anna and I"."""
    words = lexicon()
    if line.word(index - 1) != "and":
        return index
    if line.word(index - 2) in words["kin"] and line.word(index - 3) == "my":
        return index - 3
    return index - 2 if line.word(index - 2) in words["given_names"] and line.capital(index - 2) else index


def _lead(line: Line, begin: int, index: int) -> tuple[str, ...] | None:
    """Words of the time phrase directly before the subject: "At the end of each week,"."""
    words = lexicon()
    end = index - 1 if line.word(index - 1) == "," else index
    at = end - 1
    while at >= begin and line.words[at] != "," and end - at <= 9:
        at -= 1
    first = line.skip(at + 1, words["openers"])
    first += 2 if line.matches(first, "it was") else 0
    phrase = tuple(line.words[first:end])
    if not phrase or phrase[0] not in words["time_leads"] or len(phrase) > 9:
        return None
    then = phrase[-1] == "time" and phrase[-2] in {"this", "that", "some"}
    if phrase[-1] not in words["time_nouns"] and not phrase[-1].isdigit() and not then:
        return phrase if line.word(index - 1) == "," and not _verbal(phrase) else None
    return phrase


def _verbal(phrase: tuple[str, ...]) -> bool:
    words = lexicon()
    return any(word in words["auxiliaries"] or word in {"i", "you", "he", "she", "we", "they", "it"} for word in phrase)


def lasting(line: Line, opened: Opening, verb: Verb, after: int) -> bool:
    """Whether a past statement is about more than one occasion: "always", "used to", "as a child"."""
    if verb.often or verb.tense != "past" or _LIFE_PHASES & set(opened.lead):
        return True
    tail = line.words[after : after + 6]
    return bool(tail and tail[0] in {"as", "when", "from", "in", "all"} and _LIFE_PHASES & set(tail))
