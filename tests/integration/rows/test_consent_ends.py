"""Consent that ends while steps run: by revocation, scope by scope, by its time; and a ledger tampered with."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from pydantic import SecretStr
from sqlalchemy import Connection, func, select, text, update

from app import consent as consenting
from app.analysis import Result
from app.analyzers.catalog import AnalyzerRow
from app.cli import cli
from app.cli.embedded import Redis
from app.consent import grants, remote
from app.database import transaction
from app.models import RawAnalysisFeatures, Step
from app.services import analyse, consents, interpret, merge, packages
from config.settings import settings
from tests.integration.rows.conftest import Line
from tests.integration.rows.consent_service import SECRET, YES, consent_service, no

SCOPE, OTHER = "analyse:text:local", "analyse:style:local"
STEPS, WORKERS = 500, 6
Send = Callable[..., dict[str, Any]]
Stub = Callable[[str, Callable[..., Result]], None]


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    """Let an analyzer do something else, in this process."""
    doing: dict[str, Callable[..., Result]] = {}
    real = AnalyzerRow.load
    monkeypatch.setattr(AnalyzerRow, "load", lambda row: doing.get(row.name) or real(row))

    def replace(name: str, function: Callable[..., Result]) -> None:
        doing[name] = function
        if name == "text.read":
            monkeypatch.setattr(AnalyzerRow, "sandboxed", False)

    return replace


def counted(connection: Connection, user: str) -> tuple[int, int, int]:
    """Steps that were begun, steps that are done, feature documents."""
    begun, done = connection.execute(
        select(func.count().filter(Step.attempts > 0), func.count().filter(Step.state == "done")).where(
            Step.user_id == user
        )
    ).one()
    stored = select(func.count()).select_from(RawAnalysisFeatures).where(RawAnalysisFeatures.user_id == user)
    return begun, done, connection.execute(stored).scalar_one()


def race(user: str, consent: UUID, runs: list[UUID]) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Revoke while workers take one lane after another; what was begun and stored when nobody could begin, and after.

    The revocation counts when it holds the gate, and commits a tenth of a second later: whatever commits from then on
    shows in the difference.
    """
    waiting, third = iter(runs), threading.Semaphore(0)
    taking = threading.Lock()

    def work() -> None:
        while True:
            with taking:
                run_id = next(waiting, None)
            if run_id is None:
                return
            analyse.run_lane(run_id, "text")
            third.release()

    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for _ in range(len(runs) // 3):
        assert third.acquire(timeout=60)
    with transaction() as connection:
        consenting.revoke(connection, user, consent)
        before = counted(connection, user)
        connection.execute(text("SELECT pg_sleep(0.1)"))
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    with transaction() as connection:
        return before, counted(connection, user)


def test_of_500_steps_none_begins_and_none_stores_after_the_revocation(
    send: Send, line: Line, user: str, consent: UUID, stub: Stub
) -> None:
    stub("text.read", lambda *_: Result({"found": 1}))
    runs = [send()["runID"] for _ in range(STEPS)]
    before, after = race(user, consent, runs)
    assert after == before
    begun, done, stored = after
    assert STEPS // 3 <= done == stored <= begun < STEPS
    with transaction() as connection:
        states = connection.execute(select(Step.state, func.count()).where(Step.user_id == user).group_by(Step.state))
        assert {row.state: row[1] for row in states} == {"done": done, "denied": STEPS - done}
        again = select(func.count()).select_from(Step).where(Step.user_id == user, Step.attempts > 1)
        assert connection.execute(again).scalar_one() == 0


def test_without_the_gate_some_would_so_the_race_is_real(
    send: Send, user: str, consent: UUID, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub("text.read", lambda *_: Result({"found": 1}))
    monkeypatch.setattr(grants, "_READ_GATED", grants._READ)
    before, after = race(user, consent, [send()["runID"] for _ in range(90)])
    assert after > before


def states(run_id: UUID) -> dict[str, str]:
    with transaction() as connection:
        rows = connection.execute(select(Step.analyzer, Step.state).where(Step.run_id == run_id))
        return {row.analyzer: row.state for row in rows}


def found_by(user: str, sent: dict[str, Any]) -> set[str]:
    return {doc["modelNameOrType"] for doc in packages.features(user, sent["packageID"])}


def interpreting(sent: dict[str, Any]) -> UUID:
    """Up to where the interpreting lane begins."""
    run_id: UUID = sent["runID"]
    analyse.run_lane(run_id, "text")
    assert interpret.interpret(run_id) is not None
    return run_id


def test_one_of_two_consents_taken_back_in_the_middle_leaves_the_other_alone(
    send: Send, line: Line, user: str, consent: UUID, stub: Stub
) -> None:
    kept = UUID(str(consents.grant(user, [SCOPE], "another test")["consentTokenID"]))
    ended, going = send(), send(consent_token_id=kept)
    first, second = interpreting(ended), interpreting(going)
    before = found_by(user, ended)
    revoked: list[UUID] = []

    def meanwhile(*_: Any) -> Result:
        if not revoked:
            with transaction() as connection:
                revoked.append(consenting.revoke(connection, user, consent).consent_token_id)
        return Result({"found": 1})

    stub("text.statistics", meanwhile)
    for run_id in (first, second):
        analyse.run_lane(run_id, "text")
        merge.merge(run_id)
    assert revoked == [consent]
    assert {states(first)[name] for name in ("text.topics", "text.facts", "text.style")} == {"denied"}
    assert {states(second)[name] for name in ("text.topics", "text.facts", "text.style")} == {"done"}
    assert found_by(user, ended) == before == {"text.read"}
    assert {"text.topics", "text.facts"} <= found_by(user, going)
    assert packages.status(user, going["packageID"])["runStatus"] == "done"
    assert packages.status(user, ended["packageID"])["runStatus"] in {"denied", "partial"}


@pytest.fixture
def two_scopes(consent: UUID, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Answers of a consent service that allows two scopes of one consent; each can be taken away alone."""
    with consent_service() as served:
        served.answers.update({SCOPE: YES, OTHER: YES})
        monkeypatch.setattr(settings(), "consent_url", served.url)
        monkeypatch.setattr(settings(), "consent_secret", SecretStr(SECRET))
        monkeypatch.setattr(settings(), "consent_cache_s", 0.0)
        remote._service.cache_clear()
        yield served.answers
    remote._service.cache_clear()


@pytest.mark.parametrize("when", ["before", "during"])
def test_one_of_two_scopes_taken_away_in_the_middle_ends_its_steps_alone(
    two_scopes: dict[str, Any], send: Send, user: str, stub: Stub, when: str
) -> None:
    sent = send()
    run_id = interpreting(sent)
    with transaction() as connection:
        mine = (Step.run_id == run_id, Step.analyzer.in_(["text.style", "text.topics"]))
        connection.execute(update(Step).where(*mine).values(scope=OTHER))
    opened: list[str] = []

    def reads(*_: Any) -> Result:
        opened.append("text.style")
        two_scopes[OTHER] = no("revoked")
        return Result({"found": 1})

    stub("text.style", reads)
    if when == "before":
        two_scopes[OTHER] = no("revoked")
    ended = analyse.run_lane(run_id, "text").ended
    merge.merge(run_id)
    assert opened == ([] if when == "before" else ["text.style"])
    assert {name for name, state in states(run_id).items() if state == "denied"} == {"text.style", "text.topics"}
    assert {"text.facts", "text.statistics"} <= found_by(user, sent)
    assert not found_by(user, sent) & {"text.style", "text.topics"}
    assert ended.get("denied", 0) == (0 if when == "before" else 2)
    status = packages.status(user, sent["packageID"])
    assert (status["runStatus"], status["reason"]["code"]) == ("partial", "consent_denied")


def test_a_consent_whose_time_ends_in_the_middle_ends_what_runs_and_what_waits(
    send: Send, line: Line, user: str, stub: Stub
) -> None:
    until = datetime.now(UTC) + timedelta(seconds=1)
    token = UUID(str(consents.grant(user, [SCOPE], "a short test", until)["consentTokenID"]))
    sent, waits = send(consent_token_id=token), send(consent_token_id=token)
    run_id = interpreting(sent)

    def outlasts(*_: Any) -> Result:
        threading.Event().wait(max(0.0, (until - datetime.now(UTC)).total_seconds()) + 0.05)
        return Result({"found": 1})

    stub("text.facts", outlasts)
    analyse.run_lane(run_id, "text")
    assert states(run_id)["text.facts"] == "denied"
    assert found_by(user, sent) == {"text.read"}
    analyse.run_lane(waits["runID"], "text")
    assert set(states(waits["runID"]).values()) == {"denied"}
    assert found_by(user, waits) == set()
    with pytest.raises(Exception, match="does not allow"):
        send(consent_token_id=token)


def test_doctor_finds_a_tampered_entry_and_the_restored_one_whole(
    redis_server: Redis, user: str, consent: UUID
) -> None:
    def doctor() -> dict[str, Any]:
        said = json.loads(CliRunner().invoke(cli, ["doctor", "--json"]).stdout)
        return next(dict(check) for check in said["checks"] if check["name"] == "consent ledger")

    def write(scopes: list[str]) -> None:
        with transaction() as connection:
            connection.execute(text("ALTER TABLE consent_ledger DISABLE TRIGGER append_only"))
            connection.execute(
                text("UPDATE consent_ledger SET scopes = :scopes WHERE user_id = :user"),
                {"scopes": scopes, "user": user},
            )
            connection.execute(text("ALTER TABLE consent_ledger ENABLE TRIGGER append_only"))

    assert doctor()["state"] == "ok"
    write(["analyse:*:*"])
    try:
        told = doctor()
    finally:
        write([SCOPE])
    assert (told["state"], told["remedy"]) == ("failed", "restore the database from a backup")
    assert user not in json.dumps(told)
    assert doctor()["state"] == "ok"
