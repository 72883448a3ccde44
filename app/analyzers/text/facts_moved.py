"""What is said of "me": "history fascinates me", "what matters most to me is honesty"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.analyzers.text.facts_clause import clause_start, opening
from app.analyzers.text.facts_draft import NEGATED, Draft, spoken_of
from app.analyzers.text.facts_lexicon import lexicon
from app.analyzers.text.facts_line import Line
from app.analyzers.text.facts_mind import one_person
from app.analyzers.text.facts_phrase import (
    Phrase,
    activity,
    fold,
    noun,
    text_of,
    things,
)
from app.analyzers.text.facts_words import word_set

_AUXILIARIES = frozenset(["has", "have", "had", "do", "does", "not", "n't", "never"])
_JOINTS = word_set("and but because that since for as so")


def moved(line: Line, index: int) -> Iterator[Draft]:
    """Facts around a "me" at this index: "history has always fascinated me", "what matters most to me is"."""
    words = lexicon()
    at = index - 1
    form = words.forms.get(line.word(at), ("", ""))
    if form[0] in words["pleases"] | words["displeases"] | words["frightens"]:
        yield from _pleased(line, at, form[0])
    elif line.word(at) == "to" and line.word(at - 1) in {"important", "most", "lot", "everything", "deal"}:
        yield from _matters(line, index)


def _pleased(line: Line, at: int, lemma: str) -> Iterator[Draft]:
    """From "history has always fascinated me": the subject of the verb at this index, if it is a plain one."""
    words = lexicon()
    end = line.skip_back(at - 1, words["adverbs"] | _AUXILIARIES) + 1
    between = set(line.words[end:at])
    begin = end
    while begin > 0 and line.is_word(begin - 1) and line.word(begin - 1) not in _JOINTS | words["fillers"]:
        begin -= 1
    found = noun(line, begin, strict=False) or activity(line, begin)
    if found is None or between & words["negations"] or one_person(found) or line.word(begin) in words["articles"]:
        return
    narrowed = line.word(found.next) in words["prepositions"] and end - found.next <= 4
    once = line.word(at).endswith("ed") and not between & {"has", "have", "always"}
    if (found.next != end and not narrowed) or (once and not found.slot.endswith("s")) or opening(line, begin) is None:
        return
    said = spoken_of(line, "past" if once else "present")
    if lemma in words["frightens"]:
        yield said.draft("fear", "afraid of", found)
    elif lemma in words["pleases"]:
        yield said.draft("like", "fascinated by", _with_place(line, found, end))
    else:
        yield replace(said.draft("like", "dislike", found), polarity=NEGATED)


def _with_place(line: Line, found: Phrase, end: int) -> Phrase:
    """From "founders on Indie Hackers": the subject with the name that narrows it."""
    if found.next == end or not line.capital(found.next + 1) or end - found.first > 5:
        return found
    named = line.words[found.first : end]
    return replace(found, slot=text_of(named), lemma=fold(named), next=end)


def _matters(line: Line, index: int) -> Iterator[Draft]:
    """From "Honesty is important to me", "what matters most to me is honesty"."""
    if line.word(index - 2) == "most" and line.word(index + 1) == "is":
        for phrase in things(line, index + 2):
            if not one_person(phrase):
                yield spoken_of(line, "present").draft("value", "values", phrase)
        return
    verb = index - 3
    while verb > 0 and line.word(verb) not in {"is", "are", "means", "mean"}:
        verb -= 1
        if index - verb > 6:
            return
    begin = clause_start(line, verb)
    begin = line.skip(begin, lexicon()["openers"])
    found = noun(line, begin, strict=False) or activity(line, begin)
    negated = bool({"not", "n't", "never"} & set(line.words[verb:index]))
    weighty = found is not None and (found.gerund or found.lemma.split()[-1] in lexicon()["abstract_values"])
    if found and weighty and found.next == verb and not negated and not one_person(found) and opening(line, begin):
        shown = replace(found, slot=f"their {found.slot}") if line.word(begin) == "my" else found
        yield spoken_of(line, "present").draft("value", "values", shown)
