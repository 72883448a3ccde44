"""Lists under an announcement: "These are a few of my favourite things:" and then the things."""

from __future__ import annotations

from collections.abc import Iterator

from app.analyzers.text.facts_line import Line
from app.analyzers.text.facts_phrase import Phrase, noun, thing
from app.prose import Prose
from app.vocabulary import SegmentKind

#: Words of the announcement, and what they make of the items.
_ANNOUNCED = {
    "my favourite things": "like",
    "my favorite things": "like",
    "things i love": "love",
    "things i like": "like",
    "things i enjoy": "enjoy",
    "my hobbies": "hobby",
    "my interests": "interested in",
    "my hobbies and interests": "hobby",
    "things i hate": "hate",
    "things i dislike": "dislike",
}
_MOST_WORDS = 4
_MOST_ITEMS = 12


def announced(prose: Prose) -> Iterator[tuple[Line, str, Phrase]]:
    """Items of lists that a paragraph or heading right before them announces: (item, predicate, what it names)."""
    segments, text = prose.layer.segments, prose.layer.text
    predicate = ""
    items = 0
    by_segment = {sentence.segment: sentence for sentence in reversed(prose.sentences)}
    for index, segment in enumerate(segments):
        if segment.kind is not SegmentKind.LIST_ITEM or not segment.own:
            shown = (
                text[segment.start : segment.end].strip().lower()
                if segment.own or segment.kind is SegmentKind.HEADING
                else ""
            )
            predicate = next((kind for words, kind in _ANNOUNCED.items() if shown.endswith(f"{words}:")), "")
            items = 0
            continue
        sentence = by_segment.get(index)
        if not predicate or sentence is None or sentence.words > _MOST_WORDS or items == _MOST_ITEMS:
            continue
        item = Line(prose, sentence)
        first = next(at for at in range(len(item)) if item.is_word(at))
        found = noun(item, first) or thing(item, first)
        if found:
            items += 1
            yield item, predicate, found
