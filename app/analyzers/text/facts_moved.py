"""What is said of "me": "history fascinates me", "what matters most to me is honesty"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.analyzers.text.facts_clause import Opening, clause_start, opening
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


def moved(line: Line, index: int) -> Iterator[Draft]:
    """Facts around a "me" at this index: "history has always fascinated me", "what matters most to me is"."""
    words = lexicon()
    at = index - 1
    form = words.forms.get(line.word(at), ("", ""))
    if form[0] in words["pleases"] | words["displeases"] | words["frightens"]:
        yield from _pleased(line, index, at, form[0])
    elif line.word(at) == "to" and line.word(at - 1) in {"important", "most", "lot", "everything", "deal"}:
        yield from _matters(line, index)


def _pleased(line: Line, index: int, at: int, lemma: str) -> Iterator[Draft]:
    words = lexicon()
    end = at
    negated = False
    past = line.word(at).endswith("ed") and line.word(at - 1) not in {"has", "have", "always", "'ve"}
    while end > 0 and (
        line.word(end - 1) in words["adverbs"]
        or line.word(end - 1) in {"has", "have", "had", "do", "does", "not", "n't", "never"}
    ):
        negated = negated or line.word(end - 1) in words["negations"]
        end -= 1
    begin = end
    while (
        begin > 0
        and line.is_word(begin - 1)
        and line.word(begin - 1) not in {"and", "but", "because", "that", "since", "for", "as", "so"} | words["fillers"]
    ):
        begin -= 1
    found = noun(line, begin, strict=False) or activity(line, begin)
    if (
        found is None
        or negated
        or (found.next != end and not (line.word(found.next) in words["prepositions"] and end - found.next <= 4))
        or one_person(found)
    ):
        return
    if line.word(begin) in words["articles"] or (
        past and not found.slot.endswith("s") and line.word(at - 1) != "always"
    ):
        return
    opened = opening(line, begin)
    if opened is None:
        return
    said = spoken_of(line, "past" if past else "present")
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
    return replace(
        found, slot=text_of(line.words[found.first : end]), lemma=fold(line.words[found.first : end]), next=end
    )


def _matters(line: Line, index: int) -> Iterator[Draft]:
    """From "Honesty is important to me", "what matters most to me is honesty"."""
    opened = Opening()
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
