from __future__ import annotations

from app.layers import Segment, TextLayer
from app.perception import plain
from app.vocabulary import SegmentKind

BODY = "I have been ill, but I am better now, and I think of you every day when the post comes in."
REMARK = "During the summer she travelled with her teacher, and the next letter was written at the seaside."

COLLECTION = f"""Letters (1887-1901)

She learned to write when she was seven. This was her first letter.

To her cousin Anna

[Tuscumbia, Alabama, June 17, 1887.]

{BODY}

[No signature]

{REMARK}

To Mrs. Kate Miller

12 Newbury Street, Boston,

Sept. 24th, 1888.

My dear Mother,

{BODY}

With much love and a kiss

Helen Miller.

P.S. {BODY}

{REMARK}

To Dr. Hale

South Boston, October 1st, 1889.

Dear Dr. Hale,

{BODY}

Your loving friend,

Helen A. Miller.

Dr. Hale's Reply

Boston, October 3, 1889.

{BODY}

Your friend,

Edward Hale.

To Mr. Grey

Boston, May 1, 1890.

{BODY}

Helen.

To Mr. White

Boston, May 2, 1891.

{BODY}

Yours,

H. M.
"""


def read(text: str) -> TextLayer:
    return plain.read(text.encode())[0]


def of(layer: TextLayer, content: str, nth: int = 0) -> Segment:
    place = -1
    for _ in range(nth + 1):
        place = layer.text.index(content, place + 1)
    segment = layer.segment_at(place)
    assert segment is not None
    return segment


def test_a_collection_is_letters_and_each_takes_its_date() -> None:
    layer = read(COLLECTION)
    assert layer.facts["register"] == "letters_diaries"
    dates = [of(layer, BODY, n).date for n in (0, 1, 3, 4, 5)]
    assert dates == ["1887-06-17", "1888-09-24", "1889-10-01", "1889-10-03", "1890-05-01"]


def test_the_letters_themselves_are_own_words() -> None:
    layer = read(COLLECTION)
    own = [layer.text[start:end] for start, end in layer.own_spans()]
    assert own == [BODY, BODY, f"P.S. {BODY}", BODY, BODY, BODY]


def test_an_editor_s_remarks_before_and_between_letters_are_editorial() -> None:
    layer = read(COLLECTION)
    for content, nth in (("She learned to write", 0), (REMARK, 0), (REMARK, 1), ("[No signature]", 0)):
        assert of(layer, content, nth).kind is SegmentKind.EDITORIAL


def test_addresses_greetings_closings_and_names_are_salutations() -> None:
    layer = read(COLLECTION)
    for line in (
        "12 Newbury Street",
        "Sept. 24th",
        "My dear Mother",
        "With much love",
        "Helen Miller.",
        "Helen A. Miller.",
        "H. M.",
    ):
        assert of(layer, line).kind is SegmentKind.SALUTATION, line


def test_lines_over_letters_are_headings() -> None:
    layer = read(COLLECTION)
    assert of(layer, "To Mrs. Kate Miller").kind is SegmentKind.HEADING
    assert of(layer, "Dr. Hale's Reply").kind is SegmentKind.HEADING


def test_a_reply_belongs_to_who_wrote_it() -> None:
    layer = read(COLLECTION)
    assert of(layer, BODY, 4).author == "Dr. Hale"
    assert not of(layer, BODY, 4).own
    assert {of(layer, BODY, n).author for n in (0, 1, 3, 5)} == {None}


def test_a_letter_that_somebody_else_signed_is_theirs() -> None:
    letters = "".join(
        f"London, May {day}, 1890.\n\nDear Anna,\n\n{BODY}\n\nYours,\n\n{name}\n\n"
        for day, name in ((1, "Mary Ward"), (2, "M. Ward"), (3, "Mary"), (4, "John Smith"))
    )
    layer = read(letters)
    assert [of(layer, BODY, n).author for n in range(4)] == [None, None, None, "John Smith"]


def test_a_single_letter_is_told_by_its_greeting() -> None:
    layer = read(f"Dear Anna,\n\n{BODY}\n\nWith love,\n\nPaul\n")
    assert [s.kind for s in layer.segments] == [
        SegmentKind.SALUTATION,
        SegmentKind.PARAGRAPH,
        *[SegmentKind.SALUTATION] * 2,
    ]


def test_a_dated_diary_dates_its_entries() -> None:
    layer = read("".join(f"{day}. März 1848\n\n{BODY}\n\n{BODY}\n\n" for day in range(1, 5)))
    assert [of(layer, BODY, n).date for n in range(8)] == [f"1848-03-0{day}" for day in (1, 1, 2, 2, 3, 3, 4, 4)]
    assert layer.facts["register"] == "letters_diaries"


def test_prose_that_mentions_dates_is_no_letter() -> None:
    text = "\n\n".join(f"On May {day}, 1990 I moved to a new town, and {BODY}" for day in range(1, 9))
    layer = read(text)
    assert "register" not in layer.facts
    assert {s.kind for s in layer.segments} == {SegmentKind.PARAGRAPH}
    assert {s.date for s in layer.segments} == {None}


def test_a_chapter_ends_a_letter_s_date() -> None:
    layer = read(f"Twyford, May 1, 1771.\n\nDear Son,\n\n{BODY}\n\nII\n\nBeginning Life as a Printer\n\n{BODY}\n")
    assert [of(layer, BODY, n).date for n in range(2)] == ["1771-05-01", None]
