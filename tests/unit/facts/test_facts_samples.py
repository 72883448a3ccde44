"""Real texts by known authors: what must be found in them and what must not be believed of their writers.

They lie beside the checkout and are no part of it; without them these tests are skipped.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest

from app.analysis import Blob, Context
from app.analyzers.text.facts import analyse
from app.layers import TextLayer
from app.perception.documents import read
from app.perception.sniff import sniff
from app.traits.rules_facts import signals
from app.traits.signals import Measured, Signal

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples do not stand beside this checkout")

FRANKLIN, KELLER, SULLIVAN = (
    "franklin_autobiography_1-9.txt",
    "keller_letters_1887-1901.txt",
    "sullivan_about_keller.txt",
)
QUIT, FIRST_YEAR = "mtlynch_2018_why_i_quit_google.md", "mtlynch_2019_first_year.md"


@cache
def proposed(name: str) -> tuple[TextLayer, tuple[Signal, ...]]:
    data = (SAMPLES / "text" / name).read_bytes()
    layer = read(Blob(data, sniff(data)[1]), Context()).layers[0]
    features = analyse(layer, Context()).features
    return layer, tuple(signals(Measured("text.facts", uuid4(), features, layer)))


@pytest.mark.parametrize(
    ("name", "quote"),
    [
        (FRANKLIN, "From a child I was fond of reading"),
        (FRANKLIN, "project of arriving at moral perfection"),
        (FRANKLIN, "My scheme of Order gave me the most trouble"),
        (FRANKLIN, "I soon became a thorough Deist"),
        (FRANKLIN, "one of the first great errata of my life"),
        (KELLER, "I love you"),
        (KELLER, "it has long been my ambition to go to Radcliffe"),
        (SULLIVAN, "I feel every day more and more inadequate"),
        (QUIT, "I've worked as a software developer at Google"),
        (QUIT, "I wanted to be an Indie Hacker"),
        (QUIT, "Founders on Indie Hackers captivated me"),
        (FIRST_YEAR, "always valued independence, I love being a solo developer"),
        (FIRST_YEAR, "At the end of each week, I spend 30-60 minutes writing"),
    ],
)
def test_what_is_known_of_the_author_is_proposed_with_its_words(name: str, quote: str) -> None:
    layer, found = proposed(name)
    assert any(quote in layer.text[s.start : s.end] for signal in found for s in signal.evidence)


def test_what_is_said_of_others_is_evidence_of_nothing() -> None:
    entries = json.loads((SAMPLES / "MANIFEST.json").read_text("utf-8"))["entries"]
    texts = [
        entry
        for entry in entries
        if entry["path"].startswith("text/") and "must_not_attribute" in entry.get("truth", {})
    ]
    assert texts
    for entry in texts:
        layer, found = proposed(entry["path"].removeprefix("text/"))
        for other in entry["truth"]["must_not_attribute"]:
            assert not any(other["quote"] in layer.text[s.start : s.end] for signal in found for s in signal.evidence)


def test_a_lecturer_with_imagined_opponents_yields_nothing() -> None:
    assert proposed("epictetus_discourses_1.txt")[1] == ()


def test_early_convictions_are_named_as_past() -> None:
    names = {signal.name for signal in proposed(FRANKLIN)[1]}
    assert "Became a thorough Deist" in names
    assert not {"Is a Deist", "Is a vegetarian"} & names


def test_letters_give_their_facts_a_date() -> None:
    (ambition,) = [signal for signal in proposed(KELLER)[1] if signal.key == "fact:goal:go to radcliffe"]
    assert "dated 1899-10-20" in ambition.description
