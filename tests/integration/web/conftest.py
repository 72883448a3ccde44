"""The API over real servers: in this process through Flask's client, and as gunicorn serves it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.cli.embedded import Postgres, Redis, wait_for
from app.services.tokens import OWN_SCOPES
from tests.integration.web.http_support import INTERNAL, ROOT, Person, Served, bearer, free_port, stock


@pytest.fixture(scope="session")
def app(postgres: Postgres, redis_server: Redis) -> Flask:
    from app.web import create_app
    from config.logging import configure
    from config.settings import settings

    configure()

    os.environ["ECHO_INTERNAL_SECRET"] = INTERNAL
    settings.cache_clear()
    return create_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def stranger(client: FlaskClient) -> Callable[..., Person]:
    def made(*scopes: str) -> Person:
        user_id = f"web-{uuid4().hex[:10]}"
        return Person(client, user_id, bearer(user_id, scopes or OWN_SCOPES))

    return made


@pytest.fixture
def ann(stranger: Callable[..., Person]) -> Person:
    return stranger()


@pytest.fixture
def bob(stranger: Callable[..., Person]) -> Person:
    return stranger()


@pytest.fixture
def owned_ids(bob: Person) -> dict[str, str]:
    """Ids of things that are Bob's, by the names that routes give them."""
    return stock(bob)


@contextmanager
def serve(folder: Path, **changed: str) -> Iterator[Served]:
    """A gunicorn of our own with its scratch folder and log in a folder."""
    port, scratch, log = free_port(), folder / "scratch", folder / "gunicorn.log"
    scratch.mkdir(parents=True)
    environment = {
        **os.environ,
        "ECHO_WEB_PORT": str(port),
        "ECHO_MAX_UPLOAD_BYTES": str(64 * 2**20),
        "TMPDIR": str(scratch),
        **changed,
    }
    command = [sys.executable, "-m", "gunicorn", "app.web:create_app()", "--config", "python:config.gunicorn"]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=sink, stderr=sink, start_new_session=True)
    running = Served(port, process, scratch, log, Path(os.environ["ECHO_HOME"]))
    try:
        wait_for(running.up, "gunicorn")
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def served(app: Flask, place: Path) -> Iterator[Served]:
    with serve(place / "served") as running:
        yield running
