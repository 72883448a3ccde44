"""Real servers for every test that asks for one: PostgreSQL and Redis of our own, on Unix sockets, gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.cli.embedded import Postgres, Redis, wait_for

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def server(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server process of this test run, stopped by its own pid."""
    with log.open("ab") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink, cwd="/", start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """A short folder that every account may enter, for servers and state."""
    folder = Path(tempfile.mkdtemp(prefix="echo-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def home(place: Path) -> Iterator[Path]:
    """`ECHO_HOME` of the whole test run; the environment of every process that a test starts."""
    folder = place / "home"
    folder.mkdir()
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("ECHO_")]:
        del os.environ[name]
    os.environ["ECHO_HOME"] = str(folder)
    yield folder
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def postgres(place: Path, home: Path) -> Iterator[Postgres]:
    """A migrated PostgreSQL."""
    from alembic import command
    from alembic.config import Config

    from config.settings import settings

    cluster = Postgres(place / "pg", place / "s")
    cluster.prepare()
    with server(cluster.command(), place / "postgres.log"):
        wait_for(cluster.ready, "PostgreSQL")
        cluster.create_database()
        os.environ["ECHO_DATABASE_URL"] = cluster.url
        settings.cache_clear()
        command.upgrade(Config(str(ROOT / "migrations" / "alembic.ini")), "head")
        yield cluster
        from app.database import engine

        engine().dispose()


@pytest.fixture(scope="session")
def redis_server(place: Path, home: Path) -> Iterator[Redis]:
    """A Redis of our own, set as broker and result backend."""
    from config.settings import settings

    own = Redis(place / "redis", place / "r.sock")
    own.prepare()
    with server(own.command(), place / "redis.log"):
        wait_for(own.ready, "Redis")
        os.environ["ECHO_BROKER_URL"] = own.url(0)
        os.environ["ECHO_RESULT_URL"] = own.url(1)
        settings.cache_clear()
        yield own
