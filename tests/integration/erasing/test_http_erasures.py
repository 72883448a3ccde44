"""Erasures over HTTP: previews, 202 with a place to look, receipts, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from app.services.erasing.receipt import verify
from app.services.tokens import Scope
from tests.integration.erasing.test_erasing import CarriedOut
from tests.integration.web.conftest import ann, app, bob, client, stranger
from tests.integration.web.http_support import Person, refused, stock, upload

__all__ = ["ann", "app", "bob", "client", "stranger"]


@pytest.fixture
def described(client: Any) -> Callable[[str, str, str, Any], None]:
    """Checks an answer against the document."""
    document = client.get("/openapi.json").get_json()

    def check(method: str, path: str, status: str, answer: Any) -> None:
        content = document["paths"][f"/v1/users/{{userID}}{path}"][method]["responses"][status]["content"]
        schema = {**content["application/json"]["schema"], "components": document["components"]}
        Draft202012Validator(schema).validate(answer)

    return check


def test_an_upload_is_erased_with_a_receipt(
    ann: Person,
    carried_out: CarriedOut,
    described: Callable[[str, str, str, Any], None],
) -> None:
    ids = stock(ann)
    path = f"/data/packages/{ids['packageID']}"
    preview = ann.call("GET", f"{path}/erasure-preview").get_json()
    described("get", "/data/packages/{packageID}/erasure-preview", "200", preview)
    assert preview["total"] == {"candidates": 3, "settledTraits": 0}
    begun = ann.call("DELETE", path)
    assert begun.status_code == 202
    described("delete", "/data/packages/{packageID}", "202", begun.get_json())
    where = begun.headers["Location"].removeprefix(ann.home)
    assert ann.call("GET", where).get_json()["erasureID"] == begun.get_json()["erasureID"]
    carried_out(begun.get_json())
    done = ann.call("GET", where).get_json()
    described("get", "/erasures/{erasureID}", "200", done)
    assert done["receipt"]["clean"], done
    assert verify(done) == {"valid": True, "ours": True, "clean": True}
    assert ann.call("DELETE", path).get_json() == done
    listed = ann.call("GET", "/erasures").get_json()
    described("get", "/erasures", "200", listed)
    assert listed["pagination"]["total"] == 2
    refused(ann.call("GET", f"{path}/status"), 404)


def test_a_revocation_tells_its_erasure(
    ann: Person,
    carried_out: CarriedOut,
    described: Callable[[str, str, str, Any], None],
) -> None:
    consent = ann.consent()
    upload(ann, consentTokenID=consent)
    preview = ann.call("GET", f"/consents/{consent}/erasure-preview").get_json()
    described("get", "/consents/{consentTokenID}/erasure-preview", "200", preview)
    assert preview["packages"] == 1
    revoked = ann.call("POST", f"/consents/{consent}/revoke", query_string={"keepSettled": "true"}).get_json()
    described("post", "/consents/{consentTokenID}/revoke", "200", revoked)
    erasure = ann.call("GET", f"/erasures/{revoked['erasureID']}").get_json()
    assert (erasure["scope"], erasure["keepSettled"]) == ("consent", True)
    assert carried_out(erasure)["receipt"]["clean"]


def test_a_person_is_erased_by_a_token_for_all_of_it(
    stranger: Callable[..., Person],
    carried_out: CarriedOut,
    described: Callable[[str, str, str, Any], None],
) -> None:
    person = stranger()
    stock(person)
    for lacking in (Scope.UPLOAD, Scope.MANAGE):
        weak = stranger(*(scope for scope in Scope if scope is not lacking))
        refused(weak.call("DELETE", ""), 403, "forbidden")
    preview = person.call("GET", "/erasure-preview").get_json()
    described("get", "/erasure-preview", "200", preview)
    begun = person.call("DELETE", "")
    described("delete", "", "202", begun.get_json())
    assert (begun.status_code, begun.get_json()["scope"]) == (202, "user")
    assert carried_out(begun.get_json())["receipt"]["clean"]
    assert person.call("GET", "/data/packages").get_json()["pagination"]["total"] == 0
    assert person.call("GET", "/persona/traits/candidates").get_json()["data"] == []
    assert {row["status"] for row in person.call("GET", "/consents").get_json()["data"]} == {"revoked"}


def test_somebody_elses_erasure_is_not_there(ann: Person, bob: Person) -> None:
    ids = stock(bob)
    refused(ann.call("GET", f"/erasures/{ids['erasureID']}"), 404)
    refused(ann.call("DELETE", f"/data/packages/{ids['packageID']}"), 404)
    refused(ann.call("GET", f"/consents/{ids['consentTokenID']}/erasure-preview"), 404)
    refused(ann.call("DELETE", f"/data/packages/{uuid4()}", query_string={"keepSettled": "perhaps"}), 422)
