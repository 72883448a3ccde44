"""Which register and era a text belongs to: they choose its norm group.

The source decides where it can (a transcript is speech, a chat export chat, a mail a letter). For plain documents
structure decides between letters and essays, and the era is read off the dates of writing or, in English, off the
closed classes that changed most: contracted against full forms, and words that went out of use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

from app.layers import TextLayer
from app.prose import Prose
from app.vocabulary import Register, SegmentKind

#: Years from which writers of the norm groups count as modern: letters_diaries ends 1922, essay_blog begins 2004.
_MODERN_SINCE = 1950


@dataclass(frozen=True, slots=True)
class Kind:
    """Register and era of a text, each with its reason in a few words of ours.

    Attributes:
        register: chooses the norm group.
        why: what it was read off.
        era: "early", "modern" or "unknown".
        era_why: what it was read off.
        addressed: it is written to somebody: greetings of letters, or a mail (whose reader counts attachments).
    """

    register: Register
    why: str
    era: str
    era_why: str
    addressed: bool


def kind_of(prose: Prose, counts: Mapping[str, int]) -> Kind:
    """Register and era of a layer.

    Args:
        prose: the layer read.
        counts: marks of "contractions", "full_forms" and "archaic" in it; English only, empty otherwise.
    """
    era, era_why = _era(prose, counts)
    register, why = _register(prose.layer, era)
    return Kind(register, why, era, era_why, _addressed(prose.layer))


def _addressed(layer: TextLayer) -> bool:
    greetings = sum(segment.kind is SegmentKind.SALUTATION for segment in layer.segments)
    return greetings > 1 or "attachments" in layer.facts


def _register(layer: TextLayer, era: str) -> tuple[Register, str]:
    stated = layer.facts.get("register")
    if stated in set(Register):
        return Register(stated), "the source says so"
    own = [segment for segment in layer.segments if segment.own]
    messages = sum(segment.kind is SegmentKind.MESSAGE for segment in own)
    if layer.kind == "transcript" or any(segment.kind is SegmentKind.UTTERANCE for segment in own):
        return Register.SPEECH, "recorded speech"
    if 2 * messages > len(own):
        return Register.CHAT, "messages"
    dated = len({segment.date for segment in own if segment.date})
    if dated > 1 or _addressed(layer):
        return Register.LETTERS_DIARIES, "dates or greetings of letters"
    if era == "early":
        return Register.LETTERS_DIARIES, "early prose"
    return Register.ESSAY_BLOG, "modern prose without the marks of letters"


def _era(prose: Prose, counts: Mapping[str, int]) -> tuple[str, str]:
    years = sorted(
        int(str(date)[:4])
        for date in (prose.layer.facts.get("date"), *(s.date for s in prose.layer.segments if s.own))
        if date and str(date)[:4].isdigit()
    )
    if years:
        return ("modern" if years[len(years) // 2] >= _MODERN_SINCE else "early"), "dates of writing"
    if not counts:
        return "unknown", "neither dated nor English"
    return ("early" if era_score(counts, prose.own_word_count) < 0 else "modern"), "contracted and obsolete forms"


def era_score(counts: Mapping[str, int], own_words: int) -> float:
    """Above 0 for modern prose: log of contracted against full forms, less obsolete words in 1,000.

    The two figures part essay_blog from letters_diaries of the norm corpora (`scripts/norms.py` prints how well).
    """
    contracted = log((counts.get("contractions", 0) + 1) / (counts.get("full_forms", 0) + 1))
    obsolete = 1000 * counts.get("archaic", 0) / max(own_words, 1)
    return contracted - 0.5 * obsolete + 1.0
