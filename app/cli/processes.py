"""Finding and ending processes that an earlier start of this home left behind, and no others.

A process is ours when its environment carries our mark, or when it belongs to a session of a supervisor of ours and its
program, arguments or working folder lie in this checkout or home (PostgreSQL and Redis overwrite their environment).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: Environment variable that every process of a fleet inherits: the home it belongs to.
MARK = "ECHO_FLEET"

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A living process: its id, its start time in clock ticks (so that a reused id is seen), its arguments."""

    pid: int
    started: str
    line: str

    @property
    def alive(self) -> bool:
        """Whether it still is this very process, and not waiting to be reaped."""
        state, started, _ = _stat(self.pid) or ("Z", "", 0)
        return state != "Z" and started == self.started

    def send(self, signal_: signal.Signals) -> None:
        """Send a signal, if it still is this very process."""
        if self.alive:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, signal_)


def _stat(pid: int) -> tuple[str, str, int] | None:
    """State, start time and session of a process (proc(5), `stat`: only the last `)` surely ends the name)."""
    try:
        fields = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], fields[19], int(fields[3])


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _where(pid: int) -> str:
    try:
        return str((PROC / str(pid) / "cwd").readlink())
    except OSError:
        return ""


def _ancestors() -> set[int]:
    """This process and those that started it: a shell inside the fleet's environment must not end itself."""
    found, pid = set(), os.getpid()
    while pid > 1 and pid not in found:
        found.add(pid)
        status = _bytes(PROC / str(pid) / "status").decode(errors="replace")
        pid = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:")), 0)
    return found


def left_behind(home: Path, sessions: Iterable[int], folders: Iterable[Path]) -> list[Process]:
    """Living processes of the fleet of this home.

    Args:
        home: the home that the mark names.
        sessions: session ids of supervisors that this home started.
        folders: where a process of such a session has its program, arguments or working folder.
    """
    mark, wanted, places = f"{MARK}={home}".encode(), set(sessions), [str(folder) for folder in folders]
    found, ours = [], _ancestors()
    for entry in PROC.iterdir():
        if not entry.name.isdecimal() or int(entry.name) in ours:
            continue
        pid = int(entry.name)
        stat = _stat(pid)
        if stat is None or stat[0] == "Z":
            continue
        line = _bytes(entry / "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()
        marked = mark in _bytes(entry / "environ").split(b"\0")
        where = _where(pid)
        if marked or (stat[2] in wanted and any(place in line or where.startswith(place) for place in places)):
            found.append(Process(pid, stat[1], line))
    return found


def end(processes: Iterable[Process], signal_: signal.Signals, patience_s: float) -> list[Process]:
    """Send a signal to each and wait.

    Returns:
        Those that are still there after `patience_s` seconds.
    """
    living = list(processes)
    for process in living:
        process.send(signal_)
    deadline = time.monotonic() + patience_s
    while (living := [process for process in living if process.alive]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return living
