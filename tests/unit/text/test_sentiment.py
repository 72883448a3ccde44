from __future__ import annotations

import csv
from pathlib import Path

import pytest

from app.analysis import Context
from app.analyzers.text.sentiment import analyse
from app.errors import Refusal
from app.layers import Span
from app.vocabulary import ReasonCode, SegmentKind
from tests.unit.text.written import layer, plain

TWEETS = Path(__file__).resolve().parents[4] / "shared" / "samples" / "text" / "sentiment_tweets_a.csv"


def test_glad_sentences_score_above_zero_and_sad_ones_below() -> None:
    glad = analyse(layer("I love this wonderful day! It makes me so happy."), Context()).features
    sad = analyse(layer("I hate this horrible day. It makes me so sad and angry."), Context()).features
    assert glad["mean"] > 0.5
    assert glad["positiveShare"] == 1
    assert sad["mean"] < -0.5
    assert sad["negativeShare"] == 1


def test_curly_apostrophes_negate_like_straight_ones() -> None:
    curly = analyse(layer("It isn’t good at all."), Context()).features  # noqa: RUF001 - it is what is tested
    straight = analyse(layer("It isn't good at all."), Context()).features
    assert curly["mean"] == straight["mean"] < 0


def test_quoted_speech_is_not_the_writers_mood() -> None:
    found = analyse(
        layer("He said “I hate this awful, horrible, disgusting place.” I kept on painting the door."), Context()
    )
    assert found.features["mean"] == 0
    assert found.features["strongestNegative"] == []


def test_the_strongest_sentences_are_located_and_not_copied() -> None:
    made = layer(*plain(10), "I was terribly sad and cried.", "I am wonderfully happy and glad.")
    found = analyse(made, Context()).features
    best, worst = found["strongestPositive"][0], found["strongestNegative"][0]
    assert best["score"] > 0.5 > -0.5 > worst["score"]
    for row, content in ((best, "I am wonderfully happy and glad."), (worst, "I was terribly sad and cried.")):
        span = Span.from_json(row["span"])
        assert made.proves(span)
        assert made.text[span.start : span.end] == content
    assert "happy" not in repr(found)


def test_shares_add_up_to_the_whole() -> None:
    found = analyse(layer(*plain(20), "I am so happy!", "This is awful."), Context()).features
    assert found["positiveShare"] + found["negativeShare"] + found["neutralShare"] == pytest.approx(1, abs=1e-3)


def test_a_book_is_sampled_evenly() -> None:
    sad, glad = ["I am sad."] * 3000, ["I am happy."] * 3000
    found = analyse(layer(*sad, *glad), Context()).features
    assert found["sentences"] == 6000
    assert found["scored"] == 400
    assert found["positiveShare"] == found["negativeShare"] == 0.5


@pytest.mark.parametrize("language", ["de", "fr", "mixed", None])
def test_other_languages_are_refused_and_told_why(language: str | None) -> None:
    with pytest.raises(Refusal, match="only English") as refused:
        analyse(layer("Das ist ein schöner Tag.", language=language), Context())
    assert refused.value.reason.code is ReasonCode.UNSUPPORTED_TYPE


def test_nothing_of_ones_own_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        analyse(layer("Not mine.", kind=SegmentKind.QUOTATION), Context())
    assert refused.value.reason.code is ReasonCode.TOO_LITTLE_OWN_TEXT


@pytest.mark.skipif(not TWEETS.exists(), reason="the labelled sample is not there")
def test_the_sign_agrees_with_people_on_clearly_labelled_posts() -> None:
    right = total = 0
    with TWEETS.open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            label = float(row["mean_sentiment"])
            if abs(label) > 1:
                total += 1
                try:
                    score = analyse(layer(row["text"], kind=SegmentKind.MESSAGE), Context()).features["mean"]
                except Refusal:
                    continue
                right += score * label > 0
    assert total > 100
    assert right / total >= 0.8
