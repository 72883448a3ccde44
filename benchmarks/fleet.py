"""The fleet against the same analyzers in plain processes: same machine, same number of slots, same run.

Prints throughput ratio (goal 0.95), latency ratio of a single package (goal 1.5) and the overhead in ms a package with
empty analyzers (goal 6). Machines are noisy, so the two sides take turns and the median of the rounds counts.

    python benchmarks/fleet.py [--packages 60] [--slots 2] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
SIZE = 20_000
EMPTY = {
    "text.read": "benchmarks.empty:read",
    **{f"text.{name}": "benchmarks.empty:nothing" for name in ("statistics", "sentiment", "style", "topics", "facts")},
}


def texts(count: int, seed: int) -> list[bytes]:
    """English texts of 20 kB, each its own shuffle of the sample persona's paragraphs."""
    paragraphs = []
    for name in ("letters.txt", "diary.md"):
        paragraphs += (ROOT / "examples" / "persona" / name).read_text(encoding="utf-8").split("\n\n")
    rng, made = random.Random(seed), []  # noqa: S311 - a shuffle, not a secret
    for number in range(count):
        text = f"Text {seed}-{number}."
        while len(text) < SIZE:
            text += "\n\n" + rng.choice(paragraphs)
        made.append(text[:SIZE].encode("utf-8", "ignore"))
    return made


def plain(data: bytes) -> float:
    """All analyzers of a text in this process; seconds."""
    from app.analysis import Blob, Context  # noqa: PLC0415 - loaded in the measured processes
    from app.analyzers.catalog import analyzer, interpreting  # noqa: PLC0415

    begun = time.perf_counter()
    layer = analyzer("text.read").load()(Blob(data, "text/plain"), Context()).layers[0]
    for row in interpreting():
        if row.model is None:
            row.load()(layer, Context())
    return time.perf_counter() - begun


def plain_round(pool: ProcessPoolExecutor, batch: list[bytes]) -> float:
    """Seconds that plain processes take for the batch."""
    begun = time.perf_counter()
    list(pool.map(plain, batch))
    return time.perf_counter() - begun


@contextmanager
def fleet(home: Path, slots: int, *, empty: bool) -> Iterator[None]:
    """Servers and workers of our own: text workers with that many slots, one control worker, maintenance and beat."""
    from app.cli.embedded import Postgres, Redis, wait_for  # noqa: PLC0415 - after the environment is set

    home.mkdir(parents=True)
    home.chmod(0o755)
    postgres, redis = Postgres(home / "pg", home / "s"), Redis(home / "redis", home / "r.sock")
    postgres.prepare()
    redis.prepare()
    os.environ |= {
        "ECHO_HOME": str(home),
        "ECHO_DATABASE_URL": postgres.url,
        "ECHO_BROKER_URL": redis.url(0),
        "ECHO_RESULT_URL": redis.url(1),
        "ECHO_TEXT_CONCURRENCY": str(slots),
        "ECHO_ANALYZER_IMPLEMENTATIONS": json.dumps(EMPTY if empty else {}),
        "PYTHONPATH": str(ROOT),
    }
    celery = [sys.executable, "-m", "celery", "-A"]
    with ExitStack() as stack, (home / "log").open("wb") as log:

        def start(command: list[str]) -> None:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, start_new_session=True)  # noqa: S603 - our own command
            stack.callback(process.wait)
            stack.callback(process.send_signal, signal.SIGINT)

        start(postgres.command())
        start(redis.command())
        wait_for(postgres.ready, "PostgreSQL")
        wait_for(redis.ready, "Redis")
        postgres.create_database()
        alembic = [sys.executable, "-m", "alembic", "-c", "migrations/alembic.ini", "upgrade", "head"]
        subprocess.run(alembic, check=True, cwd=ROOT)  # noqa: S603 - our own command
        for kind in ("text", "control", "maintenance"):
            start([*celery, f"workers.{kind}", "worker"])
        start([*celery, "workers.beat", "beat"])
        yield
        from app.database import engine  # noqa: PLC0415 - as above

        engine().dispose()


class Client:
    """Submits as the web tier does, and waits by looking at the rows."""

    def __init__(self) -> None:
        from app.services import consents  # noqa: PLC0415 - after the environment is set

        self.user = f"bench-{time.time_ns()}"
        granted = consents.grant(self.user, ["analyse:text:local"], "benchmark")
        self.consent = UUID(str(granted["consentTokenID"]))

    def send(self, data: bytes) -> None:
        """One upload."""
        from app.services.submit import Upload, submit  # noqa: PLC0415
        from app.tasks.pipeline import pipeline  # noqa: PLC0415

        upload = Upload(self.user)
        upload.receive(iter([data]))
        submit(
            upload,
            consent_token_id=self.consent,
            source_description="benchmark",
            file_name="text.txt",
            data_type=None,
            metadata={"authorship": "self"},
            idempotency_key=None,
            pipeline=pipeline(),
        )

    def wait(self, poll_s: float) -> None:
        """Until nothing of this person is open."""
        from sqlalchemy import text  # noqa: PLC0415

        from app.database import transaction  # noqa: PLC0415

        question = text("SELECT count(*) FROM runs WHERE user_id = :u AND state IN ('queued', 'running')")
        while True:
            with transaction() as connection:
                if not connection.execute(question, {"u": self.user}).scalar():
                    return
            time.sleep(poll_s)

    def round(self, batch: list[bytes], poll_s: float = 0.05) -> float:
        """Seconds from the first upload to the last merge."""
        begun = time.perf_counter()
        for data in batch:
            self.send(data)
        self.wait(poll_s)
        return time.perf_counter() - begun


def processor_ms(home: Path) -> Counter[str]:
    """Processor time so far of this fleet's processes, ms, by kind: what a package costs beside its analyzers."""
    spent: Counter[str] = Counter()
    for process in psutil.process_iter():
        try:
            words, ours = " ".join(process.cmdline()), process.environ().get("ECHO_HOME") == str(home)
            times = process.cpu_times()
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if process.pid == os.getpid():
            kind = "client"
        elif "workers." in words and ours:
            kind = words.partition("workers.")[2].split()[0]
        else:
            kind = next((one for one in ("sandbox_child", "postgres", "redis-server") if one in words), "")
        if kind:
            spent[kind] += round(1000 * (times.user + times.system))
    return spent


def measure_real(home: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Throughput and latency beside plain processes, taking turns."""
    ratios, latencies = [], []
    with fleet(home, arguments.slots, empty=False), ProcessPoolExecutor(arguments.slots) as pool:
        warm = texts(4 * arguments.slots, 0)
        Client().round(warm)
        plain_round(pool, warm)
        figures = []
        spent: Counter[str] = Counter()
        for number in track(range(arguments.rounds), "with the real analyzers", console=Console(stderr=True)):
            batch = texts(arguments.packages, number + 1)
            beside, before = plain_round(pool, batch), processor_ms(home)
            ours = Client().round(batch)
            spent += processor_ms(home) - before
            ratios.append(beside / ours)
            figures.append((beside, ours))
            for single in batch[: min(10, len(batch))]:
                client = Client()
                alone = next(iter(pool.map(plain, [single])))
                latencies.append(client.round([single], poll_s=0.002) / alone)
    count = arguments.rounds * arguments.packages
    costs = {kind: ms / count for kind, ms in spent.most_common()}
    return {"ratios": ratios, "latencies": latencies, "figures": figures, "costs": costs}


def measure_empty(home: Path, arguments: argparse.Namespace) -> list[float]:
    """Milliseconds a package with empty analyzers."""
    costs = []
    with fleet(home, arguments.slots, empty=True):
        Client().round(texts(20, 0))
        for number in track(range(arguments.rounds), description="with empty analyzers", console=Console(stderr=True)):
            batch = texts(arguments.packages * 3, number + 100)
            costs.append(Client().round(batch) / len(batch) * 1000)
    return costs


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=int, default=60)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("real", "empty"))
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    table = Table("figure", "median", "rounds", "goal")
    with tempfile.TemporaryDirectory(prefix="echo-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        if arguments.only == "real":
            _real(table, measure_real(place / "real", arguments))
        elif arguments.only == "empty":
            _empty(table, measure_empty(place / "empty", arguments))
        else:
            # Settings, engine and Celery are made once a process: each side is measured in its own.
            for only in ("real", "empty"):
                again = [sys.executable, __file__, *sys.argv[1:], "--only", only]
                subprocess.run(again, check=True)  # noqa: S603 - this very program
            return
    Console().print(table)


def _real(table: Table, found: dict[str, Any]) -> None:
    beside, ours = (statistics.median(side) for side in zip(*found["figures"], strict=True))
    rounds = " ".join(f"{ratio:.2f}" for ratio in found["ratios"])
    table.add_row("throughput, fleet / plain processes", f"{statistics.median(found['ratios']):.2f}", rounds, "0.95")
    table.add_row("  seconds a round, plain and fleet", f"{beside:.2f} {ours:.2f}", "", "")
    costs = ", ".join(f"{kind} {cost:.0f}" for kind, cost in found["costs"].items())
    table.add_row("  processor time of the fleet, ms a package", f"{sum(found['costs'].values()):.0f}", costs, "")
    latencies = sorted(found["latencies"])
    spread = f"{latencies[0]:.2f} to {latencies[-1]:.2f}"
    table.add_row("latency of a single package, fleet / plain", f"{statistics.median(latencies):.2f}", spread, "1.5")


def _empty(table: Table, costs: list[float]) -> None:
    rounds = " ".join(f"{cost:.1f}" for cost in costs)
    table.add_row("overhead a package, ms", f"{statistics.median(costs):.1f}", rounds, "6")


if __name__ == "__main__":
    main()
