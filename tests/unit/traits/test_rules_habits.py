from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest

from app.analysis import Context
from app.analyzers.text.style import analyse
from app.analyzers.text.style_lexicon import english
from app.layers import TextLayer, join
from app.traits.habits import HABITS
from app.traits.norms import groups
from app.traits.rules_habits import MOST, signals
from app.traits.signals import Measured, Signal
from app.vocabulary import Authorship, ClaimKind, SegmentKind
from tests.unit.text.written import layer, plain


def read(made: TextLayer, authorship: Authorship = Authorship.SELF, **changes: Any) -> dict[str, Signal]:
    features = analyse(made, Context()).features | changes
    found = signals(Measured("text.style", uuid4(), features, made, authorship))
    return {signal.key: signal for signal in found}


def asking(sentences: int = 300, each: int = 4) -> list[str]:
    """Plain text in which every so-manieth sentence is a question."""
    paragraphs = plain(sentences)
    for place in range(0, sentences, each):
        paragraphs[place] = f"Do you remember how we got home after walk {paragraphs[place].split()[-1][:-1]}?"
    return paragraphs


def test_a_habit_beyond_the_norm_is_proposed_with_its_figures_and_instances() -> None:
    made = layer(*asking())
    signal = read(made)["habit:questions:high"]
    assert signal.name == "Asks a lot of questions"
    assert signal.claim_kind is ClaimKind.OBSERVED
    assert signal.own_words > 2500
    assert signal.certainty > 0.95
    assert signal.distance > 1.5
    assert signal.occurrences == 75
    assert 3 <= len(signal.evidence) <= 5
    assert all(made.proves(span) and made.text[span.start : span.end].endswith("?") for span in signal.evidence)
    assert signal.evidence[-1].start - signal.evidence[0].start > len(made.text) / 2
    assert re.fullmatch(
        r"25 questions in 100 sentences \(95 % interval 20 to 30\); blogs and essays of 30 writers, 2004-2024, "
        r"have \d\.\d; from \d,\d{3} own words\.",
        signal.description,
    )


def test_what_does_not_stand_out_is_not_proposed() -> None:
    assert "habit:questions:high" not in read(layer(*asking(each=60)))


@pytest.mark.parametrize("authorship", [Authorship.OTHER, Authorship.FICTION])
def test_other_peoples_texts_and_fiction_have_no_habits(authorship: Authorship) -> None:
    assert not read(layer(*asking()), authorship)


def test_a_text_of_unknown_authorship_must_speak_in_the_first_person() -> None:
    impersonal = [
        f"Is the valley number {place} deep? The river runs through the valley and the town lies on its bank."
        for place in range(200)
    ]
    assert not read(layer(*impersonal), Authorship.UNKNOWN)
    assert read(layer(*impersonal), Authorship.SELF)
    assert read(layer(*asking()), Authorship.UNKNOWN)


def test_nothing_is_said_of_fewer_than_100_own_words() -> None:
    assert not read(layer(*asking(8, 2)))


def test_little_text_is_proposed_with_a_word_of_caution_where_the_measure_allows_it() -> None:
    found = read(layer(*["Do you hear me when I call you from the garden?"] * 25))
    assert found["habit:questions:high"].own_words == 275
    assert found["habit:questions:high"].description.endswith("This is little text: take it with caution.")


def test_an_unreliable_measure_is_not_proposed_however_far_out() -> None:
    made = layer(*["I left because it rained. We stayed at home that day."] * 40)
    reliability = groups()["essay_blog/en"].habits["causal"]["reliability"]
    assert reliability["350"] < 0.6
    assert "habit:causal:high" not in read(made)


def test_without_a_norm_group_there_is_no_often() -> None:
    made = layer(*asking())
    assert not read(made, language="de", era="unknown", register="chat")
    assert not read(made, language=None)


def test_quoted_questions_are_not_the_persons_habit() -> None:
    paragraphs = plain(300)
    for place in range(0, 300, 4):
        paragraphs[place] = f"He asked me, “Do you remember walk number {place} of ours?” and I went on."
    assert "habit:questions:high" not in read(layer(*paragraphs))


def test_of_habits_that_say_the_same_one_is_proposed() -> None:
    found = read(layer(*["Perhaps I think it is so, or so it was. I came home then, and I think that we slept."] * 150))
    assert len({"habit:hedges:high", "habit:opinions:high"} & set(found)) == 1


def test_habits_show_different_sentences_where_they_can() -> None:
    paragraphs = asking()
    for place in range(2, 300, 4):
        paragraphs[place] = f"Perhaps I was wrong about the road, and probably about walk {place % 7} too."
    found = read(layer(*paragraphs))
    shown = [{span.start for span in found[f"habit:{key}:high"].evidence} for key in ("questions", "hedges")]
    assert all(len(starts) == 5 for starts in shown)
    assert not shown[0] & shown[1]


def test_short_sentences_come_with_long_ones_as_counter_evidence() -> None:
    paragraphs = [f"I came home late on day {place}. We slept quite well there." for place in range(300)]
    paragraphs[7] = "I walked along the river to the old mill, where we had met so often in the years before the flood."
    made = layer(*paragraphs)
    signal = read(made)["habit:sentence_length:low"]
    assert signal.counter
    lengths = [span.end - span.start for span in (*signal.evidence, *signal.counter)]
    assert max(lengths[: len(signal.evidence)]) < lengths[-1]


def test_punctuation_of_speech_is_the_transcribers() -> None:
    made = layer(
        *[f"I came home; we ate (not much) — and slept — on day {n}!" for n in range(300)], kind=SegmentKind.UTTERANCE
    )
    assert not {"habit:semicolons:high", "habit:dashes:high", "habit:parentheses:high"} & set(read(made))


def test_letters_may_say_you_without_a_trait() -> None:
    body = [f"You know how I miss you and your garden, and you do write so well of it, day {n}." for n in range(200)]
    text, segments = join(
        [
            ("Dear Ann,", SegmentKind.SALUTATION, {}),
            *((paragraph, SegmentKind.PARAGRAPH, {}) for paragraph in body),
            ("Yours, Tom", SegmentKind.SALUTATION, {}),
        ]
    )
    letter = TextLayer(text, language="en", segments=segments)
    assert "habit:second_person:high" in read(layer(*body))
    assert "habit:second_person:high" not in read(letter)


def test_a_modern_letter_is_held_against_both_groups_and_the_stricter_is_shown() -> None:
    paragraphs = asking(each=11)
    as_letter = read(layer(*paragraphs, register="letters_diaries", date="2021-03-01"))
    as_old_letter = read(layer(*paragraphs, register="letters_diaries", date="1851-03-01"))
    assert "habit:questions:high" in as_old_letter
    assert "letters and diaries" in as_old_letter["habit:questions:high"].description
    modern = as_letter.get("habit:questions:high")
    assert modern is None or "blogs and essays" in modern.description
    assert not any("letters and diaries" in s.description for k, s in as_letter.items() if "sentence_length" in k)


def test_at_most_ten_habits_each_named_in_six_words_or_fewer() -> None:
    busy = [
        f"Perhaps you know, I never thank you enough; but please forgive me, because I always love you dearly! (Haha.) "
        f"Would you come, if you could, like a friend, on day {place}? I hope so, indeed, for example with my mother."
        for place in range(150)
    ]
    found = read(layer(*busy))
    assert 5 < len(found) <= MOST
    assert all(len(signal.name.split()) <= 6 for signal in found.values())


def test_every_row_of_the_table_can_be_counted_and_is_named_shortly() -> None:
    counted = set(analyse(layer(*plain(3), kind=SegmentKind.MESSAGE), Context()).features["habits"])
    for habit in HABITS:
        assert habit.key in counted, habit.key
        assert len(habit.name.split()) <= 6, habit.name
        assert 0 < habit.specificity <= 1
        assert habit.shown_by in {"", "lowInstances"} or habit.shown_by in english().habits
    assert len({(habit.key, habit.low) for habit in HABITS}) == len(HABITS)


def test_trivial_classes_are_never_proposed() -> None:
    proposed = {habit.key for habit in HABITS}
    assert not proposed & {
        "articles", "prepositions", "personal_pronouns", "first_singular", "third_person", "past_focus", "negations",
        "present_focus", "future_focus", "swearing", "death", "money", "family", "home", "anger", "negative_feeling",
    }  # fmt: skip
