"""From what a model says to what the text shows: every quotation is looked up, and what is not there is dropped.

A finding is kept if at least one of its quotations stands, letter for letter, in the person's own words, is no speech
of somebody else's and no sentence that talks to the model. What is stored of it: a short name, one term, and locators.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from app.analyzers.llm.answers import Found
from app.analyzers.llm.orders import FIRST_PERSON, asks, commands
from app.analyzers.llm.prompts import Task
from app.analyzers.llm.windows import Window
from app.layers import Segment, Span, TextLayer
from app.prose import Prose
from app.quoting import Finder


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


#: Letters and figures that a quotation needs to be one.
LEAST_QUOTE = 12
#: Code points before and after a quotation in which an order to a model makes it worthless.
AROUND = 1_000
#: Code points up to which a quotation is widened to the sentences it is part of.
WIDEST = 500
#: Words of a name and of an object, and code points of either.
NAME_WORDS, OBJECT_WORDS, LONGEST = 6, 5, 80
#: Pieces of evidence, and of what speaks against it, that features hold.
MOST_EVIDENCE, MOST_COUNTER = 8, 4

_PLAIN = re.compile(r"[\w'’ ,&/().:;+#-]+")  # noqa: RUF001 - the curly apostrophe is meant
#: Words that name nothing by themselves: "Likes it" is no trait.
_POINTING = _words(
    "it this that these those they them he him she her we us me you one someone something anyone anything everyone "
    "everything nobody nothing thing things stuff"
)
_PLACEHOLDER = re.compile(r"\[|\]|\b[A-Za-z]+_\d+\b")


@dataclass(slots=True)
class Counts:
    """What became of the quotations of one window.

    Attributes:
        quotes: given in all.
        fabricated: not in the text that was sent.
        others: in it, but not the person's own words.
        instructed: talk to the model, or a request for work.
        impersonal: without the first person that the task needs.
        short: too short to prove anything.
        findings: given in all.
        unusable: of them, without proof or with a name, kind or term that is none.
    """

    quotes: int = 0
    fabricated: int = 0
    others: int = 0
    instructed: int = 0
    impersonal: int = 0
    short: int = 0
    findings: int = 0
    unusable: int = 0

    def as_json(self) -> dict[str, int]:
        """By name."""
        return asdict(self)


@dataclass(slots=True)
class Kept:
    """A finding that holds.

    Attributes:
        kind: one of the task's.
        name: a short paraphrase by the model.
        object: a term, lower case.
        affirmed: whether the person affirms it.
        sensitive: a special category of personal data.
        evidence: proven spans by where they begin.
        counter: those that speak against it.
        relations: (relation, other term).
    """

    kind: str
    name: str
    object: str
    affirmed: bool
    sensitive: bool
    evidence: dict[int, Span] = field(default_factory=dict)
    counter: dict[int, Span] = field(default_factory=dict)
    relations: set[tuple[str, str]] = field(default_factory=set)

    @property
    def key(self) -> tuple[str, str, bool]:
        """What findings of several windows are one by."""
        return self.kind, (self.object or self.name).casefold(), self.affirmed

    def join(self, other: Kept) -> None:
        """Take over what another window found."""
        self.evidence |= other.evidence
        self.counter |= other.counter
        self.relations |= other.relations
        self.sensitive |= other.sensitive

    def as_json(self, layer: TextLayer) -> dict[str, Any]:
        """As features hold it: locators, and no passage."""
        return {
            "kind": self.kind,
            "name": self.name,
            "object": self.object,
            "affirmed": self.affirmed,
            "sensitive": self.sensitive,
            "places": len({id(layer.segment_at(start)) for start in self.evidence}),
            "evidence": [span.as_json() for span in _spread(self.evidence, MOST_EVIDENCE)],
            "counter": [span.as_json() for span in _spread(self.counter, MOST_COUNTER)],
            "relations": [{"relation": relation, "to": to} for relation, to in sorted(self.relations)],
        }


def _spread(spans: dict[int, Span], most: int) -> list[Span]:
    """As many of them, in order, and spread over the text."""
    ordered = [spans[start] for start in sorted(spans)]
    step = max(1.0, len(ordered) / most)
    return [ordered[int(index * step)] for index in range(min(len(ordered), most))]


class Prover:
    """Looks up what a model says about one window.

    Args:
        prose: of the whole layer.
        window: what was sent.
        task: what was asked.
    """

    def __init__(self, prose: Prose, window: Window, task: Task) -> None:
        self.counts = Counts()
        self._prose, self._layer = prose, prose.layer
        self._window, self._task = window, task
        self._commanded: dict[tuple[int, int], bool] = {}
        text = window.document.text
        self._own = Finder(window.document)
        self._all = Finder(TextLayer(text, segments=(Segment(0, len(text)),)))

    def kept(self, found: Iterable[Found]) -> Iterator[Kept]:
        """The findings that hold."""
        for one in found:
            self.counts.findings += 1
            kept = Kept(one.kind.strip(), _tidy(one.name), _tidy(one.object).lower(), one.affirmed, one.sensitive)
            kept.evidence = {span.start: span for span in self._spans(one.quotes)}
            kept.counter = {span.start: span for span in self._spans(one.counter_quotes)}
            for start in kept.evidence:
                kept.counter.pop(start, None)
            if kept.evidence and self._usable(kept):
                related = ((r.relation, _tidy(r.to).lower()) for r in one.relations)
                kept.relations = {(relation, to) for relation, to in related if _term(to) and not commands(to)}
                yield kept
            else:
                self.counts.unusable += 1

    def _usable(self, kept: Kept) -> bool:
        """A kind of the task's, and a name and a term that are neither placeholders nor passages."""
        words = len(kept.name.split())
        passage = words > NAME_WORDS - 2 and kept.name.casefold() in self._layer.text.casefold()
        named = 0 < words <= NAME_WORDS and _short(kept.name) and not commands(kept.name) and not commands(kept.object)
        return kept.kind in self._task.kinds and named and not passage and (not kept.object or _term(kept.object))

    def _spans(self, quotes: Iterable[str]) -> Iterator[Span]:
        for quote in quotes:
            self.counts.quotes += 1
            span = self._span(quote)
            if span is not None:
                yield span

    def _span(self, quote: str) -> Span | None:
        if sum(char.isalnum() for char in quote) < LEAST_QUOTE:
            self.counts.short += 1
            return None
        located = self._own.locate(quote)
        if located is None:
            if self._all.locate(quote):
                self.counts.others += 1
            else:
                self.counts.fabricated += 1
            return None
        start, end = self._widened(*self._window.origin(located[0], located[1]))
        if not self._layer.is_own(start, end) or self._reported(start, end):
            self.counts.others += 1
            return None
        if self._talks_to_a_model(start, end) or asks(quote):
            self.counts.instructed += 1
            return None
        if self._task.first_person and not self._personal(start, end):
            self.counts.impersonal += 1
            return None
        return self._layer.span(start, end)

    def _widened(self, start: int, end: int) -> tuple[int, int]:
        """To whole sentences, which can be read on their own, where that does not make it long."""
        first, last = self._prose.sentence_at(start), self._prose.sentence_at(max(start, end - 1))
        low, high = (first.start if first else start), (last.end if last else end)
        return (low, high) if high - low <= max(WIDEST, end - start) else (start, end)

    def _reported(self, start: int, end: int) -> bool:
        """Whether most of it is somebody else's speech."""
        inside = sum(min(end, high) - max(start, low) for low, high in self._prose.quoted_in(start, end))
        return 2 * inside > end - start

    def _talks_to_a_model(self, start: int, end: int) -> bool:
        text = self._layer.text
        if asks(text[start:end]):
            return True
        low, high = self._around(start, end)
        if (low, high) not in self._commanded:
            self._commanded[low, high] = commands(text[low:high])
        return self._commanded[low, high]

    def _around(self, start: int, end: int) -> tuple[int, int]:
        """The paragraph of a range; of a long one, such as a text of single line breaks is, the lines near it."""
        text = self._layer.text
        first, last = self._layer.segment_at(start), self._layer.segment_at(end - 1)
        low, high = (first.start if first else start), (last.end if last else end)
        if start - low > AROUND:
            low = max(start - AROUND, text.find("\n", start - AROUND, start) + 1)
        if high - end > AROUND:
            found = text.rfind("\n", end, end + AROUND)
            high = found if found >= 0 else end + AROUND
        return low, high

    def _personal(self, start: int, end: int) -> bool:
        """Whether it has a first person; other languages than English often put it into the verb."""
        if self._layer.language not in {"en", "mixed", None}:
            return True
        return FIRST_PERSON.search(self._layer.text[start:end]) is not None


def _tidy(text: str) -> str:
    return " ".join(text.split()).strip(" .\"'")


def _short(text: str) -> bool:
    return len(text) <= LONGEST and _PLAIN.fullmatch(text) is not None and not _PLACEHOLDER.search(text)


def _term(text: str) -> bool:
    words = text.split()
    return 0 < len(words) <= OBJECT_WORDS and _short(text) and not _POINTING.issuperset(words)
