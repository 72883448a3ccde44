"""The whole fleet as operations run it: `echosphere up` in a home of its own, real processes, real servers."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import psycopg2.extras
import pytest

from config.broker import redis_client
from scripts.stores.aws import Aws
from scripts.stores.mongodb import FerretDB
from scripts.stores.neo4j import Neo4jServer
from scripts.stores.rabbitmq import RabbitMQ
from scripts.stores.redis import RedisServer
from scripts.stores.server import LocalServer, MissingToolchain, stop
from tests.servers import built, missing

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = Path(sys.executable).parent / "echosphere"

SENTENCES = (
    "I work as a nurse in a small hospital by the sea.",
    "Every morning I walk along the river before work.",
    "Do you still play the cello in the evenings?",
    "I love my garden, and the bees most of all.",
    "I think perhaps we could meet in June.",
    "Thank you so much for your long letter!",
    "Have you ever seen the bees swarm?",
    "My sister and I kept two hives when we were young.",
    "I cannot stand loud music in trains.",
    "Maybe the honey will be darker this year, I am not sure.",
    "Could you tell me how your mother is?",
    "We went down to the harbour and talked until midnight.",
)


def letter(seed: int, words: int = 700, extra: str = "") -> str:
    """A letter of made-up sentences, different for every seed."""
    rng = random.Random(seed)
    paragraphs, count = [f"Letter number {seed}. {extra}".strip()], 0
    while count < words:
        paragraph = " ".join(rng.choices(SENTENCES, k=5))
        count += len(paragraph.split())
        paragraphs.append(paragraph)
    return "\n\n".join(paragraphs) + "\n"


class Rabbit:
    """RabbitMQ and the Redis of its results, beside the fleet, killed and started again at will."""

    def __init__(self, place: Path) -> None:
        self.broker, self.results = RabbitMQ(place / "rabbitmq"), RedisServer(place / "results")
        self._pids: dict[str, int] = {}

    def start(self) -> None:
        for server in (self.results, self.broker):
            server.build()
            self._pids[server.name] = server.start()

    def stop(self) -> None:
        for pid in self._pids.values():
            stop(pid)

    def kill(self, *, empty: bool = False) -> None:
        """kill -9 of RabbitMQ, and a new start; `empty`: it and the results have lost everything."""
        os.killpg(self._pids["rabbitmq"], signal.SIGKILL)
        if empty:
            shutil.rmtree(self.broker.place / "mnesia")
            client = redis_client(self.results.url())
            client.flushall()
            client.close()
        self._pids["rabbitmq"] = self.broker.start()


@contextmanager
def stores_in(place: Path) -> Iterator[tuple[LocalServer, ...]]:
    """MongoDB's protocol, Neo4j, S3 and KMS for a fleet: all that it does not bring itself."""
    servers = (FerretDB(place / "mongodb"), Neo4jServer(place / "neo4j"), Aws(place / "aws"))
    with ExitStack() as stack:
        for server in servers:
            stack.enter_context(built(server).running())
        yield servers


@dataclass
class Fleet:
    """A running fleet and the ways a test looks at it."""

    home: Path
    environment: dict[str, str] = field(repr=False)
    #: Where the messages are; None for the Redis that the fleet brings.
    rabbit: Rabbit | None = None
    #: Where features, graph and objects are; none where PostgreSQL and files hold them.
    stores: tuple[LocalServer, ...] = ()

    def up(self, *arguments: str, tracer: tuple[str, ...] = (), log: Path) -> None:
        """Start it; the tracer, if any, goes on beside it and keeps what it was started with open."""
        with log.open("wb") as sink:
            started = subprocess.run(
                [*tracer, str(COMMAND), "up", "--detach", *arguments],
                env=self.environment,
                cwd=ROOT,
                stdout=sink,
                stderr=sink,
                stdin=subprocess.DEVNULL,
                timeout=180,
                check=False,
            )
        assert started.returncode == 0, log.read_text()[-2000:]

    def run(self, *args: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(COMMAND), *args],
            env=self.environment,
            cwd=ROOT,
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
        )

    def json(self, *args: str, timeout: float = 300) -> Any:
        done = self.run(*args, "--json", timeout=timeout)
        assert done.stdout.startswith("{"), done.stderr[-800:]
        return json.loads(done.stdout)

    def start(self, *args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(COMMAND), *args],
            env=self.environment,
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )

    def processes(self, word: str) -> list[psutil.Process]:
        """Our processes with that word in their command line."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("ECHO_HOME") == str(self.home)
                if ours and word in " ".join(process.cmdline()):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return found

    def kill(self, word: str, rng: random.Random | None = None) -> int:
        """kill -9 of one of them, or of all."""
        victims = self.processes(word)
        if rng and victims:
            victims = [rng.choice(victims)]
        for victim in victims:
            try:
                victim.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        return len(victims)

    def kill_service(self, name: str) -> None:
        """kill -9 of a supervised program; Redis and PostgreSQL rewrite their command lines."""
        detail = self.json("status")["services"][name]["detail"]
        if found := re.search(r"pid (\d+)", detail):
            os.kill(int(found.group(1)), signal.SIGKILL)

    def settings(self) -> dict[str, str]:
        lines = (self.home / "run.env").read_text().splitlines()
        return {key: value.strip("\"'") for key, _, value in (line.partition("=") for line in lines) if value}

    def sql(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        dsn = self.settings()["ECHO_DATABASE_URL"].replace("+psycopg2", "")
        connection = psycopg2.connect(dsn, cursor_factory=psycopg2.extras.RealDictCursor)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                found = [dict(row) for row in cursor.fetchall()]
            connection.commit()
            return found
        finally:
            connection.close()

    def until(self, statement: str, *parameters: Any, seconds: float = 120) -> list[dict[str, Any]]:
        """Wait until a query gives at least one row."""
        end = time.monotonic() + seconds
        while not (rows := self.sql(statement, *parameters)):
            assert time.monotonic() < end, f"not within {seconds} s: {statement}"
            time.sleep(0.2)
        return rows


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "brokers(*names): the fleet runs on each of these in turn; else redis alone; stores: RabbitMQ and the others",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fleet" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("brokers")
        metafunc.parametrize("fleet", marker.args if marker else ["redis"], indirect=True, scope="session")


@contextmanager
def rabbit_in(place: Path) -> Iterator[Rabbit]:
    """RabbitMQ for a fleet."""
    own = Rabbit(place)
    try:
        own.start()
        yield own
    except MissingToolchain as error:
        missing(error)
    finally:
        own.stop()


@contextmanager
def fleet_up(broker: str = "redis", *arguments: str, tracer: tuple[str, ...] = (), **settings: str) -> Iterator[Fleet]:
    """A fleet in a home of its own.

    Args:
        broker: "redis", "rabbitmq", or "stores" for RabbitMQ and all other servers.
        arguments: further ones of `echosphere up`.
        tracer: what `echosphere up` is started by, with all that it starts.
        settings: added to the environment.
    """
    place = Path(tempfile.mkdtemp(prefix="echo-fleet-"))
    place.chmod(0o755)
    home = place / "home"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ECHO_")}
    environment |= {"ECHO_HOME": str(home), "PYTHONPATH": str(ROOT), **settings}
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, place, ignore_errors=True)
        own = Fleet(home, environment)
        if broker in {"rabbitmq", "stores"}:
            own.rabbit = stack.enter_context(rabbit_in(place))
            environment |= {**own.rabbit.results.settings(), **own.rabbit.broker.settings()}
        if broker == "stores":
            own.stores = stack.enter_context(stores_in(place))
            for server in own.stores:
                environment |= server.settings()
        stack.callback(own.run, "down", timeout=120)
        own.up(*arguments, tracer=tracer, log=place / "up.log")
        yield own


@pytest.fixture(scope="session")
def fleet(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """The fleet, up once for all acceptance tests of a broker."""
    misbehaving = '{"text.sentiment": "tests.acceptance.misbehaving:analyse"}'
    with fleet_up(request.param, ECHO_ANALYZER_IMPLEMENTATIONS=misbehaving) as own:
        yield own


def nothing_twice(fleet: Fleet, user: str) -> None:
    """Show that nothing of a person is stored twice."""
    assert not fleet.sql(
        "SELECT 1 FROM raw_features WHERE user_id = %s GROUP BY source_package_id, analyzer HAVING count(*) > 1", user
    )
    assert not fleet.sql("SELECT 1 FROM candidates WHERE user_id = %s GROUP BY trait_key HAVING count(*) > 1", user)
    assert not fleet.sql(
        "SELECT 1 FROM evidence WHERE user_id = %s GROUP BY candidate_id, package_id, locator HAVING count(*) > 1", user
    )
