"""The ledger in a real PostgreSQL: grants, revocations, the gate, and what nobody can change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Select, insert, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from app.cli.embedded import Postgres
from app.consent import covered, gate_exclusive, gate_shared, grant, ledger, listed, revoke, verify, verify_chain
from app.database import transaction
from app.errors import InvalidInput, NotFound
from app.models import ConsentLedgerEntry, Run, Step, UserDataPackage
from app.services import consents
from app.vocabulary import RunStatus, StepStatus

SCOPE = "analyse:text:local"
LATER = datetime.now(UTC) + timedelta(days=30)


@pytest.fixture
def user(postgres: Postgres) -> str:
    return f"user-{uuid4().hex}"


@contextmanager
def undone() -> Iterator[Connection]:
    """A transaction that leaves nothing, and may do what the application never does."""
    with transaction() as connection:
        yield connection
        connection.rollback()


def expired(user: str) -> UUID:
    """A grant whose time is over, written as if it had been given long ago."""
    token = uuid4()
    with transaction() as connection:
        ledger.append(
            connection,
            ledger.head(connection, user),
            user_id=user,
            event="grant",
            consent_token_id=token,
            scopes=[SCOPE],
            purpose="test",
            expires_at=datetime.now(UTC) - timedelta(seconds=1),
        )
    return token


def test_a_grant_covers_what_it_names_until_it_is_revoked(user: str) -> None:
    with transaction() as connection:
        consent = grant(connection, user, [SCOPE, "analyse:audio:*"], "to know myself", LATER)
    with transaction() as connection:
        asked = [SCOPE, "analyse:audio:local", "analyse:image:local"]
        assert covered(connection, user, consent.consent_token_id, asked) == {SCOPE, "analyse:audio:local"}
        assert verify(connection, user, consent.consent_token_id, SCOPE).is_valid
        assert verify(connection, user, consent.consent_token_id, "analyse:image:local").reason == "not_covered"
    with transaction() as connection:
        ended = revoke(connection, user, consent.consent_token_id)
        assert ended.revoked_at is not None
    with transaction() as connection:
        assert covered(connection, user, consent.consent_token_id, asked) == frozenset()
        assert verify(connection, user, consent.consent_token_id, SCOPE).reason == "revoked"


def test_an_expired_grant_covers_nothing(user: str) -> None:
    token = expired(user)
    with transaction() as connection:
        assert covered(connection, user, token, [SCOPE]) == frozenset()
        assert verify(connection, user, token, SCOPE).reason == "expired"
        assert listed(connection, user)[0].status() == "expired"


def test_another_persons_token_is_unknown(user: str) -> None:
    with transaction() as connection:
        consent = grant(connection, user, [SCOPE], "mine", None)
        for person, token in (("somebody-else", consent.consent_token_id), (user, uuid4())):
            assert verify(connection, person, token, SCOPE).reason == "unknown"
            assert covered(connection, person, token, [SCOPE]) == frozenset()
            with pytest.raises(NotFound):
                revoke(connection, person, token)


def test_revoking_twice_is_revoking_once(user: str) -> None:
    with transaction() as connection:
        token = grant(connection, user, [SCOPE], "mine", None).consent_token_id
    with transaction() as connection:
        first = revoke(connection, user, token)
    with transaction() as connection:
        assert revoke(connection, user, token) == first
        assert len(connection.execute(entries(user)).all()) == 2


def test_consents_are_listed_newest_first_as_they_were_given(user: str) -> None:
    with transaction() as connection:
        given = [grant(connection, user, [SCOPE], f"purpose {n}", LATER if n else None) for n in range(3)]
    with transaction() as connection:
        ended = revoke(connection, user, given[0].consent_token_id)
        assert listed(connection, user) == [given[2], given[1], ended]
        assert listed(connection, f"{user}-x") == []


@pytest.mark.parametrize("purpose", ["", "  \n", "x" * 2001, "nul \x00", "half \ud83d"])
def test_a_purpose_that_says_nothing_or_cannot_be_kept_is_refused(user: str, purpose: str) -> None:
    with transaction() as connection, pytest.raises(InvalidInput, match="purpose"):
        grant(connection, user, [SCOPE], purpose, None)


@pytest.mark.parametrize(
    "expires",
    [
        datetime.now(UTC) - timedelta(days=1),
        datetime(2199, 1, 1),  # noqa: DTZ001 - a time without offset is the case
        datetime.fromisoformat("9999-12-31T23:59:59-12:00"),
    ],
)
def test_an_expiry_that_is_no_future_moment_is_refused(user: str, expires: datetime) -> None:
    with transaction() as connection, pytest.raises(InvalidInput, match="expiresAt"):
        grant(connection, user, [SCOPE], "mine", expires)


def entries(user: str) -> Select[*tuple[Any, ...]]:
    table = ConsentLedgerEntry.__table__
    return select(table).where(table.c.user_id == user).order_by(table.c.sequence)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE consent_ledger SET purpose = 'other' WHERE user_id = :user",
        "DELETE FROM consent_ledger WHERE user_id = :user",
        "UPDATE consent_ledger SET purpose = 'other' WHERE false",
        "TRUNCATE consent_ledger",
        """
        INSERT INTO consent_ledger OVERRIDING SYSTEM VALUE SELECT * FROM consent_ledger
        ON CONFLICT (entry_id) DO UPDATE SET purpose = 'other'
        """,
    ],
)
def test_the_ledger_refuses_every_change(user: str, statement: str) -> None:
    with transaction() as connection:
        grant(connection, user, [SCOPE], "mine", None)
    with pytest.raises(DBAPIError, match="append-only"), undone() as connection:
        connection.execute(text(statement), {"user": user})
    with transaction() as connection:
        assert verify_chain(connection, user) == []
        assert [row.purpose for row in connection.execute(entries(user))] == ["mine"]


def chain_of(user: str, length: int) -> None:
    with transaction() as connection:
        tokens = [grant(connection, user, [SCOPE], f"purpose {n}", LATER).consent_token_id for n in range(length - 1)]
        revoke(connection, user, tokens[0])


@contextmanager
def without_the_trigger() -> Iterator[Connection]:
    """What only somebody with the database's own rights can do, and only here."""
    with undone() as connection:
        connection.execute(text("ALTER TABLE consent_ledger DISABLE TRIGGER append_only"))
        yield connection


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE consent_ledger SET scopes = '{analyse:*:*}' WHERE user_id = :u AND sequence = 2", [(2, "content")]),
        ("UPDATE consent_ledger SET expires_at = NULL WHERE user_id = :u AND sequence = 1", [(1, "content")]),
        ("UPDATE consent_ledger SET event = 'grants' WHERE user_id = :u AND sequence = 4", [(4, "content")]),
        ("DELETE FROM consent_ledger WHERE user_id = :u AND sequence = 2", [(3, "missing")]),
        ("DELETE FROM consent_ledger WHERE user_id = :u AND sequence = 1", [(2, "missing")]),
        (
            "UPDATE consent_ledger SET sequence = sequence + 10 WHERE user_id = :u AND sequence = 4",
            [(14, "missing"), (14, "content")],
        ),
    ],
)
def test_a_changed_or_missing_entry_shows_in_the_chain(user: str, tampering: str, found: list[tuple[int, str]]) -> None:
    chain_of(user, 4)
    with without_the_trigger() as connection:
        connection.execute(text(tampering), {"u": user})
        broken = verify_chain(connection, user)
        assert [(one.sequence, one.what) for one in broken] == found
        assert [one for one in verify_chain(connection) if one.user_id == user] == broken
    with transaction() as connection:
        assert verify_chain(connection, user) == []


def test_an_entry_rehashed_after_a_change_breaks_the_next_one(user: str) -> None:
    chain_of(user, 3)
    with without_the_trigger() as connection:
        row = connection.execute(entries(user)).first()
        assert row is not None
        forged = {**row._asdict(), "purpose": "forged"}
        connection.execute(
            text("UPDATE consent_ledger SET purpose = 'forged', hash = :hash WHERE entry_id = :id"),
            {"hash": ledger.digest(forged), "id": row.entry_id},
        )
        assert [(one.sequence, one.what) for one in verify_chain(connection, user)] == [(2, "chain")]


def test_grants_at_the_same_time_make_one_chain_without_gaps(user: str) -> None:
    def give() -> None:
        for _ in range(5):
            with transaction() as connection:
                grant(connection, user, [SCOPE], "mine", None)

    threads = [threading.Thread(target=give) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with transaction() as connection:
        assert [row.sequence for row in connection.execute(entries(user))] == list(range(1, 21))
        assert verify_chain(connection, user) == []


def test_a_revocation_waits_for_a_step_between_its_check_and_its_claim(user: str) -> None:
    with transaction() as connection:
        token = grant(connection, user, [SCOPE], "mine", None).consent_token_id
    with transaction() as step:
        gate_shared(step, user)
        assert covered(step, user, token, [SCOPE])
        with transaction() as other:
            other.execute(text("SET LOCAL lock_timeout = '100ms'"))
            with pytest.raises(OperationalError, match="lock timeout"):
                revoke(other, user, token)
            other.rollback()
        with transaction() as third:
            gate_shared(third, user)
    with transaction() as connection:
        assert revoke(connection, user, token).revoked_at


def test_a_step_waits_for_a_revocation_and_then_sees_it_while_other_people_go_on(user: str) -> None:
    with transaction() as connection:
        token = grant(connection, user, [SCOPE], "mine", None).consent_token_id
    seen: list[frozenset[str]] = []
    begun = threading.Event()

    def step() -> None:
        with transaction() as connection:
            begun.set()
            gate_shared(connection, user)
            seen.append(covered(connection, user, token, [SCOPE]))

    with transaction() as connection:
        revoke(connection, user, token)
        worker = threading.Thread(target=step)
        worker.start()
        begun.wait(10)
        with transaction() as other:
            gate_exclusive(other, f"{user}-other")
        assert seen == []
    worker.join(10)
    assert seen == [frozenset()]


def race(user: str, gate: Callable[[Connection, str], None], rounds: int = 6, workers: int = 4) -> int:
    """Steps that begin again and again while their consent is revoked; how many began after that was committed."""
    late: list[bool] = []

    def work(token: UUID, revoked: threading.Event, steps: threading.Semaphore) -> None:
        allowed = frozenset({SCOPE})
        while allowed:
            with transaction() as connection:
                gate(connection, user)
                allowed = covered(connection, user, token, [SCOPE])
                connection.execute(text("SELECT pg_sleep(0.002)"))  # the claim: some work between check and commit
                late.append(bool(allowed) and revoked.is_set())
            steps.release()

    for _ in range(rounds):
        with transaction() as connection:
            token = grant(connection, user, [SCOPE], "mine", None).consent_token_id
        revoked, steps = threading.Event(), threading.Semaphore(0)
        threads = [threading.Thread(target=work, args=(token, revoked, steps)) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for _ in range(5 * workers):
            steps.acquire(timeout=30)
        with transaction() as connection:
            revoke(connection, user, token)
        revoked.set()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
    return sum(late)


def test_no_step_starts_after_a_revocation_committed(user: str) -> None:
    assert race(user, gate_shared) == 0


def test_without_the_gate_some_steps_would_so_the_race_is_real(user: str) -> None:
    assert race(user, lambda _connection, _user: None) > 0


def run_under(user: str, token: UUID, states: dict[str, StepStatus], state: RunStatus = RunStatus.RUNNING) -> UUID:
    package_id, run_id = uuid4(), uuid4()
    now = datetime.now(UTC)
    with transaction() as connection:
        connection.execute(
            insert(UserDataPackage).values(
                package_id=package_id,
                user_id=user,
                consent_token_id=token,
                source_description="",
                file_name="",
                data_type="text",
                media_type="text/plain",
                size_bytes=1,
                sha256="",
                object_key="",
                request_fingerprint="",
                details={},
            )
        )
        connection.execute(
            insert(Run).values(
                run_id=run_id,
                package_id=package_id,
                user_id=user,
                consent_token_id=token,
                state=str(state),
                phase="perceive",
                moved_at=now,
            )
        )
        for analyzer, step_state in states.items():
            connection.execute(
                insert(Step).values(
                    step_id=uuid4(),
                    run_id=run_id,
                    package_id=package_id,
                    user_id=user,
                    analyzer=analyzer,
                    version="1",
                    phase="perceive",
                    queue="text",
                    modality="text",
                    lane="text",
                    scope=SCOPE,
                    state=str(step_state),
                )
            )
    return run_id


def states_of(run_id: UUID) -> dict[str, tuple[str, str | None]]:
    with transaction() as connection:
        rows = connection.execute(select(Step.analyzer, Step.state, Step.reason).where(Step.run_id == run_id))
        return {row.analyzer: (row.state, row.reason and row.reason["code"]) for row in rows}


def test_revoking_ends_what_waits_under_that_token_and_nothing_else(user: str) -> None:
    token, kept = (UUID(consents.grant(user, [SCOPE], "mine")["consentTokenID"]) for _ in range(2))
    ours = run_under(user, token, {"a": StepStatus.PENDING, "b": StepStatus.RUNNING, "c": StepStatus.DONE})
    queued = run_under(user, token, {"a": StepStatus.PENDING}, RunStatus.QUEUED)
    over = run_under(user, token, {"a": StepStatus.PENDING}, RunStatus.CANCELLED)
    other = run_under(user, kept, {"a": StepStatus.PENDING})
    consents.revoke(user, token)
    # What ran is denied too: its package is being erased, and what it still finds is not stored.
    denied = ("denied", "consent_denied")
    assert states_of(ours) == {"a": denied, "b": denied, "c": ("done", None)}
    assert states_of(queued) == states_of(over) == {"a": denied}
    assert states_of(other) == {"a": ("pending", None)}


def test_the_use_cases_answer_in_the_contracts_names(user: str) -> None:
    given = consents.grant(user, ["analyse:text:local", "analyse:audio:local"], "mine", LATER)
    assert given == {
        "consentTokenID": given["consentTokenID"],
        "userID": user,
        "scopes": ["analyse:audio:local", "analyse:text:local"],
        "purpose": "mine",
        "expiresAt": LATER.isoformat(),
        "grantedAt": given["grantedAt"],
        "revokedAt": None,
        "status": "active",
    }
    assert consents.listed(user) == [given]
    ended = consents.revoke(user, UUID(given["consentTokenID"]))
    assert ended == {**given, "revokedAt": ended["revokedAt"], "status": "revoked", "erasureID": None}
    del ended["erasureID"]
    assert consents.listed(user) == [ended]


def test_other_services_get_an_answer_whatever_they_ask(user: str) -> None:
    token = consents.grant(user, [SCOPE], "mine")["consentTokenID"]
    assert consents.verify(user, token, SCOPE) == {"isValid": True, "reason": None}
    assert consents.verify(user, UUID(token), "analyse:text:cloud") == {"isValid": False, "reason": "not_covered"}
    for asked in [(user, "nonsense", SCOPE), (user, "", SCOPE), ("nul\x00", token, SCOPE), ("", token, SCOPE)]:
        assert consents.verify(*asked) == {"isValid": False, "reason": "unknown"}
    assert consents.verify(user, token, "nul\x00 \ud800") == {"isValid": False, "reason": "not_covered"}
