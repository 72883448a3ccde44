"""`echosphere up`, `scale`, `down`: the real supervisor and real servers, processes small enough to kill."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from app.cli.processes import left_behind
from app.cli.supervision import Supervisor

ROOT = Path(__file__).resolve().parents[2]

#: A web tier that is ready at once, and says from which home it is.
WEB = """
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"home": os.environ["ECHO_HOME"]}).encode())
    def log_message(self, *arguments):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["ECHO_WEB_PORT"])), Handler).serve_forever()
"""
#: A worker that ends in order when asked to, and has a child.
WORKER = """
import signal, subprocess, sys
child = subprocess.Popen(["sleep", "900"])
def stop(number, frame):
    child.terminate()
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
signal.pause()
"""


class House:
    """One home with its own Procfile, and the command line in it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.procfile = folder / "Procfile"
        (folder / "web.py").write_text(WEB)
        (folder / "worker.py").write_text(WORKER)
        self.procfile.write_text(
            f"web: python {folder}/web.py\n"
            f"worker-text: python {folder}/worker.py $ECHO_HOME\n"
            f"worker-gpu: python {folder}/worker.py\n"
            f"release: echo migrated\n"
        )
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ECHO_")}
        self.environment = {**clean, "ECHO_HOME": str(self.home), "ECHO_PROCFILE": str(self.procfile)}

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", "from app.cli import main; main()", *arguments],
            cwd=ROOT, env={**self.environment, **environment}, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return found

    def pids(self) -> dict[str, int]:
        return {name: program["pid"] for name, program in Supervisor(self.home).states().items()}

    def left(self) -> list[int]:
        supervisor = Supervisor(self.home)
        places = (self.home.parent, supervisor.sockets)
        return [process.pid for process in left_behind(self.home, [], places)]


def until(holds: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def made() -> Iterator[House]:
    """A house of its own, empty of processes afterwards."""
    with tempfile.TemporaryDirectory(prefix="echo-up-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        one = House(folder)
        yield one
        one.run("down")
        assert one.left() == []


@contextmanager
def started() -> Iterator[House]:
    with made() as one:
        up = one.run("up", "--detach")
        assert up.returncode == 0, up.stderr
        yield one


@pytest.fixture
def house() -> Iterator[House]:
    with made() as one:
        yield one


@pytest.fixture
def up() -> Iterator[House]:
    with started() as one:
        yield one


@pytest.fixture(scope="module")
def shared() -> Iterator[House]:
    """For tests that leave everything running."""
    with started() as one:
        yield one


def test_up_starts_the_servers_and_every_process_and_says_so(shared: House) -> None:
    state = shared.status()
    assert state["ready"] is True
    assert set(state["services"]) == {"postgres", "redis", "web", "worker-text-1", "worker-gpu-1"}
    assert set(state) == {"ready", "url", "services", "queues", "runs"}
    assert set(state["queues"]["text"]) == {"depth", "workers", "slots"}
    assert (shared.home / "logs" / "release.log").read_text() == "migrated\n"


def test_up_when_it_is_up_says_so_and_changes_nothing(shared: House) -> None:
    before = shared.pids()
    again = shared.run("up")
    assert again.returncode == 0
    assert "already up" in again.stderr
    assert shared.pids() == before


def test_what_holds_addresses_and_sockets_is_the_owners_alone(shared: House) -> None:
    sockets = Supervisor(shared.home).sockets
    for path in (shared.home / "run.env", shared.home / "supervisord.conf", sockets / "supervisor.sock"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((sockets / "redis.sock").stat().st_mode) == 0o700


def test_scaling_adds_and_removes_only_the_difference(shared: House) -> None:
    before = shared.pids()
    assert shared.run("scale", "text=3", "gpu=0").returncode == 0
    grown = shared.pids()
    assert set(grown) - set(before) == {"worker-text-2", "worker-text-3"}
    assert set(before) - set(grown) == {"worker-gpu-1"}
    assert all(grown[name] == pid for name, pid in before.items() if name in grown)
    assert shared.run("scale", "text=1", "gpu=1").returncode == 0
    shrunk = shared.pids()
    assert {**shrunk, "worker-gpu-1": 0} == {**before, "worker-gpu-1": 0}


def test_up_in_a_size(house: House) -> None:
    assert house.run("up", "--detach", "--scale", "text=2,gpu=0").returncode == 0
    assert {name for name in house.pids() if name.startswith("worker")} == {"worker-text-1", "worker-text-2"}


@pytest.mark.parametrize("name", ["worker-text-1", "web", "postgres", "redis"])
def test_a_killed_process_comes_back(shared: House, name: str) -> None:
    before = shared.pids()[name]
    os.kill(before, signal.SIGKILL)
    until(lambda: shared.pids().get(name) not in {before, 0, None})
    until(lambda: shared.status()["ready"])


def test_a_process_killed_every_second_is_started_every_time(shared: House) -> None:
    seen = set()
    for _ in range(6):
        until(lambda: shared.pids()["worker-text-1"] not in {0, *seen})
        pid = shared.pids()["worker-text-1"]
        seen.add(pid)
        os.kill(pid, signal.SIGKILL)
    until(lambda: Supervisor(shared.home).states()["worker-text-1"]["state"] == "running")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_in_the_foreground_ends_with_everything_it_started(house: House, number: signal.Signals) -> None:
    process = house.start("up")
    until(lambda: "worker-gpu-1" in house.pids() or process.poll() is not None, 60)
    until(lambda: house.status()["ready"])
    os.killpg(process.pid, number)
    assert process.wait(60) == 0
    assert house.left() == []
    assert house.pids() == {}


def test_an_interrupted_start_leaves_nothing(house: House) -> None:
    process = house.start("up")
    until(lambda: "postgres" in house.pids() or process.poll() is not None, 60)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 0
    assert house.left() == []


def test_a_killed_supervisor_is_replaced_and_its_orphans_ended(up: House) -> None:
    orphans = up.pids()
    pid = Supervisor(up.home).pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: Supervisor(up.home).pid() is None)
    assert up.status()["ready"] is False
    assert up.run("up", "--detach").returncode == 0
    assert not set(orphans.values()) & set(up.pids().values())
    assert not [orphan for orphan in orphans.values() if Path(f"/proc/{orphan}").exists()]
    assert up.status()["ready"] is True


def test_down_ends_orphans_too(up: House) -> None:
    pid = Supervisor(up.home).pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert up.run("down").returncode == 0
    assert up.left() == []


def test_up_in_the_foreground_survives_its_supervisor(house: House) -> None:
    process = house.start("up")
    until(lambda: "worker-gpu-1" in house.pids() or process.poll() is not None, 60)
    first = Supervisor(house.home).pid()
    assert first is not None
    until(lambda: house.status()["ready"])
    os.kill(first, signal.SIGKILL)
    until(lambda: house.status()["ready"] and Supervisor(house.home).pid() != first, 60)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 0


def test_two_homes_run_side_by_side_and_none_takes_the_other_for_itself(shared: House, house: House) -> None:
    assert house.status()["ready"] is False
    assert house.run("up", "--detach").returncode == 0
    assert house.status()["url"] != shared.status()["url"]
    assert not set(house.pids().values()) & set(shared.pids().values())
    assert house.run("down").returncode == 0
    assert house.status()["ready"] is False
    assert shared.status()["ready"] is True


def test_a_port_that_was_asked_for_and_is_taken_is_named(house: House) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = str(taken.getsockname()[1])
        refused = house.run("up", "--detach", ECHO_WEB_PORT=port)
    assert refused.returncode == 1
    assert f"port {port} on 127.0.0.1 is taken" in refused.stderr
    assert "ECHO_WEB_PORT" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_failed_migration_is_told_and_leaves_nothing(house: House) -> None:
    house.procfile.write_text(house.procfile.read_text().replace("echo migrated", "echo no; exit 3"))
    failed = house.run("up", "--detach")
    assert failed.returncode == 1
    assert "migrations failed with status 3" in failed.stderr
    assert house.left() == []


def test_a_home_that_cannot_be_made_is_a_sentence(house: House) -> None:
    (house.home.parent / "file").touch()
    refused = house.run("up", ECHO_HOME=str(house.home.parent / "file" / "home"))
    assert refused.returncode == 1
    assert "cannot be written to" in refused.stderr
    assert "ECHO_HOME" in refused.stderr


def test_down_when_nothing_runs_is_done(house: House) -> None:
    done = house.run("down")
    assert (done.returncode, "Nothing was running" in done.stderr) == (0, True)


def test_asking_makes_nothing_and_stopping_removes_the_sockets(house: House) -> None:
    house.status()
    assert not Supervisor(house.home).sockets.exists()
    assert house.run("up", "--detach").returncode == 0
    sockets = Supervisor(house.home).sockets
    assert sockets.exists()
    assert house.run("down").returncode == 0
    assert not sockets.exists()


def test_a_second_ctrl_c_waits_for_nobody(house: House) -> None:
    worker = house.procfile.parent / "worker.py"
    worker.write_text("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.pause()\n")
    process = house.start("up")
    until(lambda: house.status()["ready"], 60)
    os.killpg(process.pid, signal.SIGINT)
    until(lambda: Supervisor(house.home).states().get("worker-text-1", {}).get("state") == "stopping")
    begun = time.monotonic()
    while process.poll() is None and time.monotonic() - begun < 20:
        os.kill(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(2)
    assert process.returncode == 0
    assert house.left() == []
