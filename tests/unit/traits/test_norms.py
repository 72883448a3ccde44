from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analyzers.text.style_lexicon import english
from app.traits.norms import Group, group, groups, reliability

ROOT = Path(__file__).resolve().parents[3]


def made(**figures: Any) -> Group:
    """A group of 40 writers with one habit: mean root 2, standard deviation 0.5 on that scale."""
    habit = {
        "mean": 4.25,
        "rootMean": 2.0,
        "rootSd": 0.5,
        "percentiles": {"25": 2.7, "75": 5.5},
        "reliability": {"350": 0.4, "1000": 0.65, "3000": 0.85},
    }
    return Group("letters_diaries/en", "1", 40, 10**6, "1660-1922", {"thing": habit | figures}, {})


def test_the_shipped_figures_cover_the_registers_and_languages() -> None:
    assert {name: found.writers for name, found in groups().items()} == {
        "chat/en": 40,
        "essay_blog/en": 30,
        "letters_diaries/en": 41,
        "letters_diaries/de": 8,
        "letters_diaries/es": 6,
        "letters_diaries/fr": 8,
        "speech/en": 46,
    }
    for found in groups().values():
        for habit, figures in found.habits.items():
            percentiles = [figures["percentiles"][p] for p in ("10", "25", "50", "75", "90")]
            assert percentiles == sorted(percentiles), habit
            assert all(0 <= figure <= 1 for figure in figures["reliability"].values()), habit


def test_english_groups_have_figures_for_every_counted_habit() -> None:
    counted = english().habits | english().classes
    for name in ("chat/en", "letters_diaries/en", "speech/en", "essay_blog/en"):
        assert not counted - set(groups()[name].habits) - {"swearing", "humour"}, name


def test_the_figures_name_their_sources_and_hold_no_text() -> None:
    document = json.loads((files("app.traits") / "data" / "norms-1.json").read_text("utf-8"))
    assert sum(source["writers"] for source in document["sources"]) == sum(g.writers for g in groups().values())
    assert all(source["licence"] and source["repository"] for source in document["sources"])

    def longest(value: Any) -> int:
        if isinstance(value, dict):
            return max(map(longest, value.values()), default=0)
        if isinstance(value, list):
            return max(map(longest, value), default=0)
        return len(value) if isinstance(value, str) else 0

    assert longest(document) < 120


def test_registers_differ_as_their_readers_know() -> None:
    questions = {name: found.habits["questions"]["mean"] for name, found in groups().items()}
    assert questions["chat/en"] > 2 * questions["speech/en"] > 4 * questions["letters_diaries/en"]


def test_there_is_no_group_for_what_was_not_measured() -> None:
    assert group("chat", "de") is None
    assert group("letters_diaries", None) is None


def test_a_rate_at_the_mean_stands_nowhere() -> None:
    found = made().compare("thing", 4.0, (3.5, 4.5), 3000)
    assert found
    assert found.z == pytest.approx(0)
    assert found.percentile == pytest.approx(50)
    assert found.above < 0.2
    assert found.below < 0.2


def test_z_is_shrunk_by_reliability_and_widened_by_the_number_of_writers() -> None:
    found = made().compare("thing", 9.0, (8.5, 9.5), 3000)
    assert found
    assert found.z == pytest.approx(2 / (1 + 1 / 40) ** 0.5)
    assert found.reliability == pytest.approx(0.85)
    assert found.z_shrunk == pytest.approx(0.85 * found.z)
    assert found.percentile == pytest.approx(100 * NormalDist().cdf(found.z_shrunk))
    assert found.above > 0.95
    assert found.below < 0.01


def test_the_same_rate_counts_for_less_in_a_shorter_text() -> None:
    certainty = [made().compare("thing", 9.0, (8.5, 9.5), words) for words in (350, 1000, 3000)]
    assert all(certainty)
    above = [found.above for found in certainty if found]
    assert above == sorted(above)
    assert [found.reliable for found in certainty if found] == [False, True, True]


def test_a_wide_interval_lowers_certainty_whatever_the_reliability() -> None:
    narrow, wide = (made().compare("thing", 9.0, interval, 3000) for interval in ((8.5, 9.5), (1.0, 30.0)))
    assert narrow
    assert wide
    assert wide.above < narrow.above


def test_skewed_percentiles_ask_for_more() -> None:
    even = made().compare("thing", 9.0, (8.5, 9.5), 3000)
    skewed = made(percentiles={"25": 2.7, "75": 8.5}).compare("thing", 9.0, (8.5, 9.5), 3000)
    assert even
    assert skewed
    assert skewed.above < even.above


def test_a_habit_that_nobody_has_or_that_is_not_measured_compares_with_nothing() -> None:
    assert made(rootSd=0.0).compare("thing", 9.0, (8, 10), 3000) is None
    assert made(reliability={}).compare("thing", 9.0, (8, 10), 3000) is None
    assert made().compare("another", 9.0, (8, 10), 3000) is None


def test_reliability_is_that_measured_at_the_measured_lengths() -> None:
    known = {"350": 0.4, "1000": 0.65, "3000": 0.85}
    for length, figure in known.items():
        assert reliability(known, int(length)) == pytest.approx(figure)


def test_reliability_beyond_the_lengths_follows_spearman_brown_up_to_its_limit() -> None:
    known = {"350": 0.4, "3000": 0.8}
    assert reliability(known, 175) == pytest.approx(0.25)
    assert reliability(known, 6000) == pytest.approx(2 * 0.8 / 1.8)
    assert reliability(known, 10**7) == 0.95
    assert reliability({"1000": 0.0}, 1000) is None
    assert reliability(known, 0) is None


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_reliability_never_falls_with_length_where_the_known_figures_do_not(one: int, other: int) -> None:
    known = {"350": 0.3, "1000": 0.5, "3000": 0.8}
    short, long = sorted((one, other))
    assert (reliability(known, short) or 0) <= (reliability(known, long) or 0) + 1e-12


def test_the_label_says_who_they_are() -> None:
    assert made().label == "letters and diaries of 41 writers, 1660-1922".replace("41", "40")
    assert groups()["speech/en"].label == "recorded talk of 46 speakers, 2000-2025"


def test_the_script_gives_every_author_one_vote_and_writes_figures_alone(tmp_path: Path) -> None:
    corpora = tmp_path / "corpora"
    corpora.mkdir()
    entries = []
    for author, questions in enumerate((0, 2, 10)):
        asked = ["Did Esmeralda see me there?"] * questions
        told = ["Esmeralda saw me there."] * (10 * (author + 1) - questions)
        (corpora / f"{author}.txt").write_text("\n\n".join(asked + told), "utf-8")
        entries.append(
            {
                "file": f"{author}.txt",
                "register": "letters_diaries",
                "language": "en",
                "era": f"{1850 + author}",
                "licence": "CC0-1.0",
                "source_repo": "someone/letters",
            }
        )
    (corpora / "MANIFEST.json").write_text(json.dumps({"files": entries}), "utf-8")
    out = tmp_path / "norms.json"
    command = [sys.executable, "scripts/norms.py", str(corpora), "--out", str(out), "--version", "test"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    document = json.loads(out.read_text("utf-8"))
    found = document["groups"]["letters_diaries/en"]
    assert document["version"] == "test"
    assert found["writers"] == 3
    assert found["years"] == "1850-1852"
    # 0 of 10, 2 of 20 and 10 of 30 sentences are questions.
    assert found["habits"]["questions"]["mean"] == pytest.approx((0 + 10 + 100 / 3) / 3, abs=1e-3)
    assert found["habits"]["questions"]["reliability"] == {}
    assert document["sources"] == [
        {
            "language": "en",
            "licence": "CC0-1.0",
            "register": "letters_diaries",
            "repository": "someone/letters",
            "writers": 3,
        }
    ]
    assert "smeralda" not in out.read_text("utf-8")
