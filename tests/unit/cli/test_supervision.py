"""The supervisor's configuration, read by the supervisor's own parser."""

from __future__ import annotations

import re
import shlex
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from supervisor.options import ServerOptions

from app.cli.embedded import Postgres, Redis
from app.cli.procfile import Slot
from app.cli.supervision import Program, Supervisor, of_servers, of_slot
from app.errors import Misconfigured


def parsed(tmp_path: Path, programs: list[Program]) -> dict[str, object]:
    supervisor = Supervisor(tmp_path)
    supervisor._write(programs, tmp_path)
    options = ServerOptions()
    options.realize(["-c", str(supervisor.config)])
    return {group.name: group.process_configs[0] for group in options.process_group_configs}


def test_the_supervisor_understands_what_we_write(tmp_path: Path) -> None:
    programs = [
        *of_servers(Postgres(tmp_path, tmp_path), Redis(tmp_path, tmp_path / "r")),
        of_slot(Slot("web", 1, "serve")),
    ]
    read = parsed(tmp_path, programs)
    assert set(read) == {"postgres", "redis", "web"}
    assert read["postgres"].stopsignal == signal.SIGINT
    assert read["redis"].priority < read["web"].priority
    for program in read.values():
        assert program.startretries > 100_000
        assert program.umask == 0o077
        assert program.stdout_logfile_maxbytes == 10 * 2**20
        assert (program.stopasgroup, program.killasgroup) == (False, True)


@pytest.mark.parametrize(("kind", "least"), [("worker-text", 26), ("worker-gpu", 61), ("worker-llm", 26), ("web", 26)])
def test_workers_have_longer_to_stop_than_they_need_to_give_work_back(kind: str, least: int) -> None:
    assert of_slot(Slot(kind, 1, "x")).stop_s >= least


#: What a shell command of a Procfile may hold; line breaks cannot be in one, and the two comment marks are refused.
LINES = st.text(
    st.characters(codec="utf-8", exclude_characters="\n\r\x00\x85\u2028\u2029", exclude_categories=["Cc", "Cs"]),
    min_size=1,
)


@given(command=LINES)
def test_a_command_comes_back_as_it_was_written_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, command: str
) -> None:
    folder = tmp_path_factory.mktemp("conf")
    try:
        read = parsed(folder, [of_slot(Slot("worker-text", 1, command))])
    except Misconfigured:
        assert re.search(r"\s[;#]", f" {command}")
        return
    assert shlex.split(read["worker-text-1"].command) == ["/bin/sh", "-c", f"exec {command}"]


def test_nothing_runs_in_a_new_home(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    assert supervisor.pid() is None
    assert supervisor.states() == {}
    assert supervisor.end_left_behind() == []
