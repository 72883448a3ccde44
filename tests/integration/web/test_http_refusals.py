"""Refusals: one envelope for everything, the right status, and never a word of the request in it."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import InterfaceError, OperationalError

from app.errors import Busy, Misconfigured, StoreUnavailable
from tests.integration.web.http_support import Person, bearer, refused, upload

CANARY = "canary-7f3a91"
DEEP = b"[" * 100_000

#: Every route that reads a JSON body.
BODIES = (
    ("POST", "/consents"),
    ("POST", f"/data/packages/{uuid4()}/analyses"),
    ("POST", f"/persona/traits/candidates/{uuid4()}/actions"),
    ("POST", "/persona/traits/candidates/actions"),
    ("POST", "/persona/traits/custom"),
    ("PUT", "/persona/communication-styles"),
)


def test_the_bodies_above_are_all_there_are(app: Flask, client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    reading = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method != "parameters" and "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    assert len(reading) == len(BODIES)


@pytest.mark.parametrize(("method", "path"), BODIES)
class TestBodies:
    """Any body, on each of them."""

    @pytest.mark.parametrize(
        "body",
        [
            b'{"traitName": ',
            b"{]",
            b"\xff\xfe",
            b'{"a": NaN}',
            b'{"a": -Infinity}',
            b'{"a": ' + b"9" * 5000 + b"}",
            DEEP,
            b'{"a":' * 50_000,
            b"\x00",
            CANARY.encode(),
        ],
    )
    def test_what_is_no_json_is_400(self, ann: Person, method: str, path: str, body: bytes) -> None:
        answer = ann.call(method, path, data=body, content_type="application/json")
        refused(answer, 400, "bad_request")
        assert CANARY not in answer.get_data(as_text=True)

    @pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b"7", b'"text"', b""])
    def test_json_of_the_wrong_shape_is_422(self, ann: Person, method: str, path: str, body: bytes) -> None:
        # Where all of a body may be left out, none and an empty one are right: there is no such package.
        fits = path.endswith("/analyses") and body in {b"{}", b""}
        said = refused(ann.call(method, path, data=body, content_type="application/json"), 404 if fits else 422)
        assert said["message"]

    def test_a_name_that_does_not_exist_is_422_and_not_repeated(self, ann: Person, method: str, path: str) -> None:
        answer = ann.call(method, path, json={CANARY: CANARY})
        said = refused(answer, 422, "invalid_input")
        assert "?" in said["details"]["fields"]
        assert said["details"]["allowed"]
        assert CANARY not in answer.get_data(as_text=True)

    @pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/xml"])
    def test_another_kind_of_body_is_415(self, ann: Person, method: str, path: str, content_type: str) -> None:
        refused(ann.call(method, path, data=b"{}", content_type=content_type), 415, "unsupported_media_type")

    def test_more_than_256_kb_is_413(self, ann: Person, method: str, path: str) -> None:
        answer = ann.call(method, path, data=b'"' + b"x" * 2**18 + b'"', content_type="application/json")
        refused(answer, 413, "too_large")


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/consents", {"scopes": [CANARY * 40], "purpose": "x"}, "scopes.0"),
        ("POST", "/consents", {"scopes": [], "purpose": "x"}, "scopes"),
        ("POST", "/consents", {"scopes": ["a:b:c"] * 51, "purpose": "x"}, "scopes"),
        ("POST", "/consents", {"scopes": CANARY, "purpose": "x"}, "scopes"),
        ("POST", "/consents", {"scopes": ["analyse:text:local"], "purpose": f"{CANARY}\x00"}, "purpose"),
        ("POST", "/consents", {"scopes": ["analyse:text:local"], "purpose": " "}, "purpose"),
        ("POST", "/consents", {"scopes": ["analyse:text:local"], "purpose": "x", "expiresAt": CANARY}, "expiresAt"),
        (
            "POST",
            "/consents",
            {"scopes": ["analyse:text:local"], "purpose": "x", "expiresAt": "2031-01-01T00:00:00"},
            "expiresAt",
        ),
        ("POST", "/persona/traits/custom", {"traitName": CANARY, "traitCategory": CANARY}, "traitCategory"),
        ("POST", "/persona/traits/custom", {"traitName": CANARY * 30, "traitCategory": "Skill"}, "traitName"),
        ("POST", "/persona/traits/custom", {"traitName": "\ud800", "traitCategory": "Skill"}, "traitName"),
        (
            "POST",
            "/persona/traits/custom",
            {"traitName": "x", "traitCategory": "Skill", "userConfidenceRating": 3.5},
            "userConfidenceRating",
        ),
        (
            "POST",
            "/persona/traits/custom",
            {"traitName": "x", "traitCategory": "Skill", "userConfidenceRating": 6},
            "userConfidenceRating",
        ),
        (
            "POST",
            f"/persona/traits/candidates/{uuid4()}/actions",
            {"userDecision": "confirmed_modified", "modifications": {CANARY: CANARY}},
            "modifications.?",
        ),
        ("POST", f"/persona/traits/candidates/{uuid4()}/actions", {"userDecision": CANARY}, "userDecision"),
        ("POST", "/persona/traits/candidates/actions", {"actions": [{"candidateID": CANARY}]}, "actions.0.candidateID"),
        ("POST", "/persona/traits/candidates/actions", {"actions": [{"undo": True}] * 101}, "actions"),
        ("PUT", "/persona/communication-styles", {"preferences": {CANARY: f"{CANARY}\x00"}}, "preferences"),
        ("PUT", "/persona/communication-styles", {"preferences": [CANARY]}, "preferences"),
        ("GET", "/persona/traits/candidates?limit=0", None, "limit"),
        ("GET", "/persona/traits/candidates?limit=101", None, "limit"),
        ("GET", f"/persona/traits/candidates?limit={CANARY}", None, "limit"),
        ("GET", f"/persona/traits/candidates?limit={'9' * 4000}", None, "limit"),
        ("GET", "/persona/traits/candidates?offset=-1", None, "offset"),
        ("GET", f"/persona/traits/candidates?sortBy={CANARY}", None, "sortBy"),
        ("GET", f"/persona/traits/candidates?sortOrder={CANARY}", None, "sortOrder"),
        ("GET", f"/persona/traits/candidates?status=candidate,{CANARY}", None, "status"),
        ("GET", f"/persona/traits/candidates?category={CANARY}", None, "category"),
        ("GET", "/persona/traits/candidates?minConfidence=2", None, "minConfidence"),
        ("GET", "/persona/traits/candidates?minConfidence=nan", None, "minConfidence"),
        ("GET", f"/persona/traits/candidates?model={CANARY}%00", None, "model"),
        ("GET", f"/persona/traits/candidates?{CANARY}=1", None, "?"),
        ("GET", "/persona/traits?limit=101", None, "limit"),
        ("GET", "/persona/history?limit=101", None, "limit"),
        ("GET", "/data/packages?limit=101", None, "limit"),
        ("GET", "/persona/graph?depth=9", None, "depth"),
        ("GET", f"/persona/graph?category={CANARY}", None, "category"),
        ("GET", f"/persona/graph?concept={CANARY}%00", None, "concept"),
    ],
)
def test_what_is_well_formed_but_wrong_is_422_with_the_field(
    ann: Person, method: str, path: str, body: object, field: str
) -> None:
    answer = ann.call(method, path, **({"data": json.dumps(body), "content_type": "application/json"} if body else {}))
    said = refused(answer, 422, "invalid_input")
    assert field in said["details"]["fields"], said
    assert CANARY not in answer.get_data(as_text=True)


def test_what_a_service_refuses_is_in_the_envelope_too(ann: Person) -> None:
    refused(ann.call("POST", "/consents", json={"scopes": ["no scope at all"], "purpose": "x"}), 422)
    refused(ann.call("POST", f"/consents/{uuid4()}/revoke"), 404, "not_found")
    refused(ann.call("GET", f"/data/packages/{uuid4()}/status"), 404, "not_found")
    refused(upload(ann, consentTokenID=str(uuid4())), 403, "consent_denied")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", f"/{CANARY}", 404, "not_found"),
        ("GET", f"/v1/users/ann/{CANARY}", 404, "not_found"),
        ("GET", "/v1//users/ann/consents", 404, "not_found"),
        ("GET", "/healthz/", 404, "not_found"),
        ("GET", f"/docs/..%2f{CANARY}", 404, "not_found"),
        ("GET", "/docs/..%2f..%2froutes.py", 404, "not_found"),
        ("GET", "/docs/routes.py", 404, "not_found"),
        ("DELETE", "/healthz", 405, "method_not_allowed"),
        ("OPTIONS", "/v1/users/ann/consents", 405, "method_not_allowed"),
        (CANARY.upper(), "/healthz", 405, "method_not_allowed"),
    ],
)
def test_no_such_route_or_method(client: FlaskClient, method: str, path: str, status: int, code: str) -> None:
    answer = client.open(path, method=method)
    refused(answer, status, code)
    assert CANARY not in answer.get_data(as_text=True).lower()
    assert (status == 405) == ("Allow" in answer.headers)


def test_head_and_conditional_requests_work(ann: Person) -> None:
    assert ann.client.head("/healthz").status_code == 200
    first = ann.client.get("/openapi.json")
    assert ann.client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


@pytest.fixture
def breaking(app: Flask) -> FlaskClient:
    """An application whose one route raises what it is told to."""
    from app.web import create_app
    from app.web.auth import PUBLIC, grant

    broken = create_app()
    faults: dict[str, Exception] = {
        "database": OperationalError(f"INSERT {CANARY}", {"name": CANARY}, Exception(CANARY)),
        "connection": InterfaceError(CANARY, {}, Exception(CANARY)),
        "store": StoreUnavailable("the object store does not answer"),
        "busy": Busy("later"),
        "setting": Misconfigured(CANARY),
        "any": ValueError(CANARY),
        "deep": RecursionError(CANARY),
        "memory": MemoryError(CANARY),
    }

    def view(kind: str) -> str:
        raise faults[kind]

    broken.add_url_rule("/break/<kind>", view_func=grant(view, PUBLIC), endpoint="break")
    return broken.test_client()


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("database", 503, "store_unavailable"),
        ("connection", 503, "store_unavailable"),
        ("store", 503, "store_unavailable"),
        ("busy", 429, "busy"),
        ("setting", 500, "internal"),
        ("any", 500, "internal"),
        ("deep", 500, "internal"),
        ("memory", 500, "internal"),
    ],
)
def test_faults_of_ours_say_nothing_of_what_they_stumbled_over(
    breaking: FlaskClient, capsys: pytest.CaptureFixture[str], kind: str, status: int, code: str
) -> None:
    answer = breaking.get(f"/break/{kind}")
    said = refused(answer, status, code)
    shown = capsys.readouterr()
    assert CANARY not in answer.get_data(as_text=True) + shown.err + shown.out
    assert ("Retry-After" in answer.headers) == (status in {429, 503})
    if status == 500:
        assert said["details"]["incident"]


def test_every_answer_has_the_security_headers_and_personal_ones_are_not_kept(ann: Person) -> None:
    for answer in (
        ann.client.get("/healthz"),
        ann.client.get("/docs"),
        ann.client.get("/docs/docs.js"),
        ann.client.get("/nothing"),
        ann.call("GET", "/consents"),
        ann.call("GET", "/consents", headers={"Authorization": ""}),
    ):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        if not (answer.request.path or "").startswith("/docs"):
            assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_of_the_document_runs_under_its_own_policy(client: FlaskClient) -> None:
    """No inline script, style or handler, and nothing from another server."""
    page = client.get("/docs").get_data(as_text=True)
    assert "://" not in page
    assert "style=" not in page
    assert page.count("<script") == page.count("<script src=") == 2
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png", "docs.js"):
        assert f"/docs/{asset}" in page or asset in page
        assert client.get(f"/docs/{asset}").status_code == 200


def test_a_database_that_went_away_is_503_and_the_next_request_is_served_again(ann: Person) -> None:
    """Every connection of the pool is cut, as a restarting server does."""
    import psycopg2
    from sqlalchemy import text

    from app.database import engine

    # Of this process alone: other processes of the test run keep theirs.
    with engine().connect() as one, engine().connect() as other:
        ours = [connection.execute(text("SELECT pg_backend_pid()")).scalar() for connection in (one, other)]
    with psycopg2.connect(engine().url.set(drivername="postgresql").render_as_string(hide_password=False)) as killer:
        killer.cursor().execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", (ours,))
    statuses = [ann.call("GET", "/consents").status_code for _ in range(4)]
    assert set(statuses) <= {200, 503}
    assert statuses[-1] == 200


def test_tokens_stay_out_of_answers_and_logs(ann: Person, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = bearer("ann")["Authorization"].split()[1]
    answer = ann.client.get("/v1/users/bob/consents", headers={"Authorization": f"Bearer {token}"})
    shown = capsys.readouterr()
    assert token not in answer.get_data(as_text=True) + shown.err + shown.out
