"""Windows: all of the person's words once, nothing else as theirs, and a way back that holds for every range."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.analyzers.llm.windows import CONTEXT, Window, windows
from app.layers import SELF, Segment, TextLayer, join
from app.vocabulary import OWN_KINDS, SegmentKind
from tests.unit.llm.texts import chat, letter, own, whole

WORDS = st.lists(
    st.sampled_from(
        [
            "I", "love", "it.", "Anna", "Smith", "said", "so", "a@b.example", "+44 20 7946 0958", "4532276644577020",
            "Dr. Krylova", "[PERSON_1]", "[P]", "\n", "\n\n", "ß", "İ", "\U0001f600", "\ud800", "12 Mill Road", "Bath",
        ]
    ),
    min_size=1,
    max_size=30,
).map(" ".join)  # fmt: skip


def laid(pieces: list[tuple[str, SegmentKind, str | None]]) -> TextLayer:
    text, segments = join([(said, kind, {"author": author}) for said, kind, author in pieces])
    return TextLayer(text, language="en", segments=segments)


LAYERS = st.lists(
    st.tuples(WORDS, st.sampled_from(list(SegmentKind)), st.sampled_from([None, SELF, "Bo Ek"])), max_size=12
).map(laid)


def covered(cut: list[Window]) -> list[tuple[int, int]]:
    return [(piece.origin, piece.origin_end) for window in cut for piece in window.pieces]


@given(LAYERS, st.integers(5, 120))
def test_every_own_character_is_in_exactly_one_window(layer: TextLayer, size: int) -> None:
    ranges = covered(windows(layer, size))
    assert all(before[1] <= after[0] for before, after in pairwise(ranges))
    sent = {at for low, high in ranges for at in range(low, high)}
    assert sent == {at for low, high in layer.own_spans() for at in range(low, high)}


@given(LAYERS, st.integers(5, 120))
def test_what_is_not_redacted_is_the_layers_own_text_letter_for_letter(layer: TextLayer, size: int) -> None:
    for window in windows(layer, size):
        for piece in window.pieces:
            shown = window.document.text[piece.start : piece.end]
            theirs = layer.text[piece.origin : piece.origin_end]
            assert shown == theirs.replace("\ud800", "\ufffd") if piece.literal else shown.startswith("[")


@given(LAYERS, st.integers(5, 120), st.data())
def test_every_range_of_own_words_maps_back_to_own_words_that_hold_it(
    layer: TextLayer, size: int, data: st.DataObject
) -> None:
    cut = windows(layer, size)
    if not cut:
        return
    window = data.draw(st.sampled_from(cut))
    segment = data.draw(st.sampled_from([s for s in window.document.segments if s.own]))
    start = data.draw(st.integers(segment.start, segment.end - 1))
    end = data.draw(st.integers(start + 1, segment.end))
    low, high = window.origin(start, end)
    assert 0 <= low < high <= len(layer.text)
    assert layer.is_own(low, high)
    touched = [p for p in window.pieces if p.start < end and start < p.end]
    assert (low, high) == (
        touched[0].origin + (max(0, start - touched[0].start) if touched[0].literal else 0),
        touched[-1].origin + end - touched[-1].start if touched[-1].literal else touched[-1].origin_end,
    )


@given(LAYERS, st.integers(5, 120))
def test_what_is_marked_as_the_persons_is_theirs_and_nothing_else(layer: TextLayer, size: int) -> None:
    for window in windows(layer, size):
        text = window.document.text
        for segment in window.document.segments:
            mark = text[: segment.start].rsplit("\n\n", 1)[-1]
            assert mark.startswith("[P] ") is segment.own
        assert "\ud800" not in text


def test_windows_begin_at_headings_where_they_are_full_enough() -> None:
    sections: list[tuple[str, SegmentKind, dict[str, str]]] = []
    for number in range(4):
        sections.append((f"Chapter {number}", SegmentKind.HEADING, {}))
        sections += [(f"I wrote part {part} of it that day.", SegmentKind.PARAGRAPH, {}) for part in range(6)]
    text, segments = join(sections)
    cut = windows(TextLayer(text, language="en", segments=segments), 300)
    assert len(cut) == 4
    assert all(window.document.text.startswith(f"[X heading] Chapter {window.index}") for window in cut)


def test_a_paragraph_too_long_for_a_window_is_cut_between_sentences() -> None:
    cut = windows(whole("I went out and I came home again. " * 40), 200)
    assert len(cut) > 5
    assert all(window.document.text.strip().endswith("again.") for window in cut)


def test_others_in_a_chat_are_marked_by_placeholder_and_kept_short() -> None:
    layer = chat((None, "I love the sea."), ("Bo Ek", "So do I, " * 100), (None, "Bo, come along!"))
    (window,) = windows(layer)
    blocks = window.document.text.strip().split("\n\n")
    assert [block[: block.index("]") + 1] for block in blocks] == ["[P]", "[X PERSON_1]", "[P]"]
    assert "Bo" not in window.document.text.replace("So do", "")
    assert len(blocks[1]) <= CONTEXT + len("[X PERSON_1] ")
    assert blocks[2] == "[P] [PERSON_1], come along!"


def test_furniture_code_and_licences_stay_here() -> None:
    kinds = [kind for kind in SegmentKind if kind not in OWN_KINDS]
    text, segments = join([("I love the sea.", SegmentKind.PARAGRAPH, {}), *((f"secret {k}", k, {}) for k in kinds)])
    (window,) = windows(TextLayer(text, language="en", segments=segments))
    sent = {kind for kind in kinds if f"secret {kind}" in window.document.text}
    assert sent == {SegmentKind.HEADING, SegmentKind.QUOTATION, SegmentKind.SALUTATION}


def test_a_layer_without_own_words_has_no_window() -> None:
    assert windows(TextLayer("Title", segments=(Segment(0, 5, SegmentKind.HEADING),))) == []
    assert windows(own()) == []
    assert len(windows(letter())) == 1
