from __future__ import annotations

import subprocess
import sys

import pytest

from app.analysis import Context
from app.analyzers.text.statistics import analyse, hdd, mtld
from app.errors import Refusal
from app.layers import TextLayer, join
from app.vocabulary import ReasonCode, SegmentKind
from tests.unit.text.written import layer, plain


def test_own_words_and_sentences_are_counted_and_others_are_not() -> None:
    text, segments = join(
        [
            ("A title with words", SegmentKind.HEADING, {}),
            ("Mr. Smith came. He said “I will not stay here any longer.” I left.", SegmentKind.PARAGRAPH, {}),
            ("somebody else wrote this", SegmentKind.QUOTATION, {}),
        ]
    )
    found = analyse(TextLayer(text, language="en", segments=segments), Context()).features
    assert found["ownWords"] == 7
    assert found["sentences"] == 3
    assert found["paragraphs"] == 1
    assert 0.4 < found["quotedShare"] < 0.7
    assert found["sentenceLength"] == {"mean": 2.333, "sd": 0.577, "median": 2.0, "longest": 3.0}
    assert found["readability"] is None
    assert found["vocabulary"] is None


def test_long_words_and_sentences_read_harder_than_short_ones() -> None:
    easy = layer(*["The cat sat on the mat. The dog ran to the man. I saw a red hat."] * 10)
    sentence = (
        "Notwithstanding considerable administrative complications, institutional representatives communicated "
        "extraordinarily sophisticated recommendations regarding international organisational responsibilities."
    )
    hard = layer(*[sentence] * 10)
    simple, difficult = (analyse(text, Context()).features["readability"] for text in (easy, hard))
    assert simple["flesch_reading_ease"] > 90
    assert difficult["flesch_reading_ease"] < 0
    assert simple["flesch_kincaid_grade"] < 3
    assert difficult["flesch_kincaid_grade"] > 15


def test_abbreviations_do_not_make_sentences_for_the_formulas() -> None:
    with_titles = layer(*["Mr. and Mrs. Brown met Dr. Jones near St. James on Monday."] * 12)
    without = layer(*["Mr and Mrs Brown met Dr Jones near St James on Monday."] * 12)
    assert (
        analyse(with_titles, Context()).features["readability"] == analyse(without, Context()).features["readability"]
    )


def test_other_languages_get_figures_that_know_no_language() -> None:
    found = analyse(layer(*plain(30), language="de"), Context()).features
    assert found["readability"] is None
    assert found["vocabulary"]["mtld"] > 0
    assert found["sentenceLength"]["mean"] > 5


def test_mtld_of_all_different_words_is_their_number_and_of_repetition_is_short() -> None:
    assert mtld([str(number) for number in range(50)]) == 50
    assert mtld(["again"] * 100) == 2


def test_hdd_is_the_expected_share_of_types_in_42_words_drawn() -> None:
    assert hdd(["same"] * 100) == pytest.approx(1 / 42)
    assert hdd([str(number) for number in range(100)]) == pytest.approx(1.0)
    # Two words, 50 each: both are drawn but with a chance of 2 * C(50, 42) / C(100, 42).
    assert hdd(["a", "b"] * 50) == pytest.approx(2 / 42, rel=1e-6)


def test_hdd_hardly_depends_on_length_where_the_type_token_ratio_does() -> None:
    words = [str((number * number) % 97) for number in range(4000)]
    assert hdd(words[:1000]) == pytest.approx(hdd(words), rel=0.01)


def test_nothing_of_ones_own_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        analyse(layer("Somebody else wrote all of it.", kind=SegmentKind.QUOTATION), Context())
    assert refused.value.reason.code is ReasonCode.TOO_LITTLE_OWN_TEXT


def test_no_text_stays_in_the_librarys_caches() -> None:
    analyse(layer(*plain(30)), Context())
    from textstat.textstat import textstatistics  # type: ignore[import-untyped]

    assert textstatistics.syllable_count.cache_info().currsize == 0
    assert textstatistics.difficult_words.cache_info().currsize == 0


def test_readability_opens_no_network_connection() -> None:
    program = (
        "import socket\n"
        "def refuse(*args, **kwargs): raise OSError('no network')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "from app.analysis import Context\n"
        "from app.analyzers.text.statistics import analyse\n"
        "from tests.unit.text.written import layer, plain\n"
        "print(analyse(layer(*plain(30)), Context()).features['readability']['smog_index'] > 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.strip() == "True", done.stderr
    assert not done.stderr
