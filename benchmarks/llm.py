"""The language-model lane against the ideal, calls / concurrency x latency, with a stub for the vendor.

Prints seconds from the first upload to the last merge beside the ideal, calls a second, and what the calls cost the
llm worker in processor time and memory. The vendor is the stub of the tests, in a process of its own.

    python benchmarks/llm.py [--packages 200] [--latency 2] [--concurrency 8] [--pool threads]

`--pool gevent` needs gevent and psycogreen, which EchoSphere does not install, on PYTHONPATH
(docs/decisions/0021-threads-for-waiting.md says why).
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
#: Characters of a text: one window, so one call for each of the six tasks.
SIZE = 3_000
TASKS = 6
#: As it was given; the fleet has one of its own.
PYTHONPATH = os.environ.get("PYTHONPATH", "")
SCOPES = ["analyse:text:local", "analyse:text:anthropic"]
WORKERS = {
    "threads": [sys.executable, "-m", "celery", "-A", "workers.llm", "worker"],
    "gevent": [sys.executable, str(ROOT / "benchmarks" / "gevent_worker.py")],
}


def texts(count: int) -> list[bytes]:
    """English letters, each its own shuffle of the sample persona's paragraphs."""
    paragraphs = (ROOT / "examples" / "persona" / "letters.txt").read_text(encoding="utf-8").split("\n\n")
    rng, made = random.Random(7), []  # noqa: S311 - a shuffle, not a secret
    for number in range(count):
        text = f"Letter {number}."
        while len(text) < SIZE:
            text += "\n\n" + rng.choice(paragraphs)
        made.append(text.encode())
    return made


class Watch(threading.Thread):
    """Memory of the llm worker from now on, and its processor time from the start of the thread."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self._process, self._ended = process, threading.Event()
        self._idle, self._began = self._resident(), 0.0
        self.most = self._idle

    def run(self) -> None:
        """Look four times a second."""
        self._began = self._spent()
        while not self._ended.wait(0.25):
            self.most = max(self.most, self._resident())

    def end(self) -> dict[str, float]:
        """Seconds of processor time, and MiB idle and at most."""
        self._ended.set()
        return {"cpu": self._spent() - self._began, "idle": self._idle / 2**20, "most": self.most / 2**20}

    def _resident(self) -> int:
        return int(self._process.memory_info().rss)

    def _spent(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def stub(latency_s: float) -> Iterator[str]:
    """The vendor; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "tests.stub_anthropic", "--port", str(port), "--latency", str(latency_s)]
    process = subprocess.Popen(command, cwd=ROOT)  # noqa: S603 - our own module
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def worker(arguments: argparse.Namespace, home: Path) -> Iterator[psutil.Process]:
    """The llm worker, ready."""
    log = home / "llm.log"
    with log.open("wb") as sink:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), PYTHONPATH))}
        command = WORKERS[arguments.pool]
        process = subprocess.Popen(command, cwd=ROOT, stdout=sink, stderr=sink, env=environment)  # noqa: S603 - as above
    try:
        until = time.monotonic() + 30
        while b"ready" not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"the llm worker did not start: {log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def measure(arguments: argparse.Namespace, home: Path) -> dict[str, float]:
    """One round."""
    from benchmarks.fleet import Client, fleet  # noqa: PLC0415 - after the environment is set

    class Asking(Client):
        """Whose consent covers the vendor."""

        def __init__(self) -> None:
            from app.services import consents  # noqa: PLC0415 - as above

            super().__init__()
            self.consent = UUID(str(consents.grant(self.user, SCOPES, "benchmark")["consentTokenID"]))

    with stub(arguments.latency) as url:
        os.environ |= {
            "ECHO_ANTHROPIC_API_KEY": "stub-key",
            "ECHO_ANTHROPIC_BASE_URL": url,
            "ECHO_LLM_CONCURRENCY": str(arguments.concurrency),
            "ECHO_LLM_BUDGET_PERSON_MONTH": "100000",
            "ECHO_DATABASE_POOL_SIZE": str(arguments.concurrency),
            # The window lets in what keeps all slots busy.
            "ECHO_SLOTS": str(max(8, arguments.concurrency)),
        }
        with fleet(home, arguments.slots, empty=False), worker(arguments, home) as process:
            watch = Watch(process)
            Asking().round(texts(2))
            watch.start()
            client = Asking()
            seconds = client.round(texts(arguments.packages))
            return {"seconds": seconds, **watch.end(), **_calls(client.user)}


def _calls(user: str) -> dict[str, float]:
    from sqlalchemy import text  # noqa: PLC0415 - as above

    from app.database import transaction  # noqa: PLC0415 - as above

    with transaction() as connection:
        counted = text(
            "SELECT count(*) AS calls, count(*) FILTER (WHERE outcome = 'answered') AS answered,"
            " percentile_cont(0.5) WITHIN GROUP (ORDER BY milliseconds) AS median FROM llm_calls WHERE user_id = :user"
        )
        return {
            name: float(value or 0)
            for name, value in connection.execute(counted, {"user": user}).mappings().one().items()
        }


def _report(arguments: argparse.Namespace, found: dict[str, float]) -> Table:
    calls = arguments.packages * TASKS
    ideal = calls / arguments.concurrency * arguments.latency
    table = Table("figure", f"{arguments.pool}, {arguments.concurrency} at a time")
    rows: list[tuple[str, Any]] = [
        ("calls, answered", f"{found['calls']:.0f}, {found['answered']:.0f} of {calls}"),
        ("seconds, ideal", f"{found['seconds']:.1f}, {ideal:.1f}"),
        ("ideal / seconds", f"{ideal / found['seconds']:.2f}"),
        ("calls a second", f"{calls / found['seconds']:.2f}"),
        ("median of a call, ms", f"{found['median']:.0f}"),
        ("processor time of the llm worker, ms a call", f"{1000 * found['cpu'] / calls:.1f}"),
        ("  of one core", f"{found['cpu'] / found['seconds']:.0%}"),
        ("memory of the llm worker, MiB idle, at most", f"{found['idle']:.0f}, {found['most']:.0f}"),
    ]
    for name, value in rows:
        table.add_row(name, value)
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=int, default=200)
    parser.add_argument("--latency", type=float, default=2.0)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--slots", type=int, default=2, help="of the text worker")
    parser.add_argument("--pool", choices=sorted(WORKERS), default="threads")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="echo-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        found = measure(arguments, place / "fleet")
    Console().print(_report(arguments, found))


if __name__ == "__main__":
    main()
