"""Questions of bulk runs that have no answer yet: words in the package's vault, ids and states in rows.

An item is `waiting` for a batch, `sent` with one, or `failed` for good; its row goes with its answer. A step sleeps
while any of its items is open and is woken when none is: its analyzer then begins again and finds the answers recorded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.asking import Request
from app.database import AnyRow
from app.errors import Reason
from app.models import LlmBatch, LlmBatchItem, LlmCall, PackageKey, Run, Step
from app.services.llm import recordings
from app.services.llm.waiting import BULK_PATIENCE_S
from app.services.planning import now
from app.vault import PackageVault, delete_object, open_package
from app.vocabulary import RunStatus, StepStatus

WAITING, SENT, FAILED = "waiting", "sent", "failed"
#: Steps woken and items removed in one tick.
_MOST = 1000
#: Objects in the vault; answered questions are recordings and have another name.
PREFIX = "ask-"

#: Somebody still wants the answer.
_WANTED = and_(
    Run.state.in_([str(state) for state in RunStatus if not state.final]),
    Step.state.in_([str(state) for state in StepStatus if not state.final]),
)
_ABOUT: Select[*tuple[Any, ...]] = (
    select(
        LlmBatchItem.__table__,
        Step.analyzer,
        Step.scope,
        Run.consent_token_id.label("consent"),
        PackageKey.wrapped_key,
    )
    .join(Step, Step.step_id == LlmBatchItem.step_id)
    .join(Run, Run.run_id == Step.run_id)
    .join(PackageKey, PackageKey.package_id == LlmBatchItem.package_id)
)


def put(connection: Connection, step: AnyRow, vault: PackageVault, requests: Iterable[Request]) -> dict[str, Reason]:
    """Put a step's questions that have no answer yet down for the next batch, each once: words first, the row after.

    Args:
        connection: outside of a transaction.
        step: columns of `steps`.
        vault: of the package.
        requests: the questions.

    Returns:
        Why questions that were put down before have no answer and will have none, by `Request.key`.
    """
    with connection.begin():
        mine = select(LlmBatchItem.key, LlmBatchItem.state, LlmBatchItem.reason)
        mine = mine.where(LlmBatchItem.step_id == step.step_id)
        known = {row.key: row.reason if row.state == FAILED else None for row in connection.execute(mine)}
    rows = []
    for request in requests:
        # An answer is recorded before its row goes: what has neither a row nor an answer was never put down.
        if (key := request.key) in known or recordings.find(vault, step.run_id, request) is not None:
            continue
        raw = json.dumps(asdict(request)).encode()
        vault.put(_name(step.run_id, key), raw)
        rows.append(
            {
                "item_id": uuid4(),
                "package_id": vault.package_id,
                "run_id": step.run_id,
                "step_id": step.step_id,
                "user_id": vault.user_id,
                "key": key,
                "size": len(raw),
                "state": WAITING,
            }
        )
    if rows:
        with connection.begin():
            connection.execute(insert(LlmBatchItem).on_conflict_do_nothing(), rows)
    return {key: Reason.from_json(reason) for key, reason in known.items() if reason}


def question(item: AnyRow) -> Request:
    """The question of an item, decrypted.

    Raises:
        NotFound: it is there no more.
        VaultError: it cannot be opened.
        StoreUnavailable: the store does not answer.
    """
    return Request(**json.loads(vault_of(item).named(_name(item.run_id, item.key))))


def vault_of(item: AnyRow) -> PackageVault:
    """The vault of an item's package."""
    return open_package(item.user_id, item.package_id, item.wrapped_key)


def waiting(connection: Connection, most: int, most_bytes: int) -> Sequence[AnyRow]:
    """Items that may travel now, the oldest first, with what is needed to ask consent and open them.

    One of a batch that was refused as a whole travels alone: it may be the one that was meant.
    """
    due = or_(LlmBatchItem.not_before.is_(None), LlmBatchItem.not_before <= now())
    order = (LlmBatchItem.created_at, LlmBatchItem.item_id)
    counted = _ABOUT.add_columns(func.sum(LlmBatchItem.size).over(order_by=order).label("together"))
    found = counted.where(LlmBatchItem.state == WAITING, due, _WANTED).order_by(*order).limit(most)
    with connection.begin():
        rows = connection.execute(found).all()
    if suspect := next((row for row in rows if row.reason), None):
        return [suspect]
    # One that is larger than all may be travels alone.
    return [row for place, row in enumerate(rows) if not place or row.together <= most_bytes]


def of_batch(connection: Connection, batch_id: UUID) -> Sequence[AnyRow]:
    """Items that are wanted of a batch, with the model that was asked."""
    asked = _ABOUT.add_columns(LlmCall.model).join(LlmCall, LlmCall.call_id == LlmBatchItem.call_id)
    with connection.begin():
        return connection.execute(asked.where(*_sent(batch_id), _WANTED)).all()


def hold(connection: Connection, item: AnyRow) -> bool:
    """Whether the answer to a sent item is wanted; if so, its run does not end before this transaction does."""
    mine = select(LlmBatchItem.item_id).join(Step, Step.step_id == LlmBatchItem.step_id)
    mine = mine.join(Run, Run.run_id == Step.run_id).join(PackageKey, PackageKey.package_id == LlmBatchItem.package_id)
    held = mine.where(LlmBatchItem.item_id == item.item_id, *_sent(item.batch_id), _WANTED)
    return connection.execute(held.with_for_update(read=True, of=Run)).first() is not None


_SEND = text(
    """
    UPDATE llm_batch_items AS item SET state = 'sent', batch_id = :batch, call_id = given.call_id, not_before = NULL
    FROM unnest(CAST(:items AS uuid[]), CAST(:calls AS uuid[])) AS given(item_id, call_id), runs, steps
    WHERE item.item_id = given.item_id AND item.state = 'waiting'
      AND runs.run_id = item.run_id AND runs.state IN ('queued', 'running')
      AND steps.step_id = item.step_id AND steps.state IN ('pending', 'running')
    RETURNING item.item_id
    """
)


def send(connection: Connection, batch_id: UUID, calls: dict[UUID, UUID]) -> set[UUID]:
    """Make items, by id with the id of their call, part of a batch; those that are still wanted."""
    given = {"batch": batch_id, "items": [*calls], "calls": [*calls.values()]}
    return {row.item_id for row in connection.execute(_SEND, given)}


def take_back(
    connection: Connection, batch_id: UUID, *, seconds: float, reason: Reason | None, tries: int, alone: bool
) -> None:
    """Let what is left of a batch wait for another one, or fail.

    Args:
        connection: of the transaction.
        batch_id: of the batch.
        seconds: until they may travel again.
        reason: why it counts as a try; None where the vendor never had them.
        tries: after so many, an item fails with that reason.
        alone: whether each travels alone from now on.
    """
    left = connection.execute(select(LlmBatchItem.__table__).where(*_sent(batch_id))).all()
    for item in left:
        again(connection, item, seconds=seconds, reason=reason, tries=tries)
    if reason is not None and alone:
        mine = (LlmBatchItem.item_id.in_([item.item_id for item in left]), LlmBatchItem.state == WAITING)
        connection.execute(update(LlmBatchItem).where(*mine).values(reason=reason.as_json()))


def again(connection: Connection, item: AnyRow, *, seconds: float, reason: Reason | None, tries: int) -> None:
    """Let an item wait for another batch, or fail if this was its last try; its step's patience begins anew."""
    tried = item.tries + (reason is not None)
    if reason is not None and tried >= tries:
        fail(connection, [item.item_id], Reason(reason.code, reason.message, {**reason.details, "tries": tried}))
        return
    moment = now()
    values = {"state": WAITING, "batch_id": None, "tries": tried, "not_before": moment + timedelta(seconds=seconds)}
    connection.execute(update(LlmBatchItem).where(LlmBatchItem.item_id == item.item_id).values(**values))
    if reason is not None:
        be_patient(connection, [item])


def be_patient(connection: Connection, asked: Sequence[AnyRow]) -> None:
    """Let the patience of the steps of these items begin anew: their questions are with a batch, or go with another.

    Their runs are held first, as everybody does, and shared: whoever calls it may hold them so already.
    """
    run_ids, step_ids = {item.run_id for item in asked}, {item.step_id for item in asked}
    held = select(Run.run_id).where(Run.run_id.in_(run_ids)).order_by(Run.run_id)
    connection.execute(held.with_for_update(read=True)).all()
    moment = now()
    sleeping = (Step.step_id.in_(step_ids), Step.state == str(StepStatus.PENDING), Step.not_before > moment)
    until = moment + timedelta(seconds=BULK_PATIENCE_S)
    connection.execute(update(Step).where(*sleeping).values(waiting_since=moment, not_before=until))


def put_off(connection: Connection, item_ids: Sequence[UUID], seconds: float) -> None:
    """Leave waiting items out for a while."""
    until = now() + timedelta(seconds=seconds)
    connection.execute(update(LlmBatchItem).where(LlmBatchItem.item_id.in_(item_ids)).values(not_before=until))


def fail(connection: Connection, item_ids: Sequence[UUID], reason: Reason) -> None:
    """End items without an answer; their step says why when it wakes."""
    values = {"state": FAILED, "batch_id": None, "reason": reason.as_json()}
    connection.execute(update(LlmBatchItem).where(LlmBatchItem.item_id.in_(item_ids)).values(**values))


def drop(connection: Connection, item_ids: Sequence[UUID]) -> None:
    """Remove the rows of items that are answered or that nobody may answer any more."""
    connection.execute(delete(LlmBatchItem).where(LlmBatchItem.item_id.in_(item_ids)))


def forget(item: AnyRow) -> None:
    """Remove an item's words, after its row; killed in between, they lie in the vault until the package goes."""
    delete_object(item.user_id, item.package_id, _name(item.run_id, item.key))


def drop_unwanted(connection: Connection) -> int:
    """Remove items whose run or step has ended, with their words; how many."""
    ended = select(LlmBatchItem.item_id).join(Step, Step.step_id == LlmBatchItem.step_id)
    ended = ended.join(Run, Run.run_id == Step.run_id).where(~_WANTED).limit(_MOST)
    gone = delete(LlmBatchItem).where(LlmBatchItem.item_id.in_(ended)).returning(LlmBatchItem.__table__)
    with connection.begin():
        dropped = connection.execute(gone).all()
    for item in dropped:
        forget(item)
    return len(dropped)


#: Steps of bulk runs that sleep although none of their items is open. Read off the rows, so that it does not matter in
#: which order an answer came and its step fell asleep. The run is locked before its steps, as everybody locks them.
_ASLEEP = """
    SELECT DISTINCT steps.run_id FROM steps JOIN runs USING (run_id)
    WHERE runs.bulk AND runs.state = 'running' AND steps.queue = 'llm'
      AND steps.state = 'pending' AND steps.not_before > now()
      AND NOT EXISTS (SELECT 1 FROM llm_batch_items AS item
                      WHERE item.step_id = steps.step_id AND item.state IN ('waiting', 'sent'))
"""
_WAKE = text(
    f"""
    WITH held AS (SELECT run_id FROM runs WHERE run_id IN ({_ASLEEP} LIMIT {_MOST}) ORDER BY run_id FOR UPDATE)
    UPDATE steps SET not_before = now(), waiting_since = NULL FROM held
    WHERE steps.run_id = held.run_id AND steps.queue = 'llm' AND steps.state = 'pending' AND steps.not_before > now()
      AND NOT EXISTS (SELECT 1 FROM llm_batch_items AS item
                      WHERE item.step_id = steps.step_id AND item.state IN ('waiting', 'sent'))
    """  # noqa: S608 - our own words
)


def wake(connection: Connection) -> int:
    """Let steps begin again whose questions all have answers, or will have none; how many."""
    with connection.begin():
        return connection.execute(_WAKE).rowcount


def due(connection: Connection) -> bool:
    """Whether there is anything to carry, look after or wake."""
    there = or_(*(select(table).exists() for table in (LlmBatchItem.__table__, LlmBatch.__table__)))
    if connection.execute(select(there)).scalar_one():
        return True
    return bool(connection.execute(text(f"SELECT EXISTS ({_ASLEEP})")).scalar())


def _sent(batch_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (LlmBatchItem.batch_id == batch_id, LlmBatchItem.state == SENT)


def _name(run_id: UUID, key: str) -> str:
    return f"{PREFIX}{run_id.hex}-{key}"
