"""supervisord, told what to run and asked how it goes: its configuration file, its XML-RPC socket, its end.

The library keeps processes alive; this module writes one program section per process, so that scaling adds and removes
whole sections and never touches the others (docs/decisions/0001).
"""

from __future__ import annotations

import http.client
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.cli.embedded import Postgres, Redis, runtime_dir, runtime_path
from app.cli.environment import for_processes, write_private
from app.cli.processes import Process, end, left_behind
from app.cli.procfile import Slot
from app.errors import Misconfigured
from config.settings import ROOT

#: Names of the servers we bring, which start first and stop last.
POSTGRES, REDIS = "postgres", "redis"
SERVERS = (POSTGRES, REDIS)

#: Seconds that a process may take to stop before it is killed; workers end or give back steps for 25 s (gpu 60 s),
#: Flower has nothing to lose.
STOP_S = {"worker-gpu": 70, "web": 30, "beat": 10, "flower": 2, POSTGRES: 30, REDIS: 15}
STOP_WORKER_S = 30

#: One log file's size; the one before it is kept.
LOG_BYTES = "10MB"

#: `wait` of supervisor's stop calls: answer at once.
_NO_WAIT = False

#: Supervisor counts failed starts up to this and waits a second longer after each: it never gives up.
NEVER_GIVE_UP = 1_000_000


@dataclass(frozen=True, slots=True)
class Program:
    """One section of the configuration.

    Attributes:
        name: of section and log file.
        command: as executed, without a shell.
        stop: signal that asks it to end.
        stop_s: seconds until it is killed.
        priority: started low to high, stopped high to low.
    """

    name: str
    command: tuple[str, ...]
    stop: signal.Signals = signal.SIGTERM
    stop_s: int = STOP_WORKER_S
    priority: int = 100

    def section(self, logs: Path) -> str:
        """The section's text. Only the parent is asked to stop, for it stops its children; a kill goes to all."""
        return "\n".join(
            [
                f"[program:{self.name}]",
                f"command={_escaped(shlex.join(self.command))}",
                f"directory={_escaped(str(ROOT))}",
                f"priority={self.priority}",
                "umask=077",
                "autostart=true",
                "autorestart=true",
                "startsecs=1",
                f"startretries={NEVER_GIVE_UP}",
                f"stopsignal={self.stop.name.removeprefix('SIG')}",
                f"stopwaitsecs={self.stop_s}",
                "stopasgroup=false",
                "killasgroup=true",
                "redirect_stderr=true",
                f"stdout_logfile={_escaped(str(logs / f'{self.name}.log'))}",
                f"stdout_logfile_maxbytes={LOG_BYTES}",
                "stdout_logfile_backups=1",
                "",
            ]
        )


def _escaped(value: str) -> str:
    """A value as supervisor's parser gives it back: `%` expands names there, and ` ;` or ` #` begins a comment."""
    if re.search(r"\s[;#]|[\r\n]", value):
        raise Misconfigured(
            "a Procfile line or a path holds ' ;', ' #' or a line break, which the supervisor cannot take"
        )
    return value.replace("%", "%%")


def of_slot(slot: Slot) -> Program:
    """A process of the Procfile; `exec` makes the program itself the one that gets the signals."""
    stop_s = STOP_S.get(slot.kind, STOP_WORKER_S)
    return Program(slot.name, ("/bin/sh", "-c", f"exec {slot.command}"), stop_s=stop_s)


def of_servers(postgres: Postgres | None, redis: Redis | None) -> list[Program]:
    """The servers we bring. SIGINT is PostgreSQL's fast shutdown: it does not wait for clients."""
    found = []
    if postgres is not None:
        found.append(Program(POSTGRES, tuple(postgres.command()), signal.SIGINT, STOP_S[POSTGRES], 10))
    if redis is not None:
        found.append(Program(REDIS, tuple(redis.command()), signal.SIGTERM, STOP_S[REDIS], 10))
    return found


class _Transport(xmlrpc.client.Transport):
    """XML-RPC over supervisord's Unix socket, giving up after a while."""

    def __init__(self, socket_file: Path, timeout: float) -> None:
        super().__init__()
        self._socket_file, self._timeout = socket_file, timeout

    def make_connection(self, host: Any) -> http.client.HTTPConnection:  # noqa: ANN401, ARG002 - typeshed's own signature
        import socket  # noqa: PLC0415 - only when something runs

        plug = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        plug.settimeout(self._timeout)
        plug.connect(str(self._socket_file))
        connection = http.client.HTTPConnection("localhost")
        connection.sock = plug
        return connection


class Supervisor:
    """The supervisor of one home, running or not."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.logs = home / "logs"
        self.config = home / "supervisord.conf"
        self._sessions = home / "supervisord.sessions"

    @property
    def sockets(self) -> Path:
        """Folder of all sockets of this home: that of the last start, since TMPDIR may differ from shell to shell."""
        with suppress(OSError):
            for line in self.config.read_text(encoding="utf-8").splitlines():
                if line.startswith("file="):
                    return Path(line.removeprefix("file=").replace("%%", "%")).parent
        return runtime_path(self.home)

    def _call(self, method: str, *arguments: Any, timeout: float = 10) -> Any:  # noqa: ANN401 - XML-RPC values
        with xmlrpc.client.ServerProxy(
            "http://localhost", transport=_Transport(self.sockets / "supervisor.sock", timeout)
        ) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def pid(self) -> int | None:
        """Process id of a supervisord that answers, else None."""
        try:
            return int(self._call("getPID", timeout=3))
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return None

    def states(self) -> dict[str, dict[str, Any]]:
        """Of every program: {state, detail, pid}, state in supervisor's words; empty where nothing runs."""
        try:
            rows = self._call("getAllProcessInfo", timeout=3)
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return {}
        return {
            row["name"]: {"state": row["statename"].lower(), "detail": row["description"], "pid": row["pid"]}
            for row in rows
        }

    def _write(self, programs: Iterable[Program], sockets: Path) -> None:
        self.logs.mkdir(mode=0o700, exist_ok=True)
        head = "\n".join(
            [
                "; Written by `echosphere up`; changes are lost at the next start.",
                "[unix_http_server]",
                f"file={_escaped(str(sockets / 'supervisor.sock'))}",
                "chmod=0600",
                "",
                "[supervisord]",
                "nodaemon=true",
                "silent=true",
                f"directory={_escaped(str(ROOT))}",
                f"childlogdir={_escaped(str(self.logs))}",
                f"logfile={_escaped(str(self.logs / 'supervisord.log'))}",
                f"logfile_maxbytes={LOG_BYTES}",
                "logfile_backups=1",
                f"pidfile={_escaped(str(self.home / 'supervisord.pid'))}",
                "",
                "[rpcinterface:supervisor]",
                "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
                "",
            ]
        )
        write_private(self.config, "\n".join([head, *(program.section(self.logs) for program in programs)]))

    def start(self, programs: Iterable[Program]) -> subprocess.Popen[bytes]:
        """Start supervisord with these programs, in a session of its own, so that Ctrl-C here does not reach them.

        Raises:
            Misconfigured: it does not answer.
        """
        self._write(programs, runtime_dir(self.home))
        with (self.logs / "supervisord.err").open("wb") as sink:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
                [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.config)],
                stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, cwd=ROOT, env=for_processes(self.home),
                start_new_session=True,
            )  # fmt: skip
        with self._sessions.open("a", encoding="utf-8") as known:
            known.write(f"{process.pid}\n")
        deadline = time.monotonic() + 20
        while self.pid() != process.pid:
            if process.poll() is not None or time.monotonic() > deadline:
                raise Misconfigured(f"the supervisor did not start: {self.logs / 'supervisord.err'} says why")
            time.sleep(0.05)
        return process

    def apply(self, programs: Iterable[Program]) -> tuple[list[str], list[str]]:
        """Make the running supervisor run these programs: drop those gone, start the new ones, leave all others alone.

        A section that reads differently by now, as after an upgrade, is taken over at the next `up`, not here.

        Returns:
            Names added and names removed.
        """
        self._write(programs, self.sockets)
        ((added, _changed, removed),) = self._call("reloadConfig")
        self._stop(removed)
        for name in removed:
            self._call("removeProcessGroup", name)
        for name in added:
            self._call("addProcessGroup", name)
        return added, removed

    def _stop(self, names: Iterable[str]) -> None:
        """Stop programs side by side, waiting as long as the slowest of them may take."""
        waiting = set(names)
        for name in waiting:
            with suppress(xmlrpc.client.Fault):  # it may just not run
                self._call("stopProcessGroup", name, _NO_WAIT)
        deadline = time.monotonic() + max(STOP_S.values()) + 5
        while waiting and time.monotonic() < deadline:
            states = self.states()
            running = {"running", "stopping", "starting"}
            waiting = {name for name in waiting if states.get(name, {}).get("state") in running}
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop everything: the application first and all at once, then the servers, then what an earlier start left."""
        if (pid := self.pid()) is not None:
            with suppress(OSError, http.client.HTTPException, xmlrpc.client.Error):
                self._stop(name for name in self.states() if name not in SERVERS)
                # Not left to `shutdown`, which takes a second for every group that has long stopped.
                self._stop(name for name in self.states() if name in SERVERS)
                self._call("shutdown")
            _gone(pid, seconds=max(STOP_S[name] for name in SERVERS) + 10)
        self.end_left_behind()

    def kill(self) -> None:
        """End everything at once, the database in order: what a second Ctrl-C asks for."""
        if (pid := self.pid()) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.end_left_behind(patience_s=0)

    def end_left_behind(self, patience_s: float = 20) -> list[Process]:
        """End what a supervisor that was killed has left, workers first and servers after them.

        Returns:
            Those that were found.
        """
        sessions = self._recorded_sessions()
        found = self._left(sessions)
        servers = [process for process in found if _is_server(process)]
        stubborn = end([process for process in found if process not in servers], signal.SIGTERM, patience_s)
        end(stubborn, signal.SIGKILL, 5)
        # A worker's children may have been started, or lost their parent, while it was being stopped.
        end(end((late for late in self._left(sessions) if not _is_server(late)), signal.SIGTERM, 1), signal.SIGKILL, 5)
        end(end(servers, signal.SIGINT, 20), signal.SIGKILL, 5)
        end(self._left(sessions), signal.SIGKILL, 5)
        self._sessions.unlink(missing_ok=True)
        shutil.rmtree(self.sockets, ignore_errors=True)
        return found

    def _recorded_sessions(self) -> list[int]:
        with suppress(OSError):
            return [int(line) for line in self._sessions.read_text(encoding="utf-8").split()]
        return []

    def _left(self, sessions: list[int]) -> list[Process]:
        return left_behind(self.home, sessions, (ROOT, self.home, self.sockets))


def _is_server(process: Process) -> bool:
    return Path(process.line.partition(" ")[0]).name in {"postgres", "redis-server"}


def _gone(pid: int, seconds: float) -> bool:
    """Wait until a process has ended, reaping it where it is our child."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
