"""Who may call what, generated from the route map: a new route cannot be forgotten."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.services.tokens import OWN_SCOPES, Scope
from app.web.auth import Access, Kind
from tests.integration.web.http_support import INTERNAL, Person, bearer, refused

#: Routes that answer anybody; whoever adds one says so here.
PUBLIC = {"/healthz", "/readyz", "/openapi.json", "/docs", "/docs/<string:asset>"}


def routes(app: Flask) -> list[tuple[Rule, str]]:
    return [(rule, method) for rule in app.url_map.iter_rules() for method in sorted(rule.methods or ())]


def path(rule: Rule, user_id: str) -> str:
    filled = re.sub(r"<user:\w+>", user_id, rule.rule)
    filled = re.sub(r"<uuid:\w+>", lambda _: str(uuid4()), filled)
    return re.sub(r"<string:\w+>", "docs.js", filled)


def access(app: Flask, rule: Rule) -> Access:
    found: Access = app.view_functions[rule.endpoint].access  # type: ignore[attr-defined]
    return found


def owned(app: Flask) -> list[tuple[Rule, str]]:
    found = [(rule, method) for rule, method in routes(app) if "userID" in rule.arguments]
    assert len(found) >= 18
    return found


def test_every_route_says_whom_it_is_for_and_the_public_ones_are_few(app: Flask) -> None:
    public = {rule.rule for rule, _ in routes(app) if access(app, rule).kind is Kind.PUBLIC}
    assert public == PUBLIC


def test_every_route_with_a_person_in_its_path_is_for_that_person_with_a_scope(app: Flask) -> None:
    for rule, _ in owned(app):
        assert access(app, rule).kind is Kind.PERSON
        assert access(app, rule).scope in OWN_SCOPES


def test_no_token_is_401_on_every_route_of_a_person(app: Flask, ann: Person) -> None:
    for rule, method in owned(app):
        for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic YTpi"}):
            answer = ann.client.open(path(rule, ann.user_id), method=method, headers=headers)
            assert answer.status_code == 401, (rule, method)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_another_persons_token_is_404_on_every_route_whatever_its_scopes(app: Flask, ann: Person, bob: Person) -> None:
    everything = bearer(bob.user_id, tuple(Scope))
    for rule, method in owned(app):
        for headers in (everything, bearer(bob.user_id, (Scope.ADMIN,))):
            answer = ann.client.open(path(rule, ann.user_id), method=method, headers=headers)
            assert answer.status_code == 404, (rule, method)


def test_another_persons_ids_below_my_own_path_are_404(app: Flask, ann: Person, owned_ids: dict[str, str]) -> None:
    """Every route that takes an id, called with ids that exist and are somebody else's."""
    tried = 0
    for rule, method in owned(app):
        if method in {"HEAD", "OPTIONS"} or rule.arguments == {"userID"}:
            continue
        url = re.sub(r"<user:\w+>", ann.user_id, rule.rule)
        url = re.sub(r"<uuid:(\w+)>", lambda match: owned_ids[match[1]], url)
        body = {"userDecision": "confirmed_asis"} if url.endswith("/actions") else None
        refused(ann.client.open(url, method=method, headers=ann.headers, json=body), 404)
        tried += 1
    assert tried >= 7


def test_a_token_without_the_scope_is_403_on_every_route(app: Flask, stranger: Callable[..., Person]) -> None:
    for rule, method in owned(app):
        needed = access(app, rule).scope
        person = stranger(*(scope for scope in Scope if scope is not needed))
        answer = person.client.open(path(rule, person.user_id), method=method, headers=person.headers)
        assert answer.status_code == 403, (rule, method)
        assert f'scope="{needed}"' in answer.headers["WWW-Authenticate"]


def test_a_path_of_a_person_that_cannot_exist_is_404(client: FlaskClient) -> None:
    for user_id in ("a b", "a%00b", "x" * 129, "%2e%2e%2fetc", "ä"):
        refused(client.get(f"/v1/users/{user_id}/consents", headers=bearer("ann")), 404)


def test_an_id_may_be_an_address(stranger: Callable[..., Person]) -> None:
    person = Person(stranger().client, "ann.x@example.org", bearer("ann.x@example.org"))
    assert person.call("GET", "/consents").status_code == 200
    assert person.client.get("/v1/users/ann.x%40example.org/consents", headers=person.headers).status_code == 200


def test_a_view_that_nobody_declared_answers_nobody(app: Flask) -> None:
    from app.web import create_app

    bare = create_app()
    bare.add_url_rule("/forgotten", view_func=lambda: "everybody's", endpoint="forgotten")
    answer = bare.test_client().get("/forgotten", headers=bearer("ann", tuple(Scope)))
    refused(answer, 404)


class TestVerify:
    """The route for other services."""

    @staticmethod
    def ask(client: FlaskClient, secret: str | None, **query: str) -> TestResponse:
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        return client.get("/internal/consent/v1/verify", query_string=query, headers=headers)

    def test_it_says_whether_a_consent_covers_a_scope(self, ann: Person, bob: Person) -> None:
        token = ann.consent("analyse:text:local")
        said = {"userID": ann.user_id, "consentTokenID": token, "requiredScope": "analyse:text:local"}
        assert self.ask(ann.client, INTERNAL, **said).get_json() == {"isValid": True, "reason": None}
        for changed, reason in (
            ({"requiredScope": "analyse:audio:local"}, "not_covered"),
            ({"userID": bob.user_id}, "unknown"),
            ({"consentTokenID": "nonsense"}, "unknown"),
        ):
            answer = self.ask(ann.client, INTERNAL, **{**said, **changed})
            assert answer.get_json() == {"isValid": False, "reason": reason}
        ann.call("POST", f"/consents/{token}/revoke")
        assert self.ask(ann.client, INTERNAL, **said).get_json() == {"isValid": False, "reason": "revoked"}

    def test_only_the_internal_secret_opens_it(self, ann: Person) -> None:
        for secret in (None, "guess", ann.headers["Authorization"].split()[1]):
            refused(self.ask(ann.client, secret, userID="ann", consentTokenID="x", requiredScope="y"), 401)

    def test_it_is_closed_where_no_secret_is_set(self, app: Flask) -> None:  # noqa: ARG002 - for its servers
        from app.web import create_app
        from config.settings import load

        closed = create_app(load(internal_secret="")).test_client()
        refused(self.ask(closed, "", userID="ann", consentTokenID="x", requiredScope="y"), 404)
        refused(self.ask(closed, INTERNAL, userID="ann", consentTokenID="x", requiredScope="y"), 404)

    def test_all_three_are_needed(self, client: FlaskClient) -> None:
        said = refused(self.ask(client, INTERNAL), 422, "invalid_input")
        assert said["details"]["fields"].keys() == {"userID", "consentTokenID", "requiredScope"}


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("192.0.2.7", {}, 401),
        ("192.0.2.7", {"Authorization": f"Bearer {INTERNAL}"}, 200),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 401),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.7"}, 401),
        ("", {}, 401),
    ],
)
def test_figures_are_for_this_machine_or_for_whoever_has_the_secret(
    client: FlaskClient, address: str, headers: dict[str, str], status: int
) -> None:
    answer = client.get("/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": address})
    assert answer.status_code == status
