"""What the house promises about itself: light where it must be, complete where it says so."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.analyzers import catalog
from app.analyzers.catalog import AnalyzerRow, analyzer, perceiving
from app.errors import EchoError, Misconfigured, Reason, Refusal
from app.vocabulary import DataType, Modality, Phase, Queue, ReasonCode, RunStatus, StepStatus

ROOT = Path(__file__).resolve().parent.parent.parent.parent
HEAVY = {
    "torch",
    "transformers",
    "librosa",
    "parselmouth",
    "pytesseract",
    "av",
    "sklearn",
    "scipy",
    "numpy",
    "PIL",
    "spacy",
}


@pytest.mark.parametrize("package", ["app.web", "app.tasks", "app.cli", "app.services", "app.models"])
def test_the_light_tiers_load_no_heavy_library(package: str) -> None:
    code = (
        "import sys, pkgutil, importlib\n"
        f"m = importlib.import_module({package!r})\n"
        "[importlib.import_module(x.name) for x in pkgutil.walk_packages(m.__path__, m.__name__ + '.')]\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_every_implementation_of_the_catalog_exists() -> None:
    for row in catalog.BUILT_IN:
        module, _, function = row.implementation.partition(":")
        tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text())
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert function in defined, row.implementation


def test_every_scope_names_action_modality_and_place() -> None:
    assert all(re.fullmatch(r"analyse:(text|audio|image):local", row.scope) for row in catalog.BUILT_IN)
    assert {row.scope for row in catalog.BUILT_IN} <= set(catalog.LOCAL_SCOPES)


def test_an_unknown_analyzer_is_answered_with_those_that_exist() -> None:
    with pytest.raises(Misconfigured, match=r"text\.style"):
        analyzer("text.stlye")


def test_two_rows_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "BUILT_IN", (*catalog.BUILT_IN, catalog.BUILT_IN[0]))
    catalog.catalog.cache_clear()
    try:
        with pytest.raises(Misconfigured, match=re.escape(catalog.BUILT_IN[0].name)):
            catalog.catalog()
    finally:
        monkeypatch.undo()
        catalog.catalog.cache_clear()


def test_light_analyzers_of_a_queue_share_a_lane_and_heavy_ones_do_not() -> None:
    row = AnalyzerRow(
        name="x.y",
        version="1",
        phase=Phase.INTERPRET,
        modality=Modality.TEXT,
        queue=Queue.GPU,
        scope="analyse:text:local",
        implementation="a:b",
    )
    assert row.lane == "gpu"
    heavy = {r.lane for r in catalog.BUILT_IN if r.heavy}
    assert len(heavy) == len([r for r in catalog.BUILT_IN if r.heavy])
    assert not heavy & {str(queue) for queue in Queue}


@pytest.mark.parametrize("kind", [kind for kind in DataType if kind is not DataType.UNKNOWN])
def test_every_kind_of_data_has_an_analyzer_that_opens_it(kind: DataType) -> None:
    assert perceiving(kind)


def test_final_states_are_final() -> None:
    assert {s for s in RunStatus if not s.final} == {RunStatus.QUEUED, RunStatus.RUNNING}
    assert {s for s in StepStatus if not s.final} == {StepStatus.PENDING, StepStatus.RUNNING}


@pytest.mark.parametrize("code", list(ReasonCode))
def test_a_reason_survives_its_row(code: ReasonCode) -> None:
    reason = Refusal(code, "why", limit=3).reason
    assert Reason.from_json(reason.as_json()) == reason


def test_every_error_has_a_status_and_a_code() -> None:
    for error in EchoError.__subclasses__():
        assert 400 <= error.status < 600
        assert re.fullmatch(r"[a-z_]+", error.code)


def test_only_the_pipeline_builds_chords() -> None:
    using = [
        path.relative_to(ROOT).as_posix()
        for folder in ("app", "workers", "config")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"(?<![\w.])chord\(", path.read_text())
    ]
    assert using == ["app/tasks/pipeline.py"]


def test_files_stay_short_and_the_project_speaks_of_itself_alone() -> None:
    for path in [p for folder in ("app", "workers", "config") for p in (ROOT / folder).rglob("*.py")]:
        assert len(path.read_text().splitlines()) <= 400, path
