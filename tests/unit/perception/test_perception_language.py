from __future__ import annotations

import pytest

from app.perception.language import MIXED, identify

SENTENCES = {
    "en": "We walked along the river until the lamps were lit and the town grew quiet behind us. ",
    "de": "Wir gingen am Fluss entlang, bis die Laternen brannten und die Stadt hinter uns still wurde. ",
    "fr": "Nous avons marché le long de la rivière jusqu'à ce que les lampes soient allumées en ville. ",
    "es": "Caminamos a lo largo del río hasta que se encendieron las farolas y la ciudad quedó en silencio. ",
}


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("times", [1, 40])
def test_a_text_in_one_language_is_told(language: str, times: int) -> None:
    text = SENTENCES[language] * times
    assert identify(text, [(0, len(text))]) == language


def test_a_quotation_in_another_language_does_not_change_the_text_s() -> None:
    text = SENTENCES["en"] * 30 + SENTENCES["fr"] + SENTENCES["en"] * 30
    assert identify(text, [(0, len(text))]) == "en"


def test_halves_in_two_languages_are_mixed() -> None:
    text = SENTENCES["en"] * 20 + SENTENCES["de"] * 20
    assert identify(text, [(0, len(text))]) == MIXED


def test_only_the_given_ranges_count() -> None:
    text = SENTENCES["de"] * 20 + SENTENCES["en"] * 2
    assert identify(text, [(len(SENTENCES["de"]) * 20, len(text))]) == "en"


@pytest.mark.parametrize("text", ["", "Ja.", "1234567890 1234567890 1234567890 !!!"])
def test_too_few_letters_tell_nothing(text: str) -> None:
    assert identify(text, [(0, len(text))]) is None


def test_no_ranges_tell_nothing() -> None:
    assert identify("Some text in English.", []) is None
