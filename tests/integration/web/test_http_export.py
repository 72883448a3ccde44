"""The bundle over HTTP: whose it is, what it takes, and what a client that goes away leaves behind."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.database import transaction
from app.models import AccessLogEntry
from app.services.tokens import OWN_SCOPES, Scope
from app.web.resources.persona import export as route
from tests.integration.web.http_support import LETTER, Person, Served, bearer, refused, stock


def archive(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert found.testzip() is None
        return {entry.filename: found.read(entry) for entry in found.infolist()}


def test_a_person_takes_their_own_data_away(ann: Person) -> None:
    owned = stock(ann)
    answer = ann.call("GET", "/persona/export?sources=true")
    assert (answer.status_code, answer.content_type) == (200, "application/zip")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="persona.zip"'
    assert answer.headers["Cache-Control"] == "no-store"
    members = archive(answer.data)
    manifest = json.loads(members["manifest.json"])
    assert (manifest["userID"], manifest["counts"]["candidates"]) == (ann.user_id, 3)
    for member in manifest["members"]:
        assert hashlib.sha256(members[member["name"]]).hexdigest() == member["sha256"]
    assert members[f"sources/{owned['packageID']}/original"] == LETTER.encode()
    assert 0 < int(answer.headers["X-Expected-Bytes"]) < 10 * len(answer.data)


def test_without_being_asked_for_the_uploads_stay_where_they_are(ann: Person) -> None:
    stock(ann)
    members = archive(ann.call("GET", "/persona/export").data)
    assert not [name for name in members if name.startswith(("sources/", "text-layers/"))]


def test_the_uploads_take_a_scope_more(stranger: Callable[..., Person]) -> None:
    reader = stranger(Scope.READ)
    assert reader.call("GET", "/persona/export").status_code == 200
    refusal = refused(reader.call("GET", "/persona/export?sources=true"), 403, "forbidden")
    assert refusal["details"]["scope"] == "data:upload"
    refused(reader.call("GET", "/persona/export?sources=perhaps"), 422)


def test_another_persons_bundle_is_404(ann: Person, bob: Person) -> None:
    stock(bob)
    for query in ("", "?sources=true"):
        answer = ann.client.get(f"{bob.home}/persona/export{query}", headers=bearer(ann.user_id, OWN_SCOPES))
        refused(answer, 404)
    assert bob.user_id.encode() not in archive(ann.call("GET", "/persona/export?sources=true").data)["manifest.json"]


def test_the_reading_is_in_the_access_log(ann: Person) -> None:
    ann.call("GET", "/persona/export").get_data()
    query = select(AccessLogEntry.actor, AccessLogEntry.action).where(AccessLogEntry.user_id == ann.user_id)
    with transaction() as connection:
        assert (ann.user_id, "export") in [tuple(row) for row in connection.execute(query)]


def test_more_bundles_than_are_written_at_once_are_told_to_wait(ann: Person) -> None:
    held = [route._free.acquire(blocking=False) for _ in range(route.EXPORTS)]
    assert all(held)
    try:
        refused(ann.call("GET", "/persona/export"), 429, "busy")
    finally:
        for _ in held:
            route._free.release()
    assert ann.call("GET", "/persona/export").status_code == 200


def test_a_client_that_goes_away_leaves_nothing_behind(ann: Person, client: FlaskClient) -> None:
    stock(ann)
    for _ in range(route.EXPORTS + 1):
        answer = client.get(f"{ann.home}/persona/export?sources=true", headers=ann.headers, buffered=False)
        next(iter(answer.response))
        answer.close()
    assert archive(ann.call("GET", "/persona/export").data)
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND pid <> pg_backend_pid()"
    )
    with transaction() as connection:
        assert connection.execute(waiting).scalar_one() == 0


@pytest.mark.fleet
def test_gunicorn_streams_it(served: Served, ann: Person) -> None:
    stock(ann)
    status, data, headers = served.call("GET", f"{ann.home}/persona/export?sources=true", headers=ann.headers)
    assert (status, headers["Transfer-Encoding"]) == (200, "chunked")
    assert json.loads(archive(data)["manifest.json"])["sources"] is True
