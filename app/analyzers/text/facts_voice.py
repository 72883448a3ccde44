"""Whose voice a text speaks in: what tells a person's own prose from plays, verse, scripture and teaching.

A rule may believe an "I" of unknown authorship only where the text is a first person's own prose.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Any

import regex

from app.analyzers.text.facts_words import word_set
from app.prose import Prose
from app.vocabulary import OWN_KINDS, SegmentKind

_I = word_set("i me my mine myself i'm i've i'd i'll im ive")
_YOU = word_set("you your yours yourself yourselves you're you've you'll thou thee thy thine ye")
_ARCHAIC = word_set("thou thee thy thine ye hath doth saith unto hast dost shalt")
#: A turn of a play, an interview or a court record: "MR. STEIN: No.", "Q. And then?"
_TURN = regex.compile(r"\s*(?:\d+\s+)?(?:[QA]|(?:[A-Z][A-Z'’-]+\.?\s){0,3}[A-Z][A-Z'’-]+)[.:]\s")  # noqa: RUF001 - the curly apostrophe is meant
_CLOSING = "\"'”’)"  # noqa: RUF001 - closing marks are meant
_TALK = frozenset({SegmentKind.MESSAGE, SegmentKind.UTTERANCE})


class Genre(StrEnum):
    """What sort of voice it is."""

    FIRST_PERSON = "first_person"  #: a person speaking of themselves, as far as can be told
    IMPERSONAL = "impersonal"  #: hardly any "I"
    DIALOGUE = "dialogue"  #: much quoted speech, or questions to an imagined listener: story, play, teaching
    SCRIPT = "script"  #: turns of several named speakers
    VERSE = "verse"
    ADDRESS = "address"  #: "thou shalt": scripture, prayer, self-exhortation


def voice(prose: Prose) -> dict[str, Any]:
    """Measures of a text's voice.

    Returns:
        genre; firstPersonRate and secondPersonRate (words per 100 own words); quotedShare (of the own characters);
        questionShare (of the sentences).
    """
    counts = Counter(token[0] for token in prose.tokens)
    own = max(1, prose.own_word_count)
    characters = max(1, sum(s.end - s.start for s in prose.layer.segments if s.own))
    text = prose.layer.text
    measures = {
        "firstPersonRate": round(_first_person_rate(prose, counts, own), 2),
        "secondPersonRate": round(100 * sum(counts[word] for word in _YOU) / own, 2),
        "quotedShare": round(sum(end - start for start, end in prose.quoted) / characters, 3),
        "questionShare": round(
            sum(text[s.start : s.end].rstrip(_CLOSING).endswith("?") for s in prose.sentences)
            / max(1, len(prose.sentences)),
            3,
        ),
    }
    archaic = 100 * sum(counts[word] for word in _ARCHAIC) / own
    return {"genre": str(_genre(prose, measures, archaic)), **measures}


def _first_person_rate(prose: Prose, counts: Counter[str], own: int) -> float:
    """Singular forms only in English, where "we" is often everybody; other languages by their own lists."""
    if prose.layer.language in {"de", "fr", "es"}:
        return prose.first_person_rate
    return 100 * sum(counts[word] for word in _I) / own


def _genre(prose: Prose, measures: dict[str, float], archaic: float) -> Genre:
    segments = [s for s in prose.layer.segments if s.own and s.kind in OWN_KINDS]
    talk = any(s.kind in _TALK for s in segments)
    verse = sum(s.end - s.start for s in segments if s.kind is SegmentKind.VERSE)
    turns = sum(bool(_TURN.match(prose.layer.text, s.start, s.end)) for s in segments)
    if 2 * verse > sum(s.end - s.start for s in segments):
        return Genre.VERSE
    if turns >= 5 and turns > 0.15 * len(segments):
        return Genre.SCRIPT
    asks = measures["questionShare"] > 0.25 and measures["secondPersonRate"] > 2 and not talk
    if asks or measures["quotedShare"] > (0.3 if talk else 0.15):
        return Genre.DIALOGUE
    if archaic > 1:
        return Genre.ADDRESS
    return Genre.FIRST_PERSON if measures["firstPersonRate"] >= (0.5 if talk else 1.0) else Genre.IMPERSONAL
