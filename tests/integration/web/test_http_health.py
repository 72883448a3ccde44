"""Health: alive, ready, figures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.database import transaction
from app.web.resources.health import parts
from app.web.resources.health.routes import watch
from config.settings import settings
from tests.integration.web.http_support import Person, upload


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    watch.cache_clear()
    yield
    watch.cache_clear()


def ready(client: FlaskClient) -> tuple[int, dict[str, dict[str, str]]]:
    answer = client.get("/readyz")
    body = answer.get_json()
    assert body["ready"] is (answer.status_code == 200)
    return answer.status_code, body["parts"]


def test_alive_needs_nothing(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"state": "up"}


def test_without_workers_it_is_not_ready_and_says_which_queues(client: FlaskClient) -> None:
    status, found = ready(client)
    assert status == 503
    assert {name: part["state"] for name, part in found.items()} == {
        "database": "up",
        "broker": "up",
        "objects": "up",
        "workers": "down",
    }
    assert "maintenance" in found["workers"]["detail"]


def test_with_all_parts_up_it_is_ready(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(parts.CHECKS, "workers")
    status, found = ready(client)
    assert (status, {part["state"] for part in found.values()}) == (200, {"up"})


def test_a_schema_that_is_not_the_newest_is_not_ready(client: FlaskClient) -> None:
    with transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    try:
        assert "echosphere migrate" in ready(client)[1]["database"]["detail"]
    finally:
        with transaction() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": parts.schema_head()})


def test_a_broker_or_a_store_that_is_away_is_named(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ECHO_HOME", str(tmp_path / "file"))
    settings.cache_clear()
    try:
        found = ready(client)[1]
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert found["objects"]["state"] == "down"
    assert found["database"]["state"] == "up"


def test_a_check_that_breaks_is_a_part_that_is_down(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str | None:
        raise ValueError("canary")

    monkeypatch.setitem(parts.CHECKS, "workers", broken)
    answer = client.get("/readyz")
    assert answer.get_json()["parts"]["workers"]["state"] == "down"
    assert "canary" not in answer.get_data(as_text=True)


def test_a_good_answer_holds_for_a_moment_and_a_bad_one_does_not() -> None:
    looked: list[str] = []
    seen = parts.Watch()

    def check() -> str | None:
        looked.append("once")
        return None if len(looked) > 2 else "not yet"

    before = dict(parts.CHECKS)
    parts.CHECKS.clear()
    parts.CHECKS["one"] = check
    try:
        states = [seen.parts()["one"].state for _ in range(5)]
    finally:
        parts.CHECKS.clear()
        parts.CHECKS.update(before)
    assert states == ["down", "down", "up", "up", "up"]
    assert len(looked) == 3


def test_figures_count_runs_and_messages_and_name_nobody(ann: Person) -> None:
    upload(ann)
    shown = ann.client.get("/metrics").get_data(as_text=True)
    assert 'echosphere_up{part="database"} 1.0' in shown
    assert 'echosphere_up{part="broker"} 1.0' in shown
    assert 'echosphere_runs{state="running"}' in shown
    assert 'echosphere_queue_messages{queue="text"}' in shown
    assert 'echosphere_workers{queue="gpu"} 0.0' in shown
    assert ann.user_id not in shown


def test_the_web_tier_loads_no_heavy_library() -> None:
    code = (
        "import sys, pkgutil, importlib, app.web as web\n"
        "[importlib.import_module(found.name) for found in pkgutil.walk_packages(web.__path__, 'app.web.')]\n"
        "heavy = {'torch', 'transformers', 'librosa', 'parselmouth', 'scipy', 'sklearn', 'numpy', 'PIL', 'av', 'boto3',"
        " 'pytesseract', 'aws_encryption_sdk', 'anthropic', 'pymongo', 'alembic', 'pandas', 'spacy'}\n"
        "print(sorted(heavy & {name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert done.stdout.strip() == "[]"
