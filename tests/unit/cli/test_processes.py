"""Finding our own processes, and no others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.cli.processes import MARK, Process, end, left_behind


@contextmanager
def sleeper(*, cwd: Path, mark: Path | None = None, deaf: bool = False) -> Iterator[int]:
    """A process in a session of its own that says when it is there."""
    deafness = "signal.signal(signal.SIGTERM, signal.SIG_IGN);" if deaf else ""
    environment = {**os.environ, **({MARK: str(mark)} if mark else {})}
    process = subprocess.Popen(
        [sys.executable, "-c", f"import signal; {deafness} print('there', flush=True); signal.pause()"],
        cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "there\n"
        yield process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def pids(processes: list[Process]) -> set[int]:
    return {process.pid for process in processes}


def test_a_marked_process_is_found_and_another_homes_is_not(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    with sleeper(cwd=Path("/"), mark=mine) as ours, sleeper(cwd=Path("/"), mark=other) as theirs:
        found = pids(left_behind(mine, [], []))
    assert ours in found
    assert theirs not in found


def test_a_home_whose_name_begins_alike_is_another_home(tmp_path: Path) -> None:
    with sleeper(cwd=Path("/"), mark=tmp_path / "home2") as theirs:
        assert theirs not in pids(left_behind(tmp_path / "home", [], []))


def test_a_process_of_a_recorded_session_counts_only_in_our_folders(tmp_path: Path) -> None:
    with sleeper(cwd=tmp_path) as inside, sleeper(cwd=Path("/")) as outside:
        found = pids(left_behind(tmp_path / "home", [inside, outside], [tmp_path]))
        unrecorded = pids(left_behind(tmp_path / "home", [], [tmp_path]))
    assert found == {inside}
    assert unrecorded == set()


def test_this_process_never_finds_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys; from pathlib import Path; from app.cli.processes import left_behind;"
        "print([p.pid for p in left_behind(Path(sys.argv[1]), [], [])])"
    )
    monkeypatch.setenv(MARK, str(tmp_path))
    told = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


def test_a_deaf_process_is_told_to_be_still_there(tmp_path: Path) -> None:
    with sleeper(cwd=tmp_path, mark=tmp_path, deaf=True) as pid:
        found = left_behind(tmp_path, [], [])
        assert pids(end(found, signal.SIGTERM, 0.2)) == {pid}
        assert end(found, signal.SIGKILL, 5) == []


def test_a_process_id_that_was_used_again_is_not_signalled() -> None:
    assert not Process(os.getpid(), "1", "something else").alive
