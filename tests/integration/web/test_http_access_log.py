"""The access log over HTTP: every reading leaves an entry, generated from the route map."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError
from werkzeug.routing import Rule

from app.services import access
from app.vocabulary import AccessAction
from tests.integration.web.http_support import Person

#: GET routes below a person that answer without what was said by the person or found out about them: consents, states,
#: ids, and the log itself. Whoever adds a route says here that it is one of these, or how the log calls its reading.
QUIET = {
    "/v1/users/<user:userID>/consents",
    "/v1/users/<user:userID>/data/packages",
    "/v1/users/<user:userID>/data/packages/<uuid:packageID>/status",
    "/v1/users/<user:userID>/erasures",
    "/v1/users/<user:userID>/erasures/<uuid:erasureID>",
    "/v1/users/<user:userID>/events",
    "/v1/users/<user:userID>/access-log",
}


def log(user_id: str) -> list[tuple[str, str, str, str | None]]:
    rows, _ = access.listed(user_id, limit=100)
    return [(row["actor"], row["action"], row["purpose"], row["packageID"]) for row in reversed(rows)]


def reading(app: Flask) -> list[tuple[Rule, AccessAction | None]]:
    rules = [rule for rule in app.url_map.iter_rules() if "userID" in rule.arguments and "GET" in (rule.methods or ())]
    return [(rule, getattr(app.view_functions[rule.endpoint], "reads", None)) for rule in rules]


def test_every_route_that_answers_with_content_says_how_the_log_calls_it(app: Flask) -> None:
    silent = {rule.rule for rule, action in reading(app) if action is None}
    assert silent <= QUIET
    assert sum(action is not None for _, action in reading(app)) >= 7


def test_every_route_that_answers_with_content_leaves_one_entry(
    app: Flask, bob: Person, owned_ids: dict[str, str]
) -> None:
    for rule, action in reading(app):
        if action is None:
            continue
        path = re.sub(r"<uuid:(\w+)>", lambda match: owned_ids[match[1]], rule.rule.split(">", 1)[1])
        before = len(log(bob.user_id))
        answer = bob.call("GET", path)
        assert answer.status_code == 200, (path, answer.get_data(as_text=True))
        answer.get_data()
        left = log(bob.user_id)[before:]
        assert [(actor, done, why) for actor, done, why, _ in left] == [(bob.user_id, str(action), f"GET {path}")]


def test_a_refused_request_and_a_quiet_one_leave_none(ann: Person, bob: Person, owned_ids: dict[str, str]) -> None:
    before = log(bob.user_id)
    candidate = f"/persona/traits/candidates/{owned_ids['candidateID']}"
    assert ann.client.get(f"{bob.home}{candidate}", headers=ann.headers).status_code == 404
    assert ann.call("GET", candidate).status_code == 404
    assert bob.client.get(f"{bob.home}/persona/graph").status_code == 401
    assert bob.call("GET", "/data/packages").status_code == 200
    assert bob.call("GET", "/access-log").status_code == 200
    assert log(bob.user_id) == before
    assert log(ann.user_id) == []


def test_where_the_entry_cannot_be_written_nothing_is_answered(
    bob: Person, owned_ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("insert", {}, Exception("away"))

    monkeypatch.setattr("app.web.smorest.record", away)
    answer = bob.call("GET", f"/evidence/{owned_ids['evidenceID']}")
    assert answer.status_code == 503
    assert "glad" not in answer.get_data(as_text=True)


def test_the_log_comes_in_pages_newest_first_and_is_the_persons_alone(ann: Person, bob: Person) -> None:
    for path in ("/persona/history", "/persona/graph", "/persona/traits"):
        assert ann.call("GET", path).status_code == 200
    first = ann.call("GET", "/access-log?limit=2").get_json()
    rest = ann.call("GET", "/access-log?limit=2&offset=2").get_json()
    assert [entry["purpose"] for entry in first["data"] + rest["data"]] == [
        "GET /persona/traits",
        "GET /persona/graph",
        "GET /persona/history",
    ]
    assert first["pagination"] == {"offset": 0, "limit": 2, "total": 3}
    assert first["data"][0]["timestamp"] >= first["data"][1]["timestamp"]
    assert bob.call("GET", "/access-log").get_json()["data"] == []
    assert ann.client.get(f"{ann.home}/access-log", headers=bob.headers).status_code == 404
    assert ann.call("DELETE", "/access-log").status_code == 405
