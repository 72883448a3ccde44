# ruff: noqa: RUF001 - typographic quotation marks are what is tested
from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.layers import SELF, Segment, TextLayer, join
from app.prose import Prose, mask_quotes, own_words, sentences, words
from app.vocabulary import OWN_KINDS, SegmentKind
from tests.unit.text.written import layer


def split(text: str, kind: SegmentKind = SegmentKind.PARAGRAPH, language: str = "en") -> list[str]:
    made = layer(text, kind=kind, language=language)
    return [made.text[s.start : s.end] for s in sentences(made)]


def own(*paragraphs: str) -> str:
    return " ".join(word for word, _, _ in Prose(layer(*paragraphs)).tokens)


def quoted(*paragraphs: str) -> list[str]:
    made = layer(*paragraphs)
    return [made.text[start:end] for start, end in mask_quotes(made)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("I came. I saw! Did I win?", ["I came.", "I saw!", "Did I win?"]),
        ("Mr. Smith met Dr. J. R. Jones. They talked.", ["Mr. Smith met Dr. J. R. Jones.", "They talked."]),
        ("We left at 5 p.m. on Sunday. I slept.", ["We left at 5 p.m. on Sunday.", "I slept."]),
        ("I like fruit, e.g. apples. And i.e. pears.", ["I like fruit, e.g. apples.", "And i.e. pears."]),
        ("He stayed and so did I. Then we left.", ["He stayed and so did I.", "Then we left."]),
        ("I read vol. 3 of it. No. 5 was better.", ["I read vol. 3 of it.", "No. 5 was better."]),
        ("Did you agree? No. I did not.", ["Did you agree?", "No.", "I did not."]),
        ("It cost 3.50 in all. Cheap!", ["It cost 3.50 in all.", "Cheap!"]),
        ("I waited... and waited. Then... Nothing.", ["I waited... and waited.", "Then...", "Nothing."]),
        ("Alas! how sad it was. I wept.", ["Alas! how sad it was.", "I wept."]),
        ("1. Get up. 2. Go out.", ["1. Get up.", "2. Go out."]),
        ("Look at www.example.org/a.b. It is mine.", ["Look at www.example.org/a.b.", "It is mine."]),
        ("Great! :) See you.", ["Great! :)", "See you."]),
        ("Great! 😀 See you.", ["Great! 😀", "See you."]),
        ("これは本です。私は読みます。", ["これは本です。", "私は読みます。"]),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, parts: list[str]) -> None:
    assert split(text) == parts


def test_hard_wrapped_lines_are_one_sentence_and_lines_of_a_message_are_several() -> None:
    assert split("This line goes on\nin the next. Here it ends.") == [
        "This line goes on\nin the next.",
        "Here it ends.",
    ]
    assert split("first thing\nsecond thing", SegmentKind.MESSAGE) == ["first thing", "second thing"]


def test_lower_case_goes_on_in_print_and_begins_anew_in_chat() -> None:
    assert split("Really? i thought so. yes.") == ["Really? i thought so. yes."]
    assert split("Really? i thought so. yes.", SegmentKind.MESSAGE) == ["Really?", "i thought so.", "yes."]
    assert split("no capitals here. none at all.") == ["no capitals here.", "none at all."]


def test_a_german_ordinal_does_not_end_a_sentence() -> None:
    assert split("Am 3. Mai kam er. Ich ging.", language="de") == ["Am 3. Mai kam er.", "Ich ging."]


def test_a_short_quotation_stays_whole_with_what_frames_it() -> None:
    assert split("He said: “Come in. Sit down.” and left. I stayed.") == [
        "He said: “Come in. Sit down.” and left.",
        "I stayed.",
    ]
    assert split("“Go away!” I said. He went.") == ["“Go away!” I said.", "He went."]


@pytest.mark.parametrize(
    ("text", "speech"),
    [
        ("He said, “I am rich.” I laughed.", ["“I am rich.”"]),
        ('He said, "I am rich." I laughed.', ['"I am rich."']),
        ("Er sagte: „Ich bin reich.“ Ich lachte.", ["„Ich bin reich.“"]),
        ("Il dit : « Je suis riche. » Je ris.", ["« Je suis riche. »"]),
        ("‘I don’t know what it’s worth,’ he said.", ["‘I don’t know what it’s worth,’"]),
        ("He said 'I don't know, sir.' and left.", ["'I don't know, sir.'"]),
        (
            "She cried “Oh, he told me “never again!” and left.” I nodded.",
            ["“Oh, he told me “never again!” and left.”"],
        ),
    ],
)
def test_speech_in_any_quotation_marks_is_not_the_persons_own(text: str, speech: list[str]) -> None:
    assert quoted(text) == speech


def test_quoted_terms_apostrophes_and_inches_are_the_persons_own() -> None:
    assert not quoted(
        "I wrote a “promo packet” about the dogs' dinner.", 'A 5" screen and a 7" one.', "It was o’clock ’til ’twas."
    )


def test_a_quotation_over_paragraphs_ends_where_the_last_one_closes() -> None:
    assert quoted("“First part. It goes on.", "“Second part ends here.” I was glad.") == [
        "“First part. It goes on.",
        "“Second part ends here.”",
    ]
    assert own("“First part. It goes on.", "“Second part ends here.” I was glad.") == "i was glad"
    assert own('"First part.', '"Second part." I was glad.') == "i was glad"


def test_a_mark_that_only_opens_costs_the_rest_of_its_paragraph_and_no_more() -> None:
    assert own("I said “something that never closes. He left.", "I stayed.") == "i said i stayed"


def test_only_own_segments_are_read() -> None:
    text, segments = join(
        [
            ("My words.", SegmentKind.PARAGRAPH, {}),
            ("A title of it", SegmentKind.HEADING, {}),
            ("Somebody else.", SegmentKind.MESSAGE, {"author": "Ann"}),
            ("Mine again.", SegmentKind.MESSAGE, {"author": SELF}),
        ]
    )
    made = TextLayer(text, language="en", segments=segments)
    assert [made.text[s.start : s.end] for s in sentences(made)] == ["My words.", "Mine again."]
    assert [s.segment for s in sentences(made)] == [0, 3]
    assert own_words(made) == 4


def test_addresses_link_targets_and_masks_are_no_words() -> None:
    assert own("Write to <mail> or me@example.org, see https://example.org/a-b and [my page](/why-i-left). Bye.") == (
        "write to or see and my page bye"
    )


def test_words_keep_apostrophes_hyphens_and_dotted_abbreviations_whole() -> None:
    assert [word for word, _, _ in words("It’s a well-known fact, i.e. TRUE at 3.14; Zoë's e\u0301tude")] == [
        "it's", "a", "well-known", "fact", "i.e.", "true", "at", "3.14", "zoë's", "e\u0301tude",
    ]  # fmt: skip


def test_a_sentence_is_quoted_when_most_of_it_is_another_persons() -> None:
    made = Prose(
        layer("“I have never in my life seen such a thing,” he said. I told him about the word “never” again.")
    )
    assert [s.quoted for s in made.sentences] == [True, False]
    assert [s.words for s in made.sentences] == [2, 8]


@pytest.mark.parametrize(
    ("language", "text", "rate"),
    [
        ("en", "I gave my book to us all, you know it", 30.0),
        ("de", "Ich gab dir mein Buch und wir gingen dann fort", 30.0),
        ("fr", "J'ai vu mon ami et nous avons ri", 37.5),
        ("es", "Yo te di mi libro hoy", 33.333),
        ("zh", "I know", 50.0),
    ],
)
def test_first_person_rate_knows_the_language(language: str, text: str, rate: float) -> None:
    assert Prose(layer(text, language=language)).first_person_rate == pytest.approx(rate, abs=0.01)


def test_an_empty_layer_has_no_sentences_and_no_rate() -> None:
    nothing = Prose(TextLayer(""))
    assert not nothing.sentences
    assert nothing.own_word_count == 0
    assert nothing.first_person_rate == 0


def test_positions_lead_to_their_sentence_and_to_quoted_speech() -> None:
    made = Prose(layer("One thing. He said “do not go there” to me."))
    second = made.layer.text.index("“")
    assert made.sentence_at(second) == made.sentences[1]
    assert made.sentence_at(made.layer.text.index(" He")) is None
    assert made.is_quoted(second + 3, second + 5)
    assert not made.is_quoted(0, second)
    assert made.quoted_in(0, len(made.layer.text)) == made.quoted
    assert [word for word, _, _ in made.tokens_of(made.sentences[0])] == ["one", "thing"]


PIECES = st.sampled_from(
    [
        *"“”‘’„«»'.!?…()😀本İ—I \n\ud800",
        '"',
        "we",
        "Mr.",
        "a@b.cc",
        "http://x.y",
        "3.",
        "](",
        "<mail>",
        "Don’t",
        "e\u0301",
    ]
)
KINDS = st.sampled_from(list(SegmentKind))


@given(st.lists(st.tuples(st.lists(PIECES, max_size=30).map("".join), KINDS), max_size=6))
@example([("“", SegmentKind.PARAGRAPH), ("“ ”", SegmentKind.PARAGRAPH)])
def test_whatever_the_text_sentences_are_trimmed_ordered_and_never_leave_their_segment(
    paragraphs: list[tuple[str, SegmentKind]],
) -> None:
    text, segments = join((piece, kind, {}) for piece, kind in paragraphs)
    made = Prose(TextLayer(text, language="en", segments=segments))
    position = 0
    for sentence in made.sentences:
        segment = segments[sentence.segment]
        assert segment.kind in OWN_KINDS
        assert max(position, segment.start) <= sentence.start < sentence.end <= segment.end
        content = text[sentence.start : sentence.end]
        assert content == content.strip()
        assert all(sentence.start <= start < end <= sentence.end for _, start, end in made.tokens_of(sentence))
        position = sentence.end
    assert sum(sentence.words for sentence in made.sentences) == made.own_word_count
    assert all(not made.is_quoted(start, end) for _, start, end in made.tokens)
    ranges = [position for both in made.quoted for position in both]
    assert ranges == sorted(ranges)


@pytest.mark.parametrize(
    "evil",
    ["Mr. ", ".", "“a", "'a don't ", "a", '"', "… ", ".)", "((((( ", "‘a’b", "?“", "a.a@", "](", "www.", "x@"],
)
def test_time_grows_with_the_text_and_not_with_its_square(evil: str) -> None:
    text = evil * (200_000 // len(evil))
    began = time.perf_counter()
    Prose(TextLayer(text, language="en", segments=(Segment(0, len(text)),)))
    assert time.perf_counter() - began < 5
