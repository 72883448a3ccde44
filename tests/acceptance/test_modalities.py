"""One package per modality through real workers ends in candidates whose evidence can be checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import ROOT, Fleet, letter

pytestmark = pytest.mark.fleet
PERSONA = ROOT / "examples" / "persona"


@pytest.fixture(scope="module")
def analysed(fleet: Fleet) -> Callable[[str], Any]:
    """What became of a file of the sample persona; it is analysed once."""

    def analyse(name: str) -> Any:
        return fleet.json("analyze", str(PERSONA / name), "--user", f"kind-{name.replace('.', '-')}")

    return cache(analyse)


def _snippets(got: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        snippet
        for candidate in got["candidates"]
        for snippet in (*candidate["supportingEvidenceSnippets"], *candidate["counterEvidenceSnippets"])
    ]


@pytest.mark.parametrize("name", ["diary.md", "letters.txt", "essay.docx", "voice_note.ogg", "note.png"])
def test_a_package_of_each_kind_ends_in_candidates_with_evidence(
    fleet: Fleet, analysed: Callable[[str], Any], name: str
) -> None:
    got = analysed(name)
    package = got["packages"][0]
    assert package["runStatus"] == "done", package
    assert got["candidates"]
    assert all(candidate["supportingEvidenceSnippets"] for candidate in got["candidates"])
    texts = {
        layer["textLayerID"]: fleet.run("text", package["packageID"], "--layer", layer["textLayerID"]).stdout
        for layer in package["textLayers"]
    }
    for snippet in _snippets(got):
        where = snippet["locator"]
        assert snippet["sourcePackageID"] == package["packageID"]
        if "charStart" in where:
            text = texts[where["textLayer"]]
            assert text[where["charStart"] : where["charEnd"]] == snippet["content"]
        else:
            assert 0 <= where["startTime"] < where["endTime"]


def test_every_snippet_of_a_text_file_is_literally_in_the_file(analysed: Callable[[str], Any]) -> None:
    got = analysed("letters.txt")
    words = (PERSONA / "letters.txt").read_text(encoding="utf-8")
    assert len(_snippets(got)) >= 15
    assert all(snippet["content"] in words for snippet in _snippets(got))


def test_the_steps_of_the_queues_say_what_they_did(fleet: Fleet, analysed: Callable[[str], Any]) -> None:
    got = analysed("letters.txt")
    steps = {step["analyzer"]: step for step in got["packages"][0]["steps"]}
    assert steps["text.style"]["queue"] == "text"
    assert steps["text.style"]["featureSetID"]
    assert steps["text.sentiment_model"]["reason"]["code"] == "model_missing"
    assert "make models" in steps["text.sentiment_model"]["reason"]["message"]
    documents = fleet.json("features", got["packages"][0]["packageID"])["data"]
    assert {document["status"] for document in documents} == {"success"}


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("empty.txt", b"", "empty"),
        ("broken.pdf", b"%PDF-1.7\n" + bytes(range(256)) * 4, "corrupt"),
        ("what.bin", bytes(range(256)) * 8, "unsupported_type"),
    ],
)
def test_what_cannot_be_read_says_why_and_exits_1(
    fleet: Fleet, tmp_path: Path, name: str, data: bytes, code: str
) -> None:
    (tmp_path / name).write_bytes(data)
    done = fleet.run("analyze", str(tmp_path / name), "--user", "unreadable", "--json")
    assert done.returncode == 1
    got = json.loads(done.stdout)
    assert got["packages"][0]["reason"]["code"] == code
    assert got["candidates"] == []


def test_one_bad_file_does_not_touch_the_others(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "good.txt").write_text(letter(1))
    got = fleet.json("analyze", str(tmp_path / "empty.txt"), str(tmp_path / "good.txt"), "--user", "mixed")
    assert [package["runStatus"] for package in got["packages"]] == ["rejected", "done"]


def test_the_same_words_in_two_files_make_no_candidate_twice(fleet: Fleet, tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        (tmp_path / f"{seed}.txt").write_text(letter(seed))
    got = fleet.json("analyze", *(str(tmp_path / f"{seed}.txt") for seed in (1, 2, 3)), "--user", "twice")
    names = [(candidate["traitName"], candidate["traitCategory"]) for candidate in got["candidates"]]
    assert len(names) == len(set(names))
    assert max(len({s["sourcePackageID"] for s in c["supportingEvidenceSnippets"]}) for c in got["candidates"]) > 1
