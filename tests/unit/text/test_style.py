from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis import Context
from app.analyzers.text.style import analyse
from app.analyzers.text.style_figures import byar, mean_interval, wilson
from app.analyzers.text.style_lexicon import english
from app.errors import Refusal
from app.layers import Segment, Span, TextLayer, join
from app.vocabulary import ReasonCode, SegmentKind
from tests.unit.text.written import layer, plain


def habits(*paragraphs: str, **given: Any) -> dict[str, Any]:
    found: dict[str, Any] = analyse(layer(*paragraphs, **given), Context()).features["habits"]
    return found


@pytest.mark.parametrize(
    ("habit", "text", "count"),
    [
        ("questions", "Do you see it? Yes. Why not?! I asked why.", 2),
        ("exclamations", "Great! I saw it. What?!", 2),
        ("emoji", "I laughed 😀 and 👩‍👩‍👧 cried :-) then ;) at 12:30 (c).", 4),
        ("ellipses", "I waited... and then… nothing. The end.", 2),
        ("dashes", "I came — late — and left - at once--again.", 4),
        ("parentheses", "I came (very late indeed) in (2) hours.", 1),
        ("semicolons", "I came; I saw; I left.", 2),
        ("numbers", "I paid 30 euros on 3 May 2019.", 3),
        ("loose_starts", "And so it went. But why? It was so.", 2),
        ("hedges", "Perhaps I think it is sort of cold, as far as I know. What kind of thing?", 4),
        ("certainty", "Of course it is certainly so.", 2),
        ("absolutes", "I never forget and always pay.", 2),
        ("thanks", "Thank you so much, thanks to all. Thanks again.", 2),
        ("please", "Please come. If you please. I do it to please him.", 2),
        ("apologies", "Sorry! I apologise for it.", 2),
        ("requests_polite", "Could you help me? Would you like tea?", 1),
        ("requests_direct", "Send me the book. Come here! Look? Use of it was rare. Do not go.", 3),
        ("contractions", "I don\u2019t know what it's worth; she'll see.", 3),
        ("full_forms", "I do not know; it is late and I am tired.", 3),
        ("negations", "No, I can't and will not.", 3),
        ("similes", "It was like a dream, as if I slept. I would like a tea.", 2),
        ("humour", "haha that was great lol", 2),
        ("causal", "I left because it rained; therefore I am dry, so that is that.", 3),
        ("contrast", "But I stayed, although it rained. However, nobody came.", 3),
        ("conditionals", "If it rains I stay, unless you come.", 2),
        ("examples", "I like fruit, for example pears, such as these.", 1),
        ("sequence", "First of all I slept, and then we ate. Now and then I sing.", 2),
        ("duty", "You should go; I must stay and have to work.", 3),
        ("wishes", "I hope you come. I'd like tea.", 2),
        ("remembering", "I remember the house. It reminds me of you.", 2),
        ("affection", "My dear, I kiss you with love. Oh dear! Dear me.", 3),
        ("senses", "The red light shone softly.", 3),
        ("fillers", "It was, you know, basically fine. You know that he left.", 2),
        ("first_plural", "We took our bags.", 2),
        ("second_person", "You and your dog, thou knowest.", 3),
        ("positive_feeling", "I was happy and delighted.", 2),
        ("negative_feeling", "I was sad and miserable.", 2),
        ("family", "My mother and my sister.", 2),
        ("articles", "The cat saw a dog.", 2),
    ],
)
def test_marks_are_counted_as_a_reader_would(habit: str, text: str, count: int) -> None:
    assert habits(text)[habit]["count"] == count


def test_every_habit_of_the_lists_is_counted_and_has_its_instance() -> None:
    found = habits(*plain(10))
    assert english().habits | english().classes <= set(found)


def test_quoted_speech_and_other_segments_are_no_habit() -> None:
    text, segments = join(
        [
            ("Why me? Perhaps! (So says the title of it)", SegmentKind.HEADING, {}),
            ("He asked, “Why do you always say perhaps?” I kept on walking home.", SegmentKind.PARAGRAPH, {}),
            ("Why? I don't know, perhaps; haha!", SegmentKind.QUOTATION, {}),
        ]
    )
    found = analyse(TextLayer(text, language="en", segments=segments), Context()).features["habits"]
    for habit in ("questions", "exclamations", "hedges", "absolutes", "humour", "contractions", "semicolons"):
        assert found[habit]["count"] == 0, habit


def test_instances_are_whole_readable_proven_sentences_spread_over_the_text() -> None:
    paragraphs = plain(240)
    for place in range(0, 240, 4):
        paragraphs[place] = f"Do you remember the evening on the hill, number {place} of our walks?"
    paragraphs[5] = "Why?"
    made = layer(*paragraphs)
    instances = [Span.from_json(doc) for doc in analyse(made, Context()).features["habits"]["questions"]["instances"]]
    assert len(instances) == 12
    assert all(made.proves(span) for span in instances)
    assert all(made.text[span.start : span.end].endswith("walks?") for span in instances)
    gaps = [second.start - first.start for first, second in pairwise(instances)]
    assert min(gaps) > 0
    assert max(gaps) < 3 * len(made.text) / 12


def test_fragments_make_no_instances() -> None:
    found = habits(*["Perhaps it was so (in the end of that long day.", "Perhaps she wrote to me and said this:"] * 4)
    assert found["hedges"]["count"] == 8
    assert found["hedges"]["instances"] == []


def test_no_passage_is_kept_in_the_features() -> None:
    found = analyse(layer(*plain(30), "Perhaps Esmeralda will come tomorrow, I hope so."), Context()).features
    assert "smeralda" not in repr(found)


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_other_languages_get_the_marks_that_need_no_list(language: str) -> None:
    found = habits("Wo bist du? Ich will, but perhaps not!", language=language)
    assert found["questions"]["count"] == 1
    assert found["exclamations"]["count"] == 1
    assert "hedges" not in found
    assert "sentence_length" in found


def test_rates_have_intervals_that_hold_them() -> None:
    for key, figures in habits(*plain(40), "Perhaps. Why? Really!").items():
        low, high = figures["interval"]
        assert 0 <= low <= figures["rate"] <= high, key


def test_lengths_of_sentences_and_messages_are_measured() -> None:
    found = habits("one two three. four five", "six", kind=SegmentKind.MESSAGE)
    assert found["sentence_length"]["rate"] == 2
    assert found["message_length"]["rate"] == 3
    assert found["message_length"]["count"] == 2


def kind_of(text: TextLayer) -> tuple[str, str]:
    found = analyse(text, Context()).features
    return found["register"], found["era"]


def test_the_source_decides_the_register_where_it_knows() -> None:
    assert kind_of(layer(*plain(9), register="letters_diaries")) == ("letters_diaries", "modern")
    assert kind_of(layer(*plain(9), kind=SegmentKind.MESSAGE)) == ("chat", "modern")
    assert kind_of(layer(*plain(9), kind=SegmentKind.UTTERANCE)) == ("speech", "modern")
    made = layer(*plain(9))
    assert kind_of(TextLayer(made.text, "transcript", "en", made.segments))[0] == "speech"


def test_greetings_and_dates_make_a_letter() -> None:
    text, segments = join(
        [
            ("Dear Ann,", SegmentKind.SALUTATION, {}),
            (" ".join(plain(9)), SegmentKind.PARAGRAPH, {}),
            ("Yours, Tom", SegmentKind.SALUTATION, {}),
        ]
    )
    found = analyse(TextLayer(text, language="en", segments=segments), Context()).features
    assert found["register"] == "letters_diaries"
    assert found["addressed"]
    one = layer(*plain(9))
    dated = tuple(Segment(s.start, s.end, s.kind, date=f"2021-0{n % 9 + 1}-01") for n, s in enumerate(one.segments))
    found = analyse(TextLayer(one.text, language="en", segments=dated), Context()).features
    assert found["register"] == "letters_diaries"
    assert not found["addressed"]


OLD = (
    "It was upon a Monday that I did not think it meet to stir, nor would my brother, let me go thither.",
    "I do not know whence he came; it is not for me to say, and I am not one that will inquire whither he hath gone.",
)


def test_old_words_and_full_forms_make_early_prose_unless_a_date_says_otherwise() -> None:
    assert kind_of(layer(*OLD * 6)) == ("letters_diaries", "early")
    assert kind_of(layer(*plain(30))) == ("essay_blog", "modern")
    assert kind_of(layer(*OLD * 6, date="2019-05-01")) == ("essay_blog", "modern")
    assert kind_of(layer(*plain(30), date="1851-05-01"))[1] == "early"
    assert kind_of(layer(*plain(30), language="fr"))[1] == "unknown"


def test_nothing_of_ones_own_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        analyse(layer("x = 1", kind=SegmentKind.CODE), Context())
    assert refused.value.reason.code is ReasonCode.TOO_LITTLE_OWN_TEXT


@given(
    st.lists(st.sampled_from(["i think", "i", "think", "what kind of", "kind of", "maybe", "please", "to"]), max_size=9)
)
def test_a_longer_mark_swallows_the_shorter_ones_inside_it(parts: list[str]) -> None:
    words = " ".join(parts).split()
    found = english().marks(words)
    assert found.count("hedges") <= len(words)
    assert found.count("please") == sum(
        word == "please" and (place == 0 or words[place - 1] != "to") for place, word in enumerate(words)
    )


def test_lists_hold_lower_case_words_with_straight_apostrophes() -> None:
    lexicon = english()
    entries = [*lexicon.words, *lexicon.phrases, *lexicon.imperatives]
    assert all(entry == entry.lower() and "’" not in entry for entry in entries)  # noqa: RUF001 - it is what is tested


def test_intervals_agree_with_published_figures() -> None:
    # Newcombe 1998, table I: 81 of 263. Breslow & Day 1987, table 2.11 by Byar: 10 -> 4.79 to 18.39.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert byar(10) == pytest.approx((4.79, 18.39), abs=0.01)
    assert byar(0)[0] == 0
    assert wilson(0, 0) == (0.0, 1.0)
    assert mean_interval([2, 4, 6]) == pytest.approx((4, 2, 4 - 2.263, 4 + 2.263), abs=1e-3)
    assert mean_interval([5]) == (5, 0, 5, 5)
