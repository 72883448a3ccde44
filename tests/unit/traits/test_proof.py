"""Evidence is what the text says at that place, in the person's own words, over all of Unicode and in linear time."""

from __future__ import annotations

import math
import re
import sys
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.layers import SELF, Segment, Span, TextLayer, digest
from app.quoting import NO_WIDTH, QUOTES, SPACES, Finder, VerifiedBy
from app.traits.proof import (
    EvidenceType,
    evidence_type,
    locate,
    locator,
    prove,
)
from app.vocabulary import SegmentKind

#: Lone surrogates, NUL, combining marks, astral and right-to-left characters, all kinds of spaces and quotation marks.
AWKWARD = st.sampled_from(
    [*"abAB .,\x00\u0301\u05d0\u0627\U0001f600\U0001f469\u200d\ud800\udfffé", *SPACES, *QUOTES, *NO_WIDTH]
)
TEXTS = st.text(st.one_of(AWKWARD, st.characters()), max_size=60)


def own(text: str, **facts: str) -> TextLayer:
    return TextLayer(text, segments=(Segment(0, len(text)),) if text else (), facts=facts)


def reduced(text: str) -> str:
    """What must be equal, computed in another way than the code does: no white space, no marks, one kind of quote."""
    return "".join("'" if c in QUOTES else c for c in text if not c.isspace() and c not in NO_WIDTH)


def test_the_listed_spaces_are_all_that_unicode_has() -> None:
    assert set(SPACES) == {chr(c) for c in range(sys.maxunicode + 1) if chr(c).isspace()}


@given(TEXTS, st.data())
def test_a_span_taken_from_the_layer_is_proven_exactly(text: str, data: st.DataObject) -> None:
    layer = own(text)
    start = data.draw(st.integers(0, max(0, len(text) - 1)))
    end = data.draw(st.integers(start, len(text)))
    proof = prove(layer, layer.span(start, end)) if end > start else None
    assert (proof is not None) == (end > start and not text[start:end].isspace())
    assert proof is None or proof.verified_by is VerifiedBy.EXACT


@given(TEXTS, TEXTS, st.integers(0, 60), st.integers(0, 60))
def test_a_span_with_another_digest_is_never_proven(text: str, claimed: str, start: int, end: int) -> None:
    proof = prove(own(text), Span(start, end, digest(claimed)))
    assert proof is None or text[start:end] == claimed


@pytest.mark.parametrize(
    "kind",
    [SegmentKind.QUOTATION, SegmentKind.CODE, SegmentKind.HEADING, SegmentKind.BOILERPLATE, SegmentKind.INVISIBLE],
)
def test_what_is_not_the_persons_own_proves_nothing(kind: SegmentKind) -> None:
    text = "I am a nurse."
    layer = TextLayer(text, segments=(Segment(0, len(text), kind),))
    assert prove(layer, layer.span(0, len(text))) is None
    assert locate(text, layer) is None


def test_another_authors_message_proves_nothing_and_a_range_may_not_reach_into_it() -> None:
    text = "I love chess.\nSo do I."
    layer = TextLayer(
        text,
        segments=(Segment(0, 13, SegmentKind.MESSAGE, SELF), Segment(14, 22, SegmentKind.MESSAGE, "Ann")),
    )
    assert prove(layer, layer.span(0, 13)) is not None
    assert prove(layer, layer.span(14, 22)) is None
    assert prove(layer, layer.span(0, 22)) is None
    assert locate("chess. So", layer) is None


@pytest.mark.parametrize(
    ("start", "end"),
    [(None, None), (1.0, None), (2.0, 1.0), (1.0, 1.0), (-1.0, 1.0), (math.nan, 1.0), (0.0, math.nan), (0.0, math.inf)],
)
def test_seconds_that_are_no_stretch_of_time_prove_nothing(start: float | None, end: float | None) -> None:
    assert prove(None, Span(-1, -1, "", start, end)) is None


def test_seconds_of_a_recording_are_measured_and_quote_nothing() -> None:
    proof = prove(None, Span(-1, -1, "", 1.5, 3.25, "long pause"))
    assert proof is not None
    assert proof.timed
    assert proof.verified_by is VerifiedBy.MEASURED
    assert locator(None, proof.span) == {"startTime": 1.5, "endTime": 3.25}


@given(TEXTS, TEXTS)
@example("a \u00ad b", "a b")
@example("\u201cI am\u201d, she\u00a0said", '"I  am", she said')
@example("exam\u00adple", "example")
@example("e\u0301", "e")
@example("\u00ad", "\u00ad")
@example("x\ud800 y", "\ud800  y")
def test_what_is_located_equals_the_quotation_but_for_space_and_quotes(text: str, quote: str) -> None:
    found = locate(quote, own(text))
    if found:
        start, end, verified_by = found
        assert 0 <= start < end <= len(text)
        assert reduced(text[start:end]) == reduced(quote)
        assert (text[start:end] == quote.strip()) == (verified_by is VerifiedBy.EXACT)


@given(st.text(max_size=20), TEXTS, st.text(max_size=20))
def test_a_literal_quotation_is_always_found_exactly(before: str, quote: str, after: str) -> None:
    text = before + quote + after
    found = locate(quote, own(text))
    if _empty(quote):
        assert found is None
    else:
        assert found is not None
        assert text[found[0] : found[1]] == quote.strip()
        assert found[2] is VerifiedBy.EXACT


@given(TEXTS, st.data())
def test_a_quotation_with_other_spaces_and_quotes_is_found_at_its_place(quote: str, data: st.DataObject) -> None:
    changed = re.sub(r"\s+", lambda _: data.draw(st.text(st.sampled_from(SPACES), min_size=1, max_size=3)), quote)
    changed = "".join(data.draw(st.sampled_from(QUOTES)) if c in QUOTES else c for c in changed)
    before = "\U0001f600 \u05d0 "
    found = locate(changed, own(f"{before}{quote} \u0301end"))
    if _empty(quote):
        assert found is None
    else:
        assert found is not None
        assert found[0] <= len(before) + len(quote)
        assert reduced(f"{before}{quote} \u0301end"[found[0] : found[1]]) == reduced(quote)


def _empty(quote: str) -> bool:
    return not quote.strip(SPACES + NO_WIDTH)


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("I am a nurse.", "I am a nurse!"),
        ("I am a nurse.", "i am a nurse."),
        ("I am a nurse.", "I am nurse."),
        ("nowhere", "now here"),
        ("now here", "nowhere"),
        ("caf\u00e9", "cafe\u0301"),
        ("I am a nurse.", "I was a nurse."),
        ("\u0430bc", "abc"),
        ("I am a nurse.", ""),
        ("I am a nurse.", " \u200b\u00ad "),
        ("", "I am a nurse."),
    ],
)
def test_nothing_else_is_found(text: str, quote: str) -> None:
    assert locate(quote, own(text)) is None


def test_offsets_count_code_points() -> None:
    assert locate("nurse", own("\U0001f600\U0001f469\u200d\U0001f680 e\u0301 nurse")) == (8, 13, VerifiedBy.EXACT)


def test_the_persons_own_occurrence_is_chosen_and_the_one_after_the_hint_first() -> None:
    text = "I sing. I sing. I sing."
    layer = TextLayer(text, segments=(Segment(0, 7, SegmentKind.QUOTATION), Segment(8, 15), Segment(16, 23)))
    finder = Finder(layer)
    assert finder.locate("I sing.") == (8, 15, VerifiedBy.EXACT)
    assert finder.locate("I sing.", hint=10) == (16, 23, VerifiedBy.EXACT)
    assert finder.locate("I\nsing.", hint=10) == (16, 23, VerifiedBy.WHITESPACE)
    assert finder.locate("I sing.", hint=20) == (8, 15, VerifiedBy.EXACT)


@pytest.mark.parametrize(
    ("piece", "quote"),
    [
        ("a", "a" * 2000 + "b"),
        (" ", "a b"),
        (" \u00ad", "a \u00ad\u00ad b"),
        ("\u00ad", "\u00ad" * 1000 + "x"),
        ("ab ", "ab  " * 500 + "c"),
        ("'\u2019", "''" * 500 + "\u201d x"),
    ],
)
def test_hostile_text_is_searched_in_linear_time(piece: str, quote: str) -> None:
    def seconds(length: int) -> float:
        layer = own((piece * length)[:length])
        begun = time.perf_counter()
        assert locate(quote, layer) is None
        return time.perf_counter() - begun

    seconds(50_000)
    short, long = seconds(50_000), seconds(800_000)
    # Sixteen times the text; quadratic search would take 256 times as long.
    assert long < 80 * max(short, 0.001)


def test_periodic_text_that_is_not_the_persons_own_is_passed_in_linear_time() -> None:
    text = "a" * 1_000_000
    layer = TextLayer(text, segments=(Segment(0, len(text), SegmentKind.CODE),))
    begun = time.perf_counter()
    assert locate("a" * 1000, layer) is None
    assert time.perf_counter() - begun < 5


def test_a_locator_has_the_page_and_the_box_round_the_recognised_words() -> None:
    text = "Tyger tyger, burning bright"
    layer = TextLayer(
        text,
        kind="ocr",
        segments=(Segment(0, len(text), page=2, box=(0.0, 0.0, 100.0, 100.0)),),
        words=(
            (0, 5, 2, (10.0, 10.0, 30.0, 20.0), 0.9),
            (6, 12, 2, (35.0, 9.0, 60.0, 21.0), 0.9),
            (13, 20, 2, (65.0, 10.0, 80.0, 20.0), 0.9),
        ),
    )
    assert locator(layer, layer.span(0, 12)) == {
        "charStart": 0,
        "charEnd": 12,
        "page": 2,
        "box": [10.0, 9.0, 60.0, 21.0],
    }
    assert locator(layer, layer.span(21, 27)) == {
        "charStart": 21, "charEnd": 27, "page": 2, "box": [0.0, 0.0, 100.0, 100.0],
    }  # fmt: skip


def test_a_locator_of_a_transcript_has_the_seconds_of_its_segment() -> None:
    layer = TextLayer(
        "Well, yes.", kind="transcript", segments=(Segment(0, 10, SegmentKind.UTTERANCE, start_time=2.0, end_time=4.5),)
    )
    span = layer.span(0, 10)
    assert locator(layer, span) == {"charStart": 0, "charEnd": 10, "startTime": 2.0, "endTime": 4.5}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("document", EvidenceType.TEXT_QUOTE),
        ("ocr", EvidenceType.IMAGE_REGION),
        ("transcript", EvidenceType.AUDIO_SEGMENT),
    ],
)
def test_the_type_of_evidence_follows_the_layer(kind: str, expected: EvidenceType) -> None:
    layer = TextLayer("I sing.", kind=kind, segments=(Segment(0, 7),))
    proof = prove(layer, layer.span(0, 7))
    assert proof is not None
    assert evidence_type(layer, proof) is expected
