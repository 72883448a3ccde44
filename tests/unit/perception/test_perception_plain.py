from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Refusal
from app.layers import TextLayer
from app.perception import plain
from app.vocabulary import ReasonCode, SegmentKind

PROSE = (
    "I was born in a small town by the sea, and I stayed there until I was twelve years old. "
    "My father mended boats, and my mother taught the children of the harbour to read. "
    "On winter evenings we sat by the stove, and everybody told a story."
)


def read(text: str) -> TextLayer:
    layer, reason = plain.read(text.encode())
    assert reason is None
    return layer


def kinds(text: str) -> list[tuple[str, str]]:
    layer = read(text)
    return [(str(s.kind), layer.text[s.start : s.end]) for s in layer.segments]


@given(st.text(st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n\t"), max_size=600))
def test_segments_are_ordered_trimmed_ranges_of_the_unchanged_text(text: str) -> None:
    layer = read(text)
    assert layer.text == text.removeprefix("\ufeff")
    position = 0
    for segment in layer.segments:
        assert position <= segment.start < segment.end <= len(layer.text)
        content = layer.text[segment.start : segment.end]
        assert content == content.strip()
        position = segment.end


@given(
    st.lists(
        st.sampled_from([PROSE, "A LINE", "- item", "> quoted", "", "[a note]", "12", "June 3, 1901"]), max_size=30
    )
)
def test_no_word_is_lost_between_segments(lines: list[str]) -> None:
    layer = read("\n".join(lines))
    covered = "".join(layer.text[s.start : s.end] for s in layer.segments)
    assert "".join(covered.split()) == "".join(layer.text.split())


def test_wrapped_lines_are_one_paragraph() -> None:
    wrapped = textwrap.fill(PROSE, 72)
    assert kinds(f"{wrapped}\n\n{wrapped}\n") == [("paragraph", wrapped)] * 2


def test_long_lines_are_paragraphs_of_their_own() -> None:
    assert kinds(f"{PROSE}\n{PROSE}") == [("paragraph", PROSE)] * 2


def test_lines_that_nobody_wrapped_stand_for_themselves() -> None:
    lines = ["I like parrots.", "I play hockey on Sundays.", "I hate mornings."]
    assert kinds("\n".join(lines)) == [("paragraph", line) for line in lines]


@pytest.mark.parametrize(
    "heading",
    ["CHAPTER IV", "Chapter 3: The Storm", "IV", "Kapitel 2", "THE SHIPWRECK", "Arrival in Philadelphia", "Preface"],
)
def test_headings_above_prose_are_headings(heading: str) -> None:
    assert kinds(f"{heading}\n\n{PROSE}\n") == [("heading", heading), ("paragraph", PROSE)]


@pytest.mark.parametrize(
    "line", ["I love Hockey And Parrots", "It rained.", "Dogs are the best", "Important points:", "We Are Here"]
)
def test_short_lines_that_say_something_are_no_headings(line: str) -> None:
    assert kinds(f"{PROSE}\n\n{line}\n\n{PROSE}")[1] == ("paragraph", line)


def test_an_underlined_line_is_a_heading() -> None:
    assert kinds(f"my summer\n=========\n\n{PROSE}")[0][0] == "heading"


def test_marked_lines_are_quotations_apart_from_the_answer() -> None:
    assert kinds("> Are you well?\n> Write soon.\nI am well.\n> And the cat?\nShe is well.") == [
        ("quotation", "> Are you well?\n> Write soon."),
        ("paragraph", "I am well."),
        ("quotation", "> And the cat?"),
        ("paragraph", "She is well."),
    ]


def test_a_paragraph_set_in_is_a_quotation() -> None:
    inset = textwrap.indent(textwrap.fill(PROSE, 60), "    ")
    text = f"{textwrap.fill(PROSE, 70)}\n\n{inset}\n\n{textwrap.fill(PROSE, 70)}\n"
    assert [kind for kind, _ in kinds(text)] == ["paragraph", "quotation", "paragraph"]


STANZA = (
    "The lamps are lit along the quay,\nThe boats come in from the open sea,\n"
    "And I who waited all the day\nShall hear at last what the sailors say."
)


def test_short_capitalised_lines_are_verse() -> None:
    assert kinds(f"{PROSE}\n\n{STANZA}\n") == [("paragraph", PROSE), ("verse", STANZA)]


def test_verse_that_opens_with_a_quotation_mark_is_another_s() -> None:
    assert kinds(f"{PROSE}\n\n“{STANZA}”\n")[1][0] == "quotation"


def test_verse_whose_lines_are_paragraphs_is_verse() -> None:
    assert [kind for kind, _ in kinds(f"{PROSE}\n\n" + STANZA.replace("\n", "\n\n"))] == ["paragraph", *["verse"] * 4]


def test_list_items_take_the_lines_under_them() -> None:
    text = "My reasons:\n- the sea, which I\n  have always loved\n- the people\n1. and nothing else"
    assert kinds(text) == [
        ("paragraph", "My reasons:"),
        ("list_item", "- the sea, which I\n  have always loved"),
        ("list_item", "- the people"),
        ("list_item", "1. and nothing else"),
    ]


def test_columns_are_a_table_and_code_is_code() -> None:
    table = "name     age    town\nAnna     34     Ulm\nPaul     29     Bonn"
    code = "def f(x):\n    return x;\nimport os\nx = {a;"
    assert kinds(f"{PROSE}\n\n{table}\n\n{code}")[1:] == [("table", table), ("code", code)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("id,mood,text\n" + "".join(f'{n},good,"a, b and {n}"\n' for n in range(20)), SegmentKind.TABLE),
        ("Stabilized\tO\napproach\tO\n\nor\tB-x\nnot\tO\n?\tO\n", SegmentKind.TABLE),
        ('{"messages": [{"from": "a", "text": "hello"}, {"from": "b", "text": "hi"}]}', SegmentKind.CODE),
        ("[" * 100_000, SegmentKind.CODE),
    ],
)
def test_files_of_data_hold_no_own_words(text: str, kind: SegmentKind) -> None:
    layer = read(text)
    assert [s.kind for s in layer.segments] == [kind]
    assert list(layer.own_spans()) == []


def test_prose_with_commas_is_no_table() -> None:
    lines = ["I came, I saw, I left.", "It rained, and we, tired, slept.", "No more, thanks."] * 3
    assert {kind for kind, _ in kinds("\n".join(lines))} == {"paragraph"}


def test_licence_texts_around_a_book_are_boilerplate() -> None:
    text = (
        "The Project Gutenberg EBook of My Life\n\nThis is free.\n\n"
        "*** START OF THIS PROJECT GUTENBERG EBOOK MY LIFE ***\n\n"
        f"{PROSE}\n\n*** END OF THIS PROJECT GUTENBERG EBOOK MY LIFE ***\n\nSection 1. General Terms of Use.\n"
    )
    assert [kind for kind, _ in kinds(text)] == ["boilerplate"] * 3 + ["paragraph"] + ["boilerplate"] * 2


@pytest.mark.parametrize("line", ["* * *", "-----", "12", "[Pg 12]", "- 7 -"])
def test_rules_and_page_numbers_are_furniture(line: str) -> None:
    assert kinds(f"{PROSE}\n\n{line}\n\n{PROSE}")[1] == ("furniture", line)


@pytest.mark.parametrize(
    "note", ["[Here two pages are missing.]", "[1] See the letter of May.", "[Footnote 2: Not so.]", "[Illustration]"]
)
def test_bracketed_remarks_and_footnotes_are_editorial(note: str) -> None:
    assert kinds(f"{PROSE}\n\n{note}\n\n{PROSE}")[1] == ("editorial", note)


@pytest.mark.parametrize(
    "line",
    [
        "[12/31/20, 10:15:02 PM] Anna: happy new year",
        "31.12.20, 22:15 - Anna: gutes neues Jahr",
        "2020-12-31 22:15 Anna: ok",
    ],
)
def test_chat_exports_are_refused_since_most_words_are_others(line: str) -> None:
    with pytest.raises(Refusal) as caught:
        read("\n".join([line] * 6))
    assert caught.value.reason.code is ReasonCode.UNSUPPORTED_TYPE


def test_the_encoding_is_said() -> None:
    layer, _ = plain.read("Wie schön, daß Du da bist!".encode("latin-1"))
    assert layer.facts == {"encoding": "iso-8859-1"}
