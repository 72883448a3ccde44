"""A remote consent service instead of our ledger: what it says counts, and its silence is a no."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text, update

from app.analysis import Result
from app.analyzers.catalog import AnalyzerRow
from app.consent import Verdict, gate_exclusive, remote
from app.database import transaction
from app.errors import Conflict, ConsentDenied, StoreUnavailable
from app.models import Run, Step, UserDataPackage
from app.services import analyse, consents, interpret, merge, packages, reconcile
from app.services.planning import denied
from config.settings import settings
from tests.integration.rows.conftest import Line
from tests.integration.rows.consent_service import (
    SECRET,
    YES,
    ConsentService,
    consent_service,
    dripping,
    no,
    respond,
)

SCOPE, OTHER = "analyse:text:local", "analyse:audio:local"
Send = Callable[..., dict[str, Any]]


@pytest.fixture
def service(consent: UUID, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConsentService]:
    """A service that allows local text; from here on it rules. `consent` was granted in our ledger before."""
    with consent_service() as served:
        served.answers[SCOPE] = YES
        monkeypatch.setattr(settings(), "consent_url", served.url)
        monkeypatch.setattr(settings(), "consent_secret", SecretStr(SECRET))
        monkeypatch.setattr(settings(), "consent_cache_s", 0.0)
        remote._service.cache_clear()
        yield served
    remote._service.cache_clear()


def asked(*scopes: str) -> dict[str, str | None]:
    return {scope: verdict.reason for scope, verdict in remote.verdicts("ann", TOKEN, scopes or [SCOPE]).items()}


TOKEN = UUID(int=7)


def steps(run_id: UUID) -> dict[str, Any]:
    with transaction() as connection:
        rows = connection.execute(select(Step.__table__).where(Step.run_id == run_id)).all()
    return {row.analyzer: row for row in rows}


def test_it_is_asked_by_the_contract_with_the_secret(service: ConsentService) -> None:
    service.answers[OTHER] = no("revoked")
    assert asked(SCOPE, OTHER, "share:research") == {SCOPE: None, OTHER: "revoked", "share:research": "not_covered"}
    assert {"userID": "ann", "consentTokenID": str(TOKEN), "requiredScope": SCOPE} in service.asked
    assert len({port for _, port in service.callers}) == 1  # one connection for all questions


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'{"isValid": true, "reason": null}'),
        (503, b""),
        (401, b"{}"),
        (404, b"{}"),
        (204, b""),
        (200, b""),
        (200, b"yes"),
        (200, b"true"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"isValid": true}'),
        (200, b'{"isValid": 1, "reason": null}'),
        (200, b'{"isValid": "true", "reason": null}'),
        (200, b'{"isValid": true, "reason": "revoked"}'),
        (200, b'{"isValid": false, "reason": null}'),
        (200, b'{"isValid": false, "reason": ["revoked"]}'),
        (200, b'{"isValid": false, "reason": "unanswered"}'),
        (200, b"\xff\xfe{"),
        (200, b"[" * 4000),
        (200, b'{"isValid": true, "reason": null}' + b" " * 5000),
    ],
)
def test_what_is_no_answer_by_the_contract_is_a_no(service: ConsentService, status: int, body: bytes) -> None:
    service.misbehave = lambda handler: respond(handler, status, body)
    assert asked() == {SCOPE: "unanswered"}


def test_it_is_not_followed_elsewhere(service: ConsentService) -> None:
    with consent_service() as elsewhere:
        elsewhere.answers[SCOPE] = YES
        target = f"{elsewhere.url}internal/consent/v1/verify"
        service.misbehave = lambda handler: respond(handler, 302, b"", Location=target)
        assert asked() == {SCOPE: "unanswered"}
        assert elsewhere.asked == []


def _babbling(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"hello\r\n\r\n")


def test_nobody_there_nonsense_and_a_broken_connection_are_a_no(
    service: ConsentService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.misbehave = lambda handler: handler.connection.close()
    assert asked() == {SCOPE: "unanswered"}
    service.misbehave = _babbling
    assert asked() == {SCOPE: "unanswered"}
    for url in ("http://127.0.0.1:9", "http://nowhere.invalid", "no address", "ftp://127.0.0.1", "http://[", "http://"):
        remote._service.cache_clear()
        monkeypatch.setattr(settings(), "consent_url", url)
        assert asked() == {SCOPE: "unanswered"}, url


def _hanging(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(3)


@pytest.mark.parametrize("slow", [_hanging, dripping])
def test_a_slow_service_costs_one_timeout_however_many_scopes(
    service: ConsentService, slow: Callable[[BaseHTTPRequestHandler], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "TIMEOUT_S", 0.4)
    service.misbehave = slow
    begun = time.monotonic()
    assert set(asked(*(f"analyse:text:{n}" for n in range(6))).values()) == {"unanswered"}
    assert 0.3 < time.monotonic() - begun < 1.5
    assert len(service.asked) == 1


def test_a_yes_is_used_again_for_the_set_time_and_a_no_never(
    service: ConsentService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "consent_cache_s", 0.5)
    service.answers[OTHER] = no("not_covered")
    for _ in range(3):
        asked(SCOPE, OTHER)
    assert (service.scopes().count(SCOPE), service.scopes().count(OTHER)) == (1, 3)
    service.answers = {SCOPE: no("revoked"), OTHER: YES}
    assert asked(SCOPE, OTHER) == {SCOPE: None, OTHER: None}
    until = time.monotonic() + 0.6
    while asked()[SCOPE] is None:
        assert time.monotonic() < until
    assert asked() == {SCOPE: "revoked"}
    # A yes of somebody else, or of another consent, says nothing about this one.
    service.answers = {SCOPE: YES}
    asked()
    service.answers = {}
    assert remote.verdicts("bob", TOKEN, [SCOPE])[SCOPE].reason == "not_covered"
    assert remote.verdicts("ann", uuid4(), [SCOPE])[SCOPE].reason == "not_covered"
    assert asked() == {SCOPE: None}


def test_what_is_remembered_is_bounded(service: ConsentService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "consent_cache_s", 60.0)
    monkeypatch.setattr(remote, "REMEMBERED", 5)
    for n in range(20):
        remote.verdicts(f"user-{n}", TOKEN, [SCOPE])
    assert len(remote._service(os.getpid())._allowed) == 5


def test_after_five_silences_nobody_asks_until_one_finds_it_well(
    service: ConsentService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PAUSE_S", 0.4)
    service.misbehave = lambda handler: respond(handler, 500, b"")
    for _ in range(9):
        assert asked() == {SCOPE: "unanswered"}
    assert len(service.asked) == remote.SILENCES
    silent = time.monotonic()
    # Half open: of many at the same moment one asks, and the pause begins anew.
    while len(service.asked) == remote.SILENCES:
        threads = [threading.Thread(target=asked) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert time.monotonic() - silent > 0.3
    assert len(service.asked) == remote.SILENCES + 1
    service.misbehave = None
    until = time.monotonic() + 2
    while asked()[SCOPE] is not None:
        assert time.monotonic() < until
    assert [asked() for _ in range(3)] == [{SCOPE: None}] * 3


def test_an_answer_between_silences_keeps_the_circuit_closed(service: ConsentService) -> None:
    for _ in range(3):
        service.misbehave = lambda handler: respond(handler, 500, b"")
        for _ in range(remote.SILENCES - 1):
            asked()
        service.misbehave = None
        assert asked() == {SCOPE: None}


def test_a_forked_child_has_connections_of_its_own(service: ConsentService) -> None:
    assert asked() == {SCOPE: None}
    child = os.fork()
    if child == 0:
        os._exit(0 if asked() == {SCOPE: None} else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert asked() == {SCOPE: None}
    first, second, third = (port for _, port in service.callers)
    assert first == third != second


def test_our_own_ledger_is_closed_while_another_rules(service: ConsentService, user: str, consent: UUID) -> None:
    with pytest.raises(Conflict, match="ECHO_CONSENT_URL"):
        consents.grant(user, [SCOPE], "mine")
    with pytest.raises(Conflict, match="ECHO_CONSENT_URL"):
        consents.revoke(user, consent)
    # Others who ask us are still told what our ledger says.
    assert consents.verify(user, consent, SCOPE)["isValid"]


def test_a_package_is_analysed_under_a_consent_that_only_the_service_knows(
    service: ConsentService, send: Send, line: Line, state: Any, user: str
) -> None:
    token = uuid4()
    sent = send(consent_token_id=token)
    line.drive()
    assert state(sent)["runStatus"] == "done"
    assert {(one["userID"], one["consentTokenID"]) for one in service.asked} == {(user, str(token))}
    # Planned twice, before data is opened and before results are stored in each phase, and before the merge.
    assert len(service.asked) >= 7


@pytest.mark.parametrize("reason", ["unknown", "revoked", "expired"])
def test_an_upload_that_the_service_refuses_leaves_nothing(
    service: ConsentService, send: Send, consent: UUID, user: str, reason: str
) -> None:
    service.answers[SCOPE] = no(reason)
    with pytest.raises(ConsentDenied):
        send()
    assert packages.listed(user) == ([], 0)


def test_an_upload_while_the_service_is_silent_may_be_tried_again_and_leaves_nothing(
    service: ConsentService, send: Send, user: str
) -> None:
    service.misbehave = lambda handler: respond(handler, 500, b"")
    with pytest.raises(StoreUnavailable, match="consent service"):
        send()
    assert packages.listed(user) == ([], 0)
    service.misbehave = None
    assert send()["created"]


def test_a_silent_service_denies_the_steps_and_says_so_and_fails_no_lane(
    service: ConsentService, send: Send, line: Line, state: Any, user: str
) -> None:
    sent = send()
    analyse.run_lane(sent["runID"], "text")
    interpret.interpret(sent["runID"])
    service.misbehave = lambda handler: respond(handler, 500, b"")
    assert analyse.run_lane(sent["runID"], "text").ended == {}
    found = {step.analyzer: step for step in steps(sent["runID"]).values() if step.state == "denied"}
    assert {"text.facts", "text.style"} <= found.keys()
    assert found["text.facts"].reason["code"] == "consent_denied"
    assert "did not answer" in found["text.facts"].reason["message"]
    assert {doc["modelNameOrType"] for doc in packages.features(user, sent["packageID"])} == {"text.read"}
    service.misbehave = None
    merge.merge(sent["runID"])
    assert state(sent)["runStatus"] == "partial"
    # The next analysis finds the service well.
    packages.analyse_again(user, sent["packageID"], line)
    line.published = line.published[-1:]
    line.drive()
    assert state(sent)["runStatus"] == "done"


def test_a_service_that_falls_silent_during_the_work_keeps_the_result_out(
    service: ConsentService, send: Send, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = send()
    real = AnalyzerRow.load

    def silenced(*_: Any) -> Result:
        service.misbehave = lambda handler: respond(handler, 500, b"")
        return Result({"found": 1})

    monkeypatch.setattr(AnalyzerRow, "load", lambda row: silenced if row.name == "text.read" else real(row))
    monkeypatch.setattr(AnalyzerRow, "sandboxed", False)
    assert analyse.run_lane(sent["runID"], "text").ended == {"denied": 1}
    assert packages.features(user, sent["packageID"]) == []


def test_no_question_is_asked_while_the_gate_or_a_row_is_held(
    service: ConsentService, send: Send, line: Line, user: str, state: Any
) -> None:
    """While each question waits for its answer, somebody else takes the gate and every row of the person."""
    held: list[str] = []

    def take_all(_asked: dict[str, str]) -> None:
        with transaction() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '300ms'"))
            try:
                gate_exclusive(connection, user)
                for table in (UserDataPackage, Run, Step):
                    connection.execute(select(table).where(table.user_id == user).with_for_update(nowait=True))
            except Exception as error:  # noqa: BLE001 - whatever was in the way
                held.append(str(error))
                connection.rollback()

    service.before = take_all
    sent = send()
    line.drive()
    packages.analyse_again(user, sent["packageID"], line)
    line.drive()
    assert state(sent)["runStatus"] == "done"
    assert len(service.asked) >= 14
    assert held == []


def test_the_reconciler_ends_a_run_that_the_service_denied(
    service: ConsentService, send: Send, line: Line, state: Any
) -> None:
    sent = send()
    service.answers[SCOPE] = no("revoked")
    line.drive()
    with transaction() as connection:
        connection.execute(
            text("UPDATE runs SET moved_at = moved_at - interval '1 hour' WHERE run_id = :run"), {"run": sent["runID"]}
        )
    reconcile.tick(line)
    line.drive()
    assert state(sent)["runStatus"] == "denied"


def test_the_reason_says_whether_it_was_a_no_or_silence() -> None:
    assert "did not answer" in denied(SCOPE, remote.SILENT).message
    refused = Verdict(is_valid=False, reason="revoked")
    assert denied(SCOPE, refused).details == {"consent": "revoked"}
    assert "did not answer" not in denied(SCOPE, refused).message


def test_a_package_that_vanishes_between_question_and_answer_is_not_found(
    service: ConsentService, send: Send, line: Line, user: str
) -> None:
    sent = send()
    line.drive()

    def vanish(_asked: dict[str, str]) -> None:
        with transaction() as connection:
            gone = update(UserDataPackage).where(UserDataPackage.package_id == sent["packageID"])
            connection.execute(gone.values(user_id=f"{user}-gone"))

    service.before = vanish
    with pytest.raises(Exception, match="no such package"):
        packages.analyse_again(user, sent["packageID"], line)
