"""Two of our own web tiers over real HTTP: one keeps the consents, the other asks it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import text

from app.cli.embedded import Postgres
from app.database import engine
from tests.integration.web import conftest
from tests.integration.web.conftest import serve
from tests.integration.web.http_support import INTERNAL, LETTER, ROOT, Served, bearer, form, free_port

SCOPE = "analyse:text:local"
CACHE_S = 1.0


@pytest.fixture(scope="module")
def elsewhere(postgres: Postgres) -> str:
    """URL of another migrated database, so that only one of the two tiers can know a consent."""
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE consents"))
    url = postgres.url.replace("/echosphere?", "/consents?")
    migrating = [sys.executable, "-m", "alembic", "-c", "migrations/alembic.ini", "upgrade", "head"]
    subprocess.run(migrating, cwd=ROOT, env={**os.environ, "ECHO_DATABASE_URL": url}, check=True)
    return url


@pytest.fixture(scope="module")
def keeper(app: Flask, elsewhere: str, place: Path) -> Iterator[Served]:
    with serve(place / "keeper", ECHO_DATABASE_URL=elsewhere, ECHO_WEB_WORKERS="1") as running:
        yield running


def asking(address: str, secret: str = INTERNAL, **more: str) -> dict[str, str]:
    return {
        "ECHO_CONSENT_URL": address,
        "ECHO_CONSENT_SECRET": secret,
        "ECHO_CONSENT_CACHE_S": str(CACHE_S),
        "ECHO_WEB_WORKERS": "1",
        **more,
    }


@pytest.fixture(scope="module")
def asker(keeper: Served, place: Path) -> Iterator[Served]:
    with serve(place / "asker", **asking(f"http://127.0.0.1:{keeper.port}")) as running:
        yield running


@pytest.fixture
def user() -> str:
    return f"web-{uuid4().hex[:10]}"


def post(served: Served, user: str, path: str, body: object) -> tuple[int, Any]:
    headers = {**bearer(user), "Content-Type": "application/json"}
    status, said, _ = served.call("POST", f"/v1/users/{user}{path}", json.dumps(body), headers)
    return status, said


def grant(served: Served, user: str) -> str:
    status, said = post(served, user, "/consents", {"scopes": [SCOPE], "purpose": "a test"})
    assert status == 201, said
    return str(said["consentTokenID"])


def upload(served: Served, user: str, token: str) -> tuple[int, Any]:
    parts: dict[str, tuple[str, bytes] | str | None] = {
        "file": ("letter.txt", LETTER.encode()),
        "sourceDescription": "letters",
        "consentTokenID": token,
    }
    body, content_type = form(parts)
    headers = {**bearer(user), "Content-Type": content_type}
    status, said, _ = served.call("POST", f"/v1/users/{user}/data/upload", body, headers)
    return status, said


def test_one_web_tier_asks_another_for_consent(keeper: Served, asker: Served, user: str) -> None:
    token = grant(keeper, user)
    assert upload(asker, user, token)[0] == 202
    for unknown in (str(uuid4()), grant(keeper, f"{user}-other")):
        status, said = upload(asker, user, unknown)
        assert (status, said["error"]["code"]) == (403, "consent_denied")
        assert said["error"]["details"] == {"reason": "unknown"}


def test_what_is_taken_back_there_counts_here_within_the_cached_seconds(
    keeper: Served, asker: Served, user: str
) -> None:
    token = grant(keeper, user)
    assert upload(asker, user, token)[0] == 202
    status, _ = post(keeper, user, f"/consents/{token}/revoke", {})
    assert status == 200
    revoked = time.monotonic()
    while (answer := upload(asker, user, token))[0] == 202:
        assert time.monotonic() - revoked < CACHE_S + 1
    assert answer[1]["error"]["details"] == {"reason": "revoked"}


def test_nothing_is_granted_or_revoked_where_another_rules(keeper: Served, asker: Served, user: str) -> None:
    token = grant(keeper, user)
    for path, body in (("/consents", {"scopes": [SCOPE], "purpose": "x"}), (f"/consents/{token}/revoke", {})):
        status, said = post(asker, user, path, body)
        assert (status, said["error"]["code"]) == (409, "conflict")
        assert "ECHO_CONSENT_URL" in said["error"]["message"]
    assert upload(asker, user, token)[0] == 202


@pytest.mark.parametrize("wrong", ["secret", "address"])
def test_a_wrong_secret_or_address_lets_nothing_in(keeper: Served, place: Path, user: str, wrong: str) -> None:
    token = grant(keeper, user)
    port, secret = (keeper.port, "x" * 40) if wrong == "secret" else (free_port(), INTERNAL)
    with serve(place / f"wrong-{wrong}", **asking(f"http://127.0.0.1:{port}", secret)) as served:
        status, said = upload(served, user, token)
        assert (status, said["error"]["code"]) == (503, "store_unavailable")
        assert "consent service" in said["error"]["message"]
        _, packages, _ = served.call("GET", f"/v1/users/{user}/data/packages", headers=bearer(user))
        assert packages["data"] == []


def test_a_web_tier_may_be_its_own_consent_service(
    app: Flask, place: Path, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks itself over HTTP and answers from its ledger, without asking on."""
    from app.services import consents

    token = str(consents.grant(user, [SCOPE], "mine")["consentTokenID"])
    port = free_port()
    monkeypatch.setattr(conftest, "free_port", lambda: port)
    with serve(place / "itself", **asking(f"http://127.0.0.1:{port}")) as served:
        assert upload(served, user, token)[0] == 202
        assert upload(served, user, str(uuid4()))[0] == 403
