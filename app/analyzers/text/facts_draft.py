"""A stated fact while the grammar puts it together."""

from __future__ import annotations

from dataclasses import dataclass

from app.analyzers.text.facts_clause import Opening
from app.analyzers.text.facts_lexicon import PAST, lexicon
from app.analyzers.text.facts_line import Line
from app.analyzers.text.facts_phrase import Phrase
from app.analyzers.text.facts_verb import Verb
from app.analyzers.text.facts_words import word_set

_THEN = frozenset(["was", "were", "had", "did"])
_NOW = word_set("is are am 'm 's 're has have 've does do will 'll can")
AFFIRMED, NEGATED = "affirmed", "negated"


@dataclass(slots=True)
class Draft:
    """What one clause says about the person.

    Attributes:
        kind: of fact: "occupation", "like" and so on.
        predicate: which of our words names it: "love", "works as"; never the person's.
        slot: the normalised object; empty where the kind says all.
        lemma: what the slot counts as.
        first: index of the object's first word in the line.
        next: index behind its last word.
        tense: present, past or perfect.
        polarity: affirmed or negated.
        plain: how plainly it is said, 0 to 1.
        sensitive: health, sexuality, religion or politics.
    """

    kind: str
    predicate: str
    slot: str
    lemma: str
    first: int
    next: int
    tense: str = "present"
    polarity: str = AFFIRMED
    plain: float = 0.8
    sensitive: bool = False


@dataclass(slots=True)
class Said:
    """A clause with its subject understood."""

    line: Line
    opened: Opening
    verb: Verb

    @property
    def plain(self) -> float:
        """How plainly the clause speaks: 0.8, more with "always" and "really", less with "kind of" and "I think"."""
        value = 0.8 + 0.06 * min(self.verb.firm, 2) - 0.15 * self.verb.soft
        return max(0.3, min(0.95, value * self.opened.plain))

    @property
    def polarity(self) -> str:
        """Whether it is affirmed."""
        return NEGATED if self.verb.negated else AFFIRMED

    def draft(self, kind: str, predicate: str, phrase: Phrase, *, sensitive: bool = False, tense: str = "") -> Draft:
        """A fact about an object."""
        return Draft(
            kind=kind,
            predicate=predicate,
            slot=phrase.slot,
            lemma=phrase.lemma,
            first=phrase.first,
            next=phrase.next,
            tense=tense or self.verb.tense,
            polarity=self.polarity,
            plain=self.plain,
            sensitive=sensitive,
        )


def told_in(line: Line) -> str:
    """The tense of a sentence that does not say itself when its fact holds: past where only the past is spoken of."""
    forms = lexicon().forms
    past = any(word in _THEN or forms.get(word, ("", ""))[1] == PAST for word in line.words)
    return "past" if past and not any(word in _NOW for word in line.words) else "present"


def spoken_of(line: Line, tense: str = "") -> Said:
    """A fact without a clause of its own: "my two daughters". Its tense is the sentence's unless given."""
    return Said(line, Opening(), Verb(lemma="be", tense=tense or told_in(line), at=0, next=0))
