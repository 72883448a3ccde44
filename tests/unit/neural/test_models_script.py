from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def run(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The script as `make models` runs it, without a way to the hub."""
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "models.py"), *arguments],
        env={**os.environ, "ECHO_MODELS_DIR": str(place), "HF_HUB_OFFLINE": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with one model that somebody copied there."""
    folder = tmp_path / "models" / "emotion"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    return tmp_path / "models"


def test_a_model_that_cannot_be_fetched_is_said_in_a_sentence(place: Path) -> None:
    ended = run(place, "pull", "sentiment")

    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "by hand" in ended.stderr or "make models" in ended.stderr
    assert not (place / "sentiment").exists()


def test_it_is_no_error_where_models_are_optional(place: Path) -> None:
    ended = run(place, "pull", "--optional")

    assert ended.returncode == 0
    assert "skipped" in ended.stderr


def test_a_model_that_is_there_is_not_fetched_again(place: Path) -> None:
    ended = run(place, "pull", "emotion")

    assert ended.returncode == 0
    assert "emotion: installed" in ended.stdout


def test_an_unknown_name_lists_those_that_exist(place: Path) -> None:
    ended = run(place, "pull", "feelings")

    assert ended.returncode == 1
    assert "sentiment or emotion" in ended.stderr


def test_the_list_names_licences_and_what_is_installed(place: Path) -> None:
    lines = run(place, "list").stdout.splitlines()

    assert [line.split()[:2] for line in lines] == [["sentiment", "not"], ["emotion", "installed"]]
    assert "Apache-2.0" in lines[0]
    assert "MIT" in lines[1]
