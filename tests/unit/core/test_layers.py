from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.layers import SELF, Segment, Span, TextLayer, digest, join
from app.vocabulary import OWN_KINDS, SegmentKind

#: All of Unicode, lone surrogates included: what a broken file decodes to.
anything = st.text(st.characters(codec=None, categories=None), max_size=60)
kinds = st.sampled_from(list(SegmentKind))


@given(anything, st.integers(0, 70), st.integers(0, 70))
def test_a_span_taken_from_a_text_is_proven_by_it_and_by_no_other(text: str, a: int, b: int) -> None:
    layer = TextLayer(text, segments=(Segment(0, len(text)),))
    start, end = sorted((min(a, len(text)), min(b, len(text))))
    span = layer.span(start, end)
    assert layer.proves(span) == (start < end)
    other = TextLayer("\u2603" + text)
    if start < end and other.text[start:end] != text[start:end]:
        assert not other.proves(span)


@pytest.mark.parametrize("span", [Span(-1, 3), Span(0, 0), Span(2, 1), Span(0, 99), Span(0, 3, "0" * 64)])
def test_a_span_outside_the_text_or_with_another_digest_is_not_proven(span: Span) -> None:
    assert not TextLayer("abcdef").proves(span)


@given(st.lists(st.tuples(anything, kinds), max_size=8))
def test_joined_pieces_keep_their_text_and_order(pieces: list[tuple[str, SegmentKind]]) -> None:
    text, segments = join((piece, kind, {}) for piece, kind in pieces)
    assert [text[s.start : s.end] for s in segments] == [piece for piece, _ in pieces if piece.strip()]
    assert all(a.end <= b.start for a, b in pairwise(segments))


@given(st.lists(st.tuples(anything, kinds), max_size=8))
def test_a_layer_survives_the_vault_and_the_pipe(pieces: list[tuple[str, SegmentKind]]) -> None:
    text, segments = join((piece, kind, {"page": 2, "box": (0.0, 1.0, 2.5, 3.0)}) for piece, kind in pieces)
    layer = TextLayer(text, "ocr", "de", segments, ((0, 1, 1, (0.0, 0.0, 1.0, 1.0), 0.9),), {"pages": 2})
    assert TextLayer.from_json(json.loads(json.dumps(layer.as_json()))) == layer


@given(st.lists(st.tuples(anything, kinds), max_size=8), st.integers(0, 500))
def test_every_position_has_at_most_one_segment(pieces: list[tuple[str, SegmentKind]], position: int) -> None:
    text, segments = join((piece, kind, {}) for piece, kind in pieces)
    layer = TextLayer(text, segments=segments)
    holding = [s for s in segments if s.start <= position < s.end]
    assert layer.segment_at(position) == (holding[0] if holding else None)


@pytest.mark.parametrize("kind", list(SegmentKind))
def test_only_own_kinds_of_the_person_can_be_evidence(kind: SegmentKind) -> None:
    assert Segment(0, 1, kind).own == (kind in OWN_KINDS)
    assert Segment(0, 1, kind, SELF).own == (kind in OWN_KINDS)
    assert not Segment(0, 1, kind, "somebody").own


def test_a_range_that_touches_somebody_elses_words_is_not_own() -> None:
    text, segments = join(
        [
            ("Mine.", SegmentKind.PARAGRAPH, {}),
            ("Theirs.", SegmentKind.QUOTATION, {}),
            ("Mine again.", SegmentKind.PARAGRAPH, {}),
            ("And again.", SegmentKind.PARAGRAPH, {}),
        ]
    )
    layer = TextLayer(text, segments=segments)
    assert layer.is_own(0, 5)
    assert not layer.is_own(0, len(text))
    assert not layer.is_own(7, 10)
    assert layer.is_own(text.index("Mine again"), len(text))


def test_text_between_segments_belongs_to_nobody() -> None:
    layer = TextLayer("one # two", segments=(Segment(0, 3), Segment(6, 9)))
    assert not layer.is_own(0, 9)
    assert TextLayer("one   two", segments=(Segment(0, 3), Segment(6, 9))).is_own(0, 9)


def test_times_of_a_span_come_from_its_segment() -> None:
    layer = TextLayer("hello", segments=(Segment(0, 5, start_time=1.5, end_time=2.5),))
    span = layer.span(0, 5, "greeting")
    assert (span.start_time, span.end_time, span.label) == (1.5, 2.5, "greeting")
    assert Span.from_json(span.as_json()) == span


def test_the_digest_tells_lone_surrogates_apart() -> None:
    assert digest("\ud800") != digest("\udc00")
