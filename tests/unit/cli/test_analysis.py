"""What the command line makes of the web tier's answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app.cli import analysis, show
from app.cli.analysis import Upload
from app.cli.fleet import sizes, usable
from app.vocabulary import ReasonCode, RunStatus

STEP = {
    "analyzer": "text.read", "version": "1", "queue": "text", "modality": "text", "phase": "perceive", "status": "done",
    "reason": None, "attempts": 1, "processingTimeMs": 5, "featureSetID": "f1",
}  # fmt: skip
PACKAGE = {
    "packageID": "p1", "runID": "r1", "file": "a.txt", "dataType": "text", "runStatus": "done", "reason": None,
    "progress": 1.0, "durationMs": 9, "createdAt": "x", "finishedAt": "y", "cost": {}, "textLayers": [],
    "steps": [STEP],
}  # fmt: skip


def candidate(**changes: object) -> dict[str, Any]:
    return {
        "traitName": "Asks [bold]much[/bold]", "traitDescription": "23 in 100 sentences", "claimKind": "observed",
        "traitCategory": "LinguisticStyle", "status": "candidate", "grade": "strong", "confidenceScore": 0.9,
        "associatedRawFeatureSetIDs": [], "supportingEvidenceSnippets": [], "counterEvidenceSnippets": [], **changes,
    }  # fmt: skip


def snippet(content: str, **locator: object) -> dict[str, Any]:
    return {"content": content, "sourcePackageID": "p1", "locator": locator, "label": "", "sourceDetail": "a.txt"}


def test_a_package_has_exactly_the_promised_shape() -> None:
    shape = Upload(Path("somewhere/a.txt"), "p1", PACKAGE).as_json()
    assert set(shape) == {"packageID", "file", "dataType", "runStatus", "reason", "durationMs", "steps", "textLayers"}
    assert set(shape["steps"][0]) == set(STEP) - {"phase", "attempts"}
    assert shape["file"] == "somewhere/a.txt"


@pytest.mark.parametrize(
    ("code", "status"), [(ReasonCode.LIMIT_EXCEEDED, RunStatus.REJECTED), (ReasonCode.INTERNAL, RunStatus.FAILED)]
)
def test_a_file_that_was_not_accepted_has_the_same_shape(code: ReasonCode, status: RunStatus) -> None:
    upload = Upload(Path("a.txt"))
    upload.refuse(code, "too large")
    shape = upload.as_json()
    assert set(shape) == set(Upload(Path("a"), "p1", PACKAGE).as_json())
    assert (shape["packageID"], shape["steps"], shape["textLayers"]) == (None, [], [])
    assert shape["reason"]["code"] == str(code)
    assert upload.status is status
    assert not upload.succeeded


@pytest.mark.parametrize("status", [*RunStatus])
def test_done_and_partial_are_success_and_nothing_else(status: RunStatus) -> None:
    upload = Upload(Path("a"), "p1", {**PACKAGE, "runStatus": str(status)})
    assert upload.succeeded is (status in {RunStatus.DONE, RunStatus.PARTIAL})


def test_each_reason_is_remarked_once() -> None:
    reason = {"code": "model_missing", "message": "run `make models`", "details": {}}
    skipped = [{**STEP, "analyzer": name, "status": "skipped", "reason": reason} for name in ("a", "b")]
    assert analysis.remarks(Upload(Path("a"), "p1", {**PACKAGE, "steps": [STEP, *skipped]})) == [
        "a skipped: run `make models`"
    ]


class Lists:
    """A web tier's answer to the one question that collecting asks."""

    def __init__(self, *candidates: dict[str, Any]) -> None:
        self._candidates = candidates

    def candidates(self) -> tuple[dict[str, Any], ...]:
        return self._candidates


def test_candidates_of_earlier_packages_are_left_out() -> None:
    mine = candidate(supportingEvidenceSnippets=[snippet("x")])
    by_features = candidate(associatedRawFeatureSetIDs=["f1"])
    earlier = candidate(supportingEvidenceSnippets=[{**snippet("x"), "sourcePackageID": "p0"}])
    lists: Any = Lists(mine, earlier, by_features)
    assert analysis.collect(lists, [Upload(Path("a"), "p1", PACKAGE)]) == [mine, by_features]


def test_a_file_that_was_not_accepted_brings_no_candidates() -> None:
    lists: Any = Lists(candidate(supportingEvidenceSnippets=[{**snippet("x"), "sourcePackageID": None}]))
    assert analysis.collect(lists, [Upload(Path("a"), None, {"steps": [{**STEP, "featureSetID": None}]})]) == []


def test_the_table_shows_names_passages_and_places_as_they_are() -> None:
    console = Console(width=120, record=True)
    spoken = {**snippet("", startTime=1.0, endTime=2.5), "label": "rising"}
    console.print(
        show.candidates_table(
            [
                candidate(
                    supportingEvidenceSnippets=[snippet("Why [red]not[/red]?\nWell", charStart=3, charEnd=9), spoken]
                )
            ]
        )
    )
    text = console.export_text()
    for shown in ("[bold]much[/bold]", "[red]not[/red]", "a.txt", "1.0-2.5 s", "strong", "rising"):
        assert shown in text


def test_a_long_passage_is_cut_with_a_mark() -> None:
    assert show.passage(snippet("word " * 100), 50).plain.count("word") < 12
    assert "…" in show.passage(snippet("word " * 100), 50).plain


RUNNING = {"web": {"state": "running"}, "worker-text-1": {"state": "starting"}}
UP, DOWN = {"state": "up"}, {"state": "down"}


@pytest.mark.parametrize(
    ("green", "parts", "states", "ready"),
    [
        (True, {"database": UP, "workers": UP}, RUNNING, True),
        (False, {"database": UP, "workers": DOWN}, RUNNING, True),
        (False, {"database": DOWN, "workers": UP}, RUNNING, False),
        (True, {}, {**RUNNING, "beat": {"state": "backoff"}}, False),
        (False, {}, RUNNING, False),
        (True, {}, {}, True),
        (False, {"workers": DOWN}, {}, False),
    ],
)
def test_ready_is_when_work_is_taken_and_will_be_done(
    green: bool, parts: dict[str, Any], states: dict[str, Any], ready: bool
) -> None:
    assert usable(green, {"parts": parts}, states) is ready


def test_sizes_are_counted_by_kind_and_not_by_a_name_that_begins_alike() -> None:
    states = ["web", "worker-text-1", "worker-text-12", "worker-texture-1", "postgres"]
    commands = dict.fromkeys(["web", "worker-text", "worker-texture", "worker-gpu", "release"], "x")
    assert sizes(dict.fromkeys(states), commands) == {
        "web": 1, "worker-text": 2, "worker-texture": 1, "worker-gpu": 0,
    }  # fmt: skip
