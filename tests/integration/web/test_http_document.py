"""The OpenAPI document: valid, complete, and true to what is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import validate

from tests.integration.web.http_support import Person, stock, upload

#: Design, section 9, but export.
PROMISED = {
    ("delete", "/v1/users/{userID}"),
    ("delete", "/v1/users/{userID}/data/packages/{packageID}"),
    ("get", "/v1/users/{userID}/data/packages/{packageID}/erasure-preview"),
    ("get", "/v1/users/{userID}/erasures"),
    ("get", "/v1/users/{userID}/erasures/{erasureID}"),
    ("post", "/v1/users/{userID}/consents"),
    ("get", "/v1/users/{userID}/consents"),
    ("post", "/v1/users/{userID}/consents/{consentTokenID}/revoke"),
    ("post", "/v1/users/{userID}/data/upload"),
    ("get", "/v1/users/{userID}/data/packages"),
    ("get", "/v1/users/{userID}/data/packages/{packageID}/status"),
    ("post", "/v1/users/{userID}/data/packages/{packageID}/analyses"),
    ("post", "/v1/users/{userID}/data/packages/{packageID}/cancel"),
    ("get", "/v1/users/{userID}/persona/traits/candidates"),
    ("get", "/v1/users/{userID}/persona/traits/candidates/{candidateID}"),
    ("post", "/v1/users/{userID}/persona/traits/candidates/{candidateID}/actions"),
    ("post", "/v1/users/{userID}/persona/traits/candidates/actions"),
    ("post", "/v1/users/{userID}/persona/traits/custom"),
    ("get", "/v1/users/{userID}/persona/traits"),
    ("get", "/v1/users/{userID}/persona/history"),
    ("get", "/v1/users/{userID}/persona/communication-styles"),
    ("put", "/v1/users/{userID}/persona/communication-styles"),
    ("get", "/v1/users/{userID}/persona/graph"),
    ("get", "/v1/users/{userID}/evidence/{evidenceID}"),
    ("get", "/v1/users/{userID}/costs"),
    ("get", "/v1/users/{userID}/data/packages/{packageID}/sent"),
    ("get", "/v1/users/{userID}/events"),
    ("get", "/internal/consent/v1/verify"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
    ("get", "/docs"),
}


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").get_json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield method, path, operation


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_it_has_what_was_promised_and_every_route_there_is(app: Flask, document: dict[str, Any]) -> None:
    described = {(method, path) for method, path, _ in operations(document)}
    assert described >= PROMISED
    served = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described == served


def test_every_operation_says_what_it_does_who_may_and_what_it_refuses(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    for _, path, operation in operations(document):
        assert operation["summary"].endswith((".", "?"))
        assert operation["responses"].keys() >= {"default", "503"}
        if "{userID}" in path:
            assert operation["security"][0]["bearer"]
            assert operation["responses"].keys() >= {"401", "403", "404"}
        if "requestBody" in operation:
            assert operation["responses"].keys() >= {"400", "413", "415", "422"}


def test_every_example_of_a_body_is_one_that_its_schema_takes(document: dict[str, Any]) -> None:
    shown = 0
    for _, _, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        for example in content.get("examples", {}).values():
            Draft202012Validator({**content["schema"], "components": document["components"]}).validate(example["value"])
            shown += 1
    assert shown >= 5


def test_every_refusal_is_the_one_envelope_with_an_example(document: dict[str, Any]) -> None:
    for name, response in document["components"]["responses"].items():
        content = response["content"]["application/json"]
        assert content["schema"] == {"$ref": "#/components/schemas/Error"}, name
        assert content["example"]["error"]["code"], name


def test_answers_are_as_described(document: dict[str, Any], ann: Person) -> None:
    """Each answer of a walk through the API validates against the schema of its route and status."""
    ids = stock(ann)
    sent = upload(ann).get_json()
    one = f"/persona/traits/candidates/{ids['candidateID']}"
    own = {"traitName": "Plays the cello", "traitCategory": "Skill"}
    walk = [
        ("post", "/consents", "/consents", {"scopes": ["analyse:text:local"], "purpose": "x"}),
        ("get", "/consents", "/consents", None),
        ("post", "/consents/{consentTokenID}/revoke", f"/consents/{ids['consentTokenID']}/revoke", None),
        ("get", "/data/packages", "/data/packages", None),
        ("get", "/data/packages/{packageID}/status", f"/data/packages/{ids['packageID']}/status", None),
        ("post", "/data/packages/{packageID}/cancel", f"/data/packages/{sent['packageID']}/cancel", None),
        ("post", "/data/packages/{packageID}/analyses", f"/data/packages/{sent['packageID']}/analyses", None),
        ("get", "/persona/traits/candidates", "/persona/traits/candidates", None),
        ("get", "/persona/traits/candidates/{candidateID}", one, None),
        (
            "post",
            "/persona/traits/candidates/{candidateID}/actions",
            f"{one}/actions",
            {"userDecision": "confirmed_asis"},
        ),
        (
            "post",
            "/persona/traits/candidates/actions",
            "/persona/traits/candidates/actions",
            {"actions": [{"candidateID": ids["candidateID"], "undo": True}]},
        ),
        ("post", "/persona/traits/custom", "/persona/traits/custom", own),
        ("get", "/persona/traits", "/persona/traits", None),
        ("get", "/persona/history", "/persona/history", None),
        ("put", "/persona/communication-styles", "/persona/communication-styles", {"preferences": {"emoji": False}}),
        ("get", "/persona/communication-styles", "/persona/communication-styles", None),
        ("get", "/persona/graph", "/persona/graph", None),
        ("get", "/evidence/{evidenceID}", f"/evidence/{ids['evidenceID']}", None),
    ]
    for method, template, path, body in walk:
        answer = ann.call(method.upper(), path, json=body)
        described = document["paths"][f"/v1/users/{{userID}}{template}"][method]["responses"][str(answer.status_code)]
        schema = described["content"]["application/json"]["schema"]
        problems = list(
            Draft202012Validator({**schema, "components": document["components"]}).iter_errors(answer.get_json())
        )
        assert not problems, (template, [problem.message for problem in problems][:3])


def test_what_services_return_is_all_described(ann: Person) -> None:
    """A field that a service gained and nobody described would silently be left out of the answers."""
    from uuid import UUID

    from app.services import candidates, consents, evidence, packages, review, styles
    from app.web.resources.candidates.schemas import CandidateSchema, DecisionSchema, SnippetSchema, TraitSchema
    from app.web.resources.consents.schemas import ConsentSchema
    from app.web.resources.evidence.schemas import PassageSchema
    from app.web.resources.packages.schemas import PackageSchema, StatusSchema, StepSchema
    from app.web.resources.persona.schemas import StylesSchema

    ids = stock(ann)
    candidate = candidates.one_candidate(ann.user_id, UUID(ids["candidateID"]))
    outcome = review.act(ann.user_id, UUID(ids["candidateID"]), {"userDecision": "confirmed_asis"})
    status = packages.status(ann.user_id, UUID(ids["packageID"]))
    for schema, returned in (
        (CandidateSchema(), candidate),
        (SnippetSchema(), candidate["supportingEvidenceSnippets"][0]),
        (DecisionSchema(), outcome["decision"]),
        (TraitSchema(), outcome["trait"]),
        (ConsentSchema(), consents.listed(ann.user_id)[0]),
        (PassageSchema(), evidence.passage(ann.user_id, UUID(ids["evidenceID"]))),
        (PackageSchema(), packages.listed(ann.user_id)[0][0]),
        (StatusSchema(), status),
        (StepSchema(), status["steps"][0]),
        (StylesSchema(), styles.get_styles(ann.user_id)),
    ):
        assert returned.keys() == schema.fields.keys(), type(schema).__name__
