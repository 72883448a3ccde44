"""Statements that say little once and something when repeated: affection, gratitude, owning up to mistakes.

Their slot is our own word, so that all of one sort count as one fact.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.analyzers.text.facts_clause import opening
from app.analyzers.text.facts_draft import Draft
from app.analyzers.text.facts_lexicon import lexicon
from app.analyzers.text.facts_line import Line
from app.analyzers.text.facts_words import word_set

_MISTAKES = word_set("mistake mistakes fault errata erratum blunder blunders")
_LEARNED = frozenset(["learned", "learnt", "acquired"])
_LESSONS = word_set("impression lesson lessons advice teaching example")
_OWED = (
    "owe it",
    "owe this",
    "owe much",
    "owe more",
    "owe everything",
    "owe a great deal",
    "am indebted",
    "'m indebted",
    "am grateful",
    "'m grateful",
    "am thankful",
    "'m thankful",
)
#: What "thankful to" may not be followed by: a verb, for then nobody is thanked.
_NOBODY = word_set("say see be have know hear find get report")


def marks(line: Line) -> Iterator[Draft]:
    """Marks of one sentence, at most one of a sort."""
    for reader in (_affection, _admission, _gratitude):
        found = next(reader(line), None)
        if found:
            yield found


def _mark(kind: str, slot: str, first: int, after: int) -> Draft:
    return Draft(kind, kind, slot, slot, first, after, plain=0.8)


def _affection(line: Line) -> Iterator[Draft]:
    """From "I love you", "I love my mother", "give my love to all"."""
    words = lexicon()
    for index in line.find("i"):
        at = line.skip(index + 1, words["adverbs"] | {"do"})
        if line.word(at) == "love" and _loved(line, at + 1) and opening(line, index):
            yield _mark("affection", "loved ones", index, at + 2)
    for index in line.find("love"):
        if line.matches(index + 1, "and kisses") or (
            line.word(index - 1) in {"much", "my", "dear", "best"} and line.word(index + 1) == "to"
        ):
            yield _mark("affection", "loved ones", index, index + 2)


def _loved(line: Line, at: int) -> bool:
    """Whether a person stands there as the object: not "I love you guys", "I love my mother's cooking"."""
    words = lexicon()
    if line.word(at) in {"you", "thee"}:
        return not line.is_word(at + 1) or line.word(at + 1) in words["adverbs"] | {"and", "all", "with", "more"}
    person = line.skip(at + 1, words["kin_adjectives"])
    return (
        line.word(at) == "my"
        and line.word(person) in words["close_kin"] | words["parents"]
        and not line.is_word(person + 1)
    )


def _admission(line: Line) -> Iterator[Draft]:
    """From "I was wrong", "my mistake", "one of the first great errata of my life"."""
    words = lexicon()
    for index in line.find("i"):
        at = line.skip(index + 1, words["adverbs"])
        judged = line.skip(at + 1, words["adverbs"])
        wrong = (
            line.word(index - 1) != "when"
            and line.word(at) in {"was", "am", "'m"}
            and line.word(judged) in {"wrong", "mistaken"}
        )
        regret = line.word(at) in {"regret", "regretted"} and line.word(at + 1) in {"having", "not"}
        behind = line.words[at + 1 : at + 5]
        made = line.word(at) in {"made", "committed"} and bool(_MISTAKES & set(behind)) and "no" not in behind
        if (wrong or regret or made) and opening(line, index):
            yield _mark("admission", "own mistakes", index, at + 1)
    for index, word in enumerate(line.words):
        if word not in _MISTAKES:
            continue
        owner = line.skip_back(index - 1, {"own", "first", "great", "greatest", "biggest", "worst", "big"})
        of_life = line.matches(index + 1, "of my life") or line.matches(index + 1, "of mine")
        if of_life or (line.word(owner) == "my" and line.word(owner - 1) != "not"):
            yield _mark("admission", "own mistakes", index, index + 1)


def _gratitude(line: Line) -> Iterator[Draft]:
    """From "From my grandfather I learned ...", "I owe it to", "I am grateful to my teachers for"."""
    words = lexicon()
    if line.word(0) == "from" and (line.word(1) == "my" or line.capital(1)):
        for index in line.find("i"):
            at = line.skip(index + 1, words["adverbs"])
            received = line.word(at) == "received" and bool(_LESSONS & set(line.words[at + 1 : at + 5]))
            if 2 <= index <= 8 and (line.word(at) in _LEARNED or received):
                yield _mark("gratitude", "others' lessons", index, at + 1)
    for index in line.find("i"):
        for lead in _OWED:
            at = index + 1 + len(lead.split())
            if (
                line.matches(index + 1, lead)
                and line.word(at) == "to"
                and line.word(at + 1) not in _NOBODY
                and opening(line, index)
            ):
                yield _mark("gratitude", "others' lessons", index, at)
