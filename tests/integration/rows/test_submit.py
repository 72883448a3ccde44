from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.errors import ConsentDenied, InvalidInput, TooLarge
from app.services import consents, dispatch
from app.services.submit import Upload
from config.settings import settings
from tests.integration.rows.conftest import LETTER, Line, objects

Send = Callable[..., dict[str, Any]]


def test_an_upload_becomes_a_running_package_and_is_published_once(send: Send, line: Line) -> None:
    sent = send()
    assert sent["runStatus"] == "running"
    assert sent["created"]
    assert [(run, str(phase)) for run, phase, _ in line.published] == [(sent["runID"], "perceive")]


def test_a_broker_that_is_down_does_not_refuse_an_upload(send: Send, line: Line, state: Any) -> None:
    line.up = False
    sent = send()
    assert state(sent)["runStatus"] == "queued"
    line.up = True
    assert dispatch.fill(line) >= 1
    assert state(sent)["runStatus"] == "running"


def test_the_same_key_and_body_is_one_package(send: Send, home: Path) -> None:
    first = send(idempotency_key="k1")
    before = objects(home)
    again = send(idempotency_key="k1")
    assert again["packageID"] == first["packageID"]
    assert not again["created"]
    assert objects(home) == before


@pytest.mark.parametrize("changed", [{"data": b"other words"}, {"source_description": "other"}, {"file_name": "b.txt"}])
def test_the_same_key_with_another_body_is_refused_and_leaves_nothing(
    send: Send, home: Path, changed: dict[str, Any]
) -> None:
    send(idempotency_key="k2")
    before = objects(home)
    with pytest.raises(InvalidInput):
        send(idempotency_key="k2", **changed)
    assert objects(home) == before


def test_an_unknown_consent_is_refused_and_leaves_nothing(send: Send, home: Path) -> None:
    before = objects(home)
    with pytest.raises(ConsentDenied):
        send(consent_token_id=uuid4())
    assert objects(home) == before


def test_a_revoked_consent_is_refused(send: Send, user: str, consent: Any) -> None:
    consents.revoke(user, consent)
    with pytest.raises(ConsentDenied):
        send()


def test_another_persons_consent_is_refused(send: Send) -> None:
    with pytest.raises(ConsentDenied):
        send(user_id=f"other-{uuid4().hex[:8]}")


def test_a_consent_without_the_scope_makes_a_denied_run(send: Send, user: str, state: Any) -> None:
    audio_only = consents.grant(user, ["analyse:audio:local"], "a test")["consentTokenID"]
    ended = state(send(consent_token_id=audio_only))
    assert ended["runStatus"] == "denied"
    assert ended["reason"]["code"] == "consent_denied"
    assert {step["status"] for step in ended["steps"]} == {"denied"}


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "empty"), (b"PK\x03\x04" + b"\0" * 200, "unsupported_type"), (b"\x00\x01\x02\x03" * 60, "unsupported_type")],
)
def test_what_cannot_be_read_is_rejected_with_the_reason(send: Send, state: Any, data: bytes, code: str) -> None:
    ended = state(send(data))
    assert ended["runStatus"] == "rejected"
    assert ended["reason"]["code"] == code
    assert ended["progress"] == 1


def test_wrong_metadata_is_refused(send: Send) -> None:
    with pytest.raises(InvalidInput):
        send(metadata={"authorship": "my cat"})
    with pytest.raises(InvalidInput):
        send(data_type="hologram")


def test_an_upload_over_the_limit_stops_while_it_streams(user: str, home: Path, monkeypatch: Any) -> None:
    before = objects(home)
    monkeypatch.setattr(settings(), "max_upload_bytes", 1000)
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 100
            yield b"x" * 100

    with pytest.raises(TooLarge):
        Upload(user).receive(endless())
    assert taken < 2000
    assert objects(home) == before


def test_no_word_of_the_upload_is_on_disk(send: Send, line: Line, home: Path, place: Path) -> None:
    canary = b"Quizzaciously I keep seventeen albatrosses"
    send(LETTER.encode() + canary)
    line.drive()
    found = [path for path in place.rglob("*") if path.is_file() and canary in path.read_bytes()]
    assert found == []
