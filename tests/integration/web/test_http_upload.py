"""Uploads through the API: what is accepted is kept, what is not leaves nothing behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.database import transaction
from app.models import PackageKey, Run, UserDataPackage
from app.vault import open_package
from tests.integration.web.http_support import LETTER, Person, form, refused, upload


def rows(user_id: str) -> int:
    with transaction() as connection:
        query = select(func.count()).select_from(UserDataPackage).where(UserDataPackage.user_id == user_id)
        return connection.execute(query).scalar_one()


def objects(home: Path) -> set[Path]:
    return {path for path in (home / "objects").rglob("*") if path.is_file()}


def opened(user_id: str, package_id: str) -> bytes:
    with transaction() as connection:
        row = connection.execute(
            select(UserDataPackage.object_key, PackageKey.wrapped_key)
            .join(PackageKey, PackageKey.package_id == UserDataPackage.package_id)
            .where(UserDataPackage.package_id == UUID(package_id))
        ).one()
    return open_package(user_id, UUID(package_id), row.wrapped_key).get(row.object_key)


def test_an_upload_is_accepted_and_its_state_is_where_the_answer_says(ann: Person) -> None:
    answer = upload(ann, metadata='{"authorship": "self"}', dataType="text")
    assert answer.status_code == 202, answer.get_data(as_text=True)
    body = answer.get_json()
    assert body.keys() == {"packageID", "runID", "runStatus", "statusUrl"}
    assert answer.headers["Location"] == body["statusUrl"]
    state = ann.client.get(answer.headers["Location"], headers=ann.headers).get_json()
    assert (state["packageID"], state["runID"], state["file"]) == (body["packageID"], body["runID"], "letter.txt")
    assert state["runStatus"] in {"queued", "running"}
    assert state["steps"]
    assert 0 <= state["progress"] <= 1
    assert opened(ann.user_id, body["packageID"]) == LETTER.encode()
    listed = ann.call("GET", "/data/packages").get_json()
    assert listed["pagination"] == {"offset": 0, "limit": 50, "total": 1}
    assert listed["data"][0]["packageID"] == body["packageID"]
    assert listed["data"][0]["sizeBytes"] == len(LETTER.encode())


def test_the_bytes_are_kept_exactly_whatever_they_are(ann: Person) -> None:
    data = bytes(range(256)) * 700 + b"\r\n--\r\n"
    body = upload(ann, data, "blob.bin").get_json()
    assert opened(ann.user_id, body["packageID"]) == data


def test_an_empty_file_is_accepted_and_its_run_rejected_as_empty(ann: Person) -> None:
    answer = upload(ann, b"", "empty.txt")
    assert answer.status_code == 202
    state = ann.client.get(answer.headers["Location"], headers=ann.headers).get_json()
    assert state["runStatus"] == "rejected"
    assert state["reason"]["code"] == "empty"


def test_the_same_key_and_body_is_one_package_and_another_body_is_422(ann: Person, home: Path) -> None:
    key, consent = {"Idempotency-Key": str(uuid4())}, ann.consent()
    first = upload(ann, consentTokenID=consent, headers=key)
    kept = objects(home)
    again = upload(ann, consentTokenID=consent, headers=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.get_json()["packageID"] == again.get_json()["packageID"]
    refused(upload(ann, b"other words", consentTokenID=consent, headers=key), 422, "invalid_input")
    refused(upload(ann, consentTokenID=consent, sourceDescription="other", headers=key), 422, "invalid_input")
    assert rows(ann.user_id) == 1
    assert objects(home) == kept


def test_one_persons_key_is_nothing_to_another(ann: Person, bob: Person) -> None:
    key = {"Idempotency-Key": "the same"}
    ids = {upload(person, headers=key).get_json()["packageID"] for person in (ann, bob)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("changed", "status", "field"),
    [
        ({"consentTokenID": None}, 422, "consentTokenID"),
        ({"consentTokenID": "canary-id"}, 422, "consentTokenID"),
        ({"consentTokenID": str(uuid4())}, 403, None),
        ({"sourceDescription": None}, 422, "sourceDescription"),
        ({"sourceDescription": "  "}, 422, "sourceDescription"),
        ({"sourceDescription": "canary\x00"}, 422, "sourceDescription"),
        ({"sourceDescription": "canary" * 400}, 422, "sourceDescription"),
        ({"file": None}, 422, "file"),
        ({"dataType": "canary"}, 422, "dataType"),
        ({"metadata": "{canary"}, 422, "metadata"),
        ({"metadata": '["canary"]'}, 422, "metadata"),
        ({"metadata": "[" * 20_000}, 422, "metadata"),
        ({"metadata": '{"note": "canary\\u0000"}'}, 422, "metadata"),
        ({"metadata": '{"authorship": "canary"}'}, 422, None),
        ({"canary": "canary"}, 422, "?"),
        ({"headers": {"Idempotency-Key": ""}}, 422, None),
        ({"headers": {"Idempotency-Key": "x" * 256}}, 422, None),
        ({"headers": {"Idempotency-Key": "canary\u00e4"}}, 422, None),
    ],
)
def test_what_is_not_accepted_leaves_nothing_behind(
    ann: Person, home: Path, changed: dict[str, Any], status: int, field: str | None
) -> None:
    before = objects(home)
    answer = upload(ann, **changed)
    said = refused(answer, status)
    assert field is None or field in said["details"]["fields"]
    assert "canary" not in answer.get_data(as_text=True)
    assert rows(ann.user_id) == 0
    assert objects(home) == before


def test_everything_that_is_wrong_is_said_at_once(ann: Person) -> None:
    said = refused(upload(ann, file=None, sourceDescription=None, consentTokenID="x"), 422)
    assert said["details"]["fields"].keys() == {"file", "sourceDescription", "consentTokenID"}


def test_a_consent_of_somebody_else_or_a_revoked_one_does_not_count(ann: Person, bob: Person) -> None:
    refused(upload(ann, consentTokenID=bob.consent()), 403, "consent_denied")
    revoked = ann.consent()
    ann.call("POST", f"/consents/{revoked}/revoke")
    refused(upload(ann, consentTokenID=revoked), 403, "consent_denied")


def test_other_bodies_are_no_uploads(ann: Person, home: Path) -> None:
    before = objects(home)
    for data, content_type, status in (
        (b"{}", "application/json", 415),
        (b"", "", 415),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b"words", "multipart/form-data", 400),
        (b"words", "multipart/form-data; boundary=x", 400),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nwor',
            "multipart/form-data; boundary=x",
            400,
        ),
        (b"", "multipart/form-data; boundary=x", 400),
    ):
        refused(ann.call("POST", "/data/upload", data=data, content_type=content_type), status)
    assert objects(home) == before


def test_a_file_over_the_limit_is_413_by_its_length_and_by_its_bytes(
    app: Flask, ann: Person, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.web import create_app
    from config.settings import settings

    monkeypatch.setenv("ECHO_MAX_UPLOAD_BYTES", "100000")
    settings.cache_clear()
    before = objects(home)
    small = Person(create_app().test_client(), ann.user_id, ann.headers)
    consent = small.consent()
    refused(upload(small, b"x" * 100_001, consentTokenID=consent), 413, "too_large")
    refused(upload(small, b"x" * 2_000_000, consentTokenID=consent), 413, "too_large")
    assert upload(small, b"x" * 100_000, consentTokenID=consent).status_code == 202
    assert len(objects(home) - before) == 1
    monkeypatch.undo()
    settings.cache_clear()


def test_the_name_of_a_file_is_shown_as_it_was_and_used_for_nothing(ann: Person, home: Path) -> None:
    body = upload(ann, name="../../../etc/täglich.txt").get_json()
    state = ann.client.get(body["statusUrl"], headers=ann.headers).get_json()
    assert state["file"] == "täglich.txt"
    assert not list(home.rglob("*täglich*"))


def test_analysing_again_waits_for_the_open_run_and_cancelling_ends_it(ann: Person) -> None:
    package = f"/data/packages/{upload(ann).get_json()['packageID']}"
    refused(ann.call("POST", f"{package}/analyses"), 409, "conflict")
    for _ in range(2):
        state = ann.call("POST", f"{package}/cancel")
        assert (state.status_code, state.get_json()["runStatus"]) == (200, "cancelled")
    again = ann.call("POST", f"{package}/analyses")
    assert again.status_code == 202
    assert again.headers["Location"].endswith(f"{package}/status")
    state = ann.client.get(again.headers["Location"], headers=ann.headers).get_json()
    assert state["runID"] == again.get_json()["runID"]


def test_an_analysis_in_bulk_is_asked_for_in_the_body(ann: Person) -> None:
    package = f"/data/packages/{upload(ann).get_json()['packageID']}"
    ann.call("POST", f"{package}/cancel")
    for wrong in ({"bulk": "perhaps"}, {"batch": True}, []):
        refused(ann.call("POST", f"{package}/analyses", json=wrong), 422)
    assert ann.call("POST", f"{package}/analyses", json={"bulk": True}).status_code == 202
    assert ann.call("GET", f"{package}/status").get_json()["bulk"] is True
    ann.call("POST", f"{package}/cancel")
    assert ann.call("POST", f"{package}/analyses", json={}).status_code == 202
    assert ann.call("GET", f"{package}/status").get_json()["bulk"] is False


def test_a_flood_ends_in_429_with_a_time_to_come_back(
    app: Flask, ann: Person, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    from config.settings import settings

    monkeypatch.setenv("ECHO_MAX_WAITING_RUNS", "0")
    settings.cache_clear()
    before = objects(home)
    answer = upload(ann)
    refused(answer, 429, "busy")
    assert int(answer.headers["Retry-After"]) > 0
    assert objects(home) == before
    monkeypatch.undo()
    settings.cache_clear()


def test_with_the_broker_down_an_upload_is_accepted_and_waits(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is 202 and the row waits for the dispatcher (faults.md, promise 7)."""
    from app.web.resources.packages import upload as module

    class Down:
        def publish(self, *_: object) -> bool:
            return False

    monkeypatch.setattr(module, "pipeline", Down)
    answer = upload(ann)
    assert answer.status_code == 202
    with transaction() as connection:
        state = connection.execute(select(Run.state).where(Run.run_id == UUID(answer.get_json()["runID"]))).scalar_one()
    assert state == "queued"


def test_a_fault_after_the_commit_is_no_refusal(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit is the acceptance: whatever breaks behind it, the package stays and the answer says so."""
    from app.web.resources.packages import upload as module

    class Breaking:
        def publish(self, *_: object) -> bool:
            raise RuntimeError("canary")

    monkeypatch.setattr(module, "pipeline", Breaking)
    answer = upload(ann)
    assert answer.status_code == 202
    assert opened(ann.user_id, answer.get_json()["packageID"]) == LETTER.encode()


def test_parts_may_come_in_any_order_with_the_file_first_or_last(ann: Person) -> None:
    consent = ann.consent()
    fields = {"sourceDescription": "letters", "consentTokenID": consent, "metadata": json.dumps({"authorship": "self"})}
    for order in ((*fields, "file"), ("file", *fields)):
        body, content_type = form({name: fields.get(name, ("a.txt", b"words")) for name in order})
        answer = ann.call("POST", "/data/upload", data=body, content_type=content_type)
        assert answer.status_code == 202
        assert opened(ann.user_id, answer.get_json()["packageID"]) == b"words"
