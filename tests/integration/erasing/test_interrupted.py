"""An erasure that is interrupted anywhere resumes and finishes: killed, a store down, a worker in the middle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, text

from app.cli.embedded import Redis
from app.database import transaction
from app.errors import StoreUnavailable
from app.models import Base, Erasure, Step
from app.services import erasing, review
from app.services.claims import claim, lane_lock
from app.services.erasing import Messages, restore, retention, state
from app.services.merge import merge
from app.vault import objects_of
from app.vocabulary import ErasureStage, StepStatus
from config.settings import settings
from tests.integration.erasing.test_erasing import CarriedOut, candidate_of
from tests.integration.persona import Person, finding

#: Tables whose rows a backup brings back, in the order that their references allow.
BACKED_UP = (
    "packages", "package_keys", "text_layers", "runs", "steps", "candidates", "candidate_contributions", "evidence",
    "concepts", "concept_relations", "decisions", "settled_traits", "raw_features",
)  # fmt: skip
KILLED_AT = [str(stage) for stage in ErasureStage if stage not in {ErasureStage.KEYS, ErasureStage.RECEIPT}]


@pytest.mark.parametrize("stage", KILLED_AT)
def test_killed_at_the_end_of_a_stage_it_goes_on_and_finishes(
    person: Person, elsewhere: Callable[..., int], carried_out: CarriedOut, home: Path, stage: str
) -> None:
    merge(person.analysed(person.package(), finding()))
    begun = erasing.erase_user(person.user_id)
    marker = home / f"failpoint-erase.{stage}"
    marker.unlink(missing_ok=True)
    assert elsewhere(begun["erasureID"], ECHO_FAILPOINT=f"erase.{stage}") == -9
    assert marker.exists()
    interrupted = erasing.one(person.user_id, UUID(begun["erasureID"]))
    assert (interrupted["state"], interrupted["receipt"]) == ("running", None)
    done = carried_out(begun)
    assert done["receipt"]["clean"], done
    figures = {store["store"]: store["before"] for store in done["receipt"]["stores"]}
    assert figures["objects"] == figures["packages"] == figures["features"] == figures["candidates"] == 1


def test_nobody_carries_on_beside_another(person: Person, messages: Messages) -> None:
    from app.services.erasing.run import _alone

    begun = erasing.erase_package(person.user_id, person.package())
    with _alone(UUID(begun["erasureID"])) as mine:
        assert mine
        assert not erasing.run(UUID(begun["erasureID"]), messages)
    assert erasing.run(UUID(begun["erasureID"]), messages)


def _pending_at_once(erasure_id: str) -> bool:
    state.change(UUID(erasure_id), moved_at=datetime.now(UTC) - timedelta(seconds=5))
    return UUID(erasure_id) in erasing.pending(1000)


def test_with_the_object_store_down_it_waits_and_says_why(person: Person, messages: Messages, home: Path) -> None:
    package = person.package()
    run = person.analysed(package, finding())
    merge(run)
    begun = erasing.erase_package(person.user_id, package)
    objects, aside = home / "objects", home / "objects-aside"
    objects.rename(aside)
    objects.write_text("no folder")
    try:
        assert not erasing.run(UUID(begun["erasureID"]), messages)
        waiting = erasing.one(person.user_id, UUID(begun["erasureID"]))
        assert waiting["reason"]["details"] == {"store": "unavailable"}
        assert "object store" in waiting["reason"]["message"]
        assert UUID(begun["erasureID"]) not in erasing.pending(1000)
        assert _pending_at_once(begun["erasureID"])
    finally:
        objects.unlink()
        aside.rename(objects)
    assert erasing.run(UUID(begun["erasureID"]), messages)
    done = erasing.one(person.user_id, UUID(begun["erasureID"]))
    assert (done["receipt"]["clean"], done["reason"]) == (True, None)
    assert (home / "objects" / "tombstones" / begun["erasureID"]).exists()


def test_with_the_broker_down_it_waits(
    person: Person, redis_server: Redis, monkeypatch: pytest.MonkeyPatch, messages: Messages
) -> None:
    from app.tasks import control

    begun = erasing.erase_package(person.user_id, person.package())

    class Down:
        def forget(self, _run_ids: Any) -> int:
            raise StoreUnavailable("the broker does not answer")

    assert not erasing.run(UUID(begun["erasureID"]), Down())  # type: ignore[arg-type]
    assert erasing.one(person.user_id, UUID(begun["erasureID"]))["stage"] == "rows"
    monkeypatch.setattr(control.erase, "apply_async", lambda *_args, **_options: 1 / 0)
    assert control.urge(begun["erasureID"]) is False
    assert erasing.run(UUID(begun["erasureID"]), messages)


def test_it_waits_for_a_worker_that_is_in_the_middle_and_removes_what_that_puts_down(
    person: Person, messages: Messages
) -> None:
    from app.vault import open_package

    package = person.package()
    run = person.analysed(package, finding(), steps=[{"analyzer": "text.x", "state": str(StepStatus.PENDING)}])
    with lane_lock(run, "text") as connection:
        assert connection is not None
        claimed = claim(connection, run, "text")
        assert claimed is not None
        begun = erasing.erase_package(person.user_id, package)
        assert not erasing.run(UUID(begun["erasureID"]), messages)
        waiting = erasing.one(person.user_id, UUID(begun["erasureID"]))
        assert (waiting["state"], waiting["stage"], waiting["reason"]) == ("running", "keys", None)
        open_package(person.user_id, package, claimed.package.wrapped_key).put("layer-late", b"put down late")
        assert len(objects_of(person.user_id, package)) == 2
    assert erasing.run(UUID(begun["erasureID"]), messages)
    assert objects_of(person.user_id, package) == []
    assert erasing.one(person.user_id, UUID(begun["erasureID"]))["receipt"]["clean"]


def _backup(user_id: str) -> dict[str, list[dict[str, Any]]]:
    with transaction() as connection:
        return {
            name: [
                {**row}
                for row in connection.execute(
                    select(Base.metadata.tables[name]).where(Base.metadata.tables[name].c.user_id == user_id)
                ).mappings()
            ]
            for name in BACKED_UP
        }


def _restored(backup: dict[str, list[dict[str, Any]]]) -> None:
    with transaction() as connection:
        for name, rows in backup.items():
            table = Base.metadata.tables[name]
            for row in rows:
                connection.execute(insert(table).values(**row))


@pytest.mark.parametrize("scope", ["package", "user"])
def test_a_backup_that_is_restored_later_is_erased_again(
    person: Person, carried_out: CarriedOut, messages: Messages, scope: str
) -> None:
    package = person.package()
    merge(person.analysed(package, finding()))
    review.act(person.user_id, candidate_of(person), {"userDecision": "confirmed_asis"})
    backup = _backup(person.user_id)
    # Other tests leave persons behind whose rows they removed by hand: their erasures are begun here and not counted.
    restore.reapply()
    first = erasing.erase_user(person.user_id) if scope == "user" else erasing.erase_package(person.user_id, package)
    assert carried_out(first)["receipt"]["clean"]
    assert restore.reapply() == []
    with transaction() as connection:
        connection.execute(text("DELETE FROM erasures WHERE user_id = :u"), {"u": person.user_id})
        connection.execute(text("DELETE FROM decisions WHERE user_id = :u"), {"u": person.user_id})
    _restored(backup)
    assert person.candidates()
    (again,) = restore.reapply()
    assert restore.reapply() == []
    done = carried_out(erasing.one(person.user_id, again))
    assert (done["scope"], done["receipt"]["clean"]) == ("restore", True), done
    assert done["receipt"]["repeats"] == first["erasureID"]
    assert not any(_backup(person.user_id)[name] for name in BACKED_UP if name != "decisions")
    assert restore.reapply() == []


def test_a_tombstone_that_we_did_not_sign_erases_nothing(person: Person, home: Path) -> None:
    package = person.package()
    forged = home / "objects" / "tombstones" / str(uuid4())
    forged.parent.mkdir(exist_ok=True)
    forged.write_text("eyJhbGciOiJub25lIn0.e30.")
    try:
        assert restore.reapply() == []
    finally:
        forged.unlink()
    assert objects_of(person.user_id, package)


def test_what_is_older_than_its_purpose_allows_is_erased(
    person: Person, carried_out: CarriedOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, other = person.package(), person.package(), Person()
    under_others = other.package()
    with transaction() as connection:
        connection.execute(
            text("UPDATE packages SET created_at = now() - interval '40 days' WHERE package_id = ANY(:ids)"),
            {"ids": [old, under_others]},
        )
    monkeypatch.setattr(settings(), "retention_days", {})
    assert retention.erase_due() == []
    monkeypatch.setattr(settings(), "retention_days", {"test": 50, "*": 30})
    assert retention.erase_due() == []
    monkeypatch.setattr(settings(), "retention_days", {"test": 30})
    assert len(retention.erase_due()) == 2
    (mine,), _ = erasing.listed(person.user_id)
    assert (mine["scope"], mine["packageIDs"]) == ("retention", [str(old)])
    assert carried_out(mine)["receipt"]["clean"]
    assert retention.erase_due() == []
    assert objects_of(person.user_id, new)


def test_of_500_steps_none_begins_and_none_stores_after_the_erasure_committed(person: Person) -> None:
    """Four workers claim lane after lane while the person is erased."""
    runs = [
        person.analysed(
            person.package(),
            finding(),
            steps=[{"analyzer": f"t.{n}", "state": str(StepStatus.PENDING), "lane": f"t{n}"} for n in range(10)],
        )
        for _ in range(50)
    ]
    lanes = [(run, f"t{n}") for run in runs for n in range(10)]
    begun: list[tuple[datetime, Any]] = []
    going = threading.Event()

    def work(mine: list[tuple[UUID, str]]) -> None:
        for run, lane in mine:
            with lane_lock(run, lane) as connection:
                claimed = claim(connection, run, lane) if connection is not None else None
            if claimed is not None:
                begun.append((datetime.now(UTC), claimed))
            if len(begun) > 60:
                going.set()

    threads = [threading.Thread(target=work, args=(lanes[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    going.wait(30)
    erasing.erase_user(person.user_id)
    with transaction() as connection:
        started = connection.execute(
            select(Step.started_at, Step.state, Step.token).where(Step.user_id == person.user_id)
        ).all()
        asked = connection.execute(select(Erasure.requested_at).where(Erasure.user_id == person.user_id)).scalar_one()
    claimed_before = len(begun)
    for thread in threads:
        thread.join(60)
    assert 60 < claimed_before <= len(begun) < 500
    with transaction() as connection:
        after = connection.execute(
            select(Step.started_at, Step.state, Step.token).where(Step.user_id == person.user_id)
        ).all()
    assert sorted(map(str, after)) == sorted(map(str, started))
    assert all(row.token is None for row in after)
    assert {row.state for row in after} <= {"done", "cancelled"}
    assert all(row.started_at <= asked for row in after if row.started_at is not None)
