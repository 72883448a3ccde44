"""Rows of erasures: read, moved on, counted, and shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, SQLColumnExpression, any_, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from app.database import AnyRow, transaction
from app.errors import NotFound
from app.models import Erasure
from app.services.planning import now
from app.vocabulary import ErasureScope, ErasureStage, ErasureState

#: Key in `counts` under which a repeated erasure says which one it repeats; all others are stores.
REPEATS = "repeats"


def among(column: SQLColumnExpression[Any], ids: Sequence[UUID]) -> ColumnElement[bool]:
    """Whether a column is one of the ids: one parameter, however many there are."""
    return column == any_(literal([*ids], ARRAY(PG_UUID(as_uuid=True))))


def erasure_row(connection: Connection, erasure_id: UUID) -> AnyRow:
    """The row of an erasure.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(select(Erasure.__table__).where(Erasure.erasure_id == erasure_id)).one_or_none()
    if row is None:
        raise NotFound("no such erasure")
    return row


def everything_before(erasure: AnyRow) -> datetime | None:
    """Where all that is known of the person goes: up to when; None where packages alone go."""
    repeats = erasure.counts.get(REPEATS)
    if repeats is not None and repeats["scope"] == ErasureScope.USER:
        return datetime.fromisoformat(repeats["requestedAt"])
    return erasure.requested_at if erasure.scope == ErasureScope.USER else None


def change(erasure_id: UUID, **values: Any) -> None:  # noqa: ANN401 - columns of erasures
    """Write columns in a transaction of its own, and when that was."""
    with transaction() as connection:
        connection.execute(
            update(Erasure).where(Erasure.erasure_id == erasure_id).values(**{"moved_at": now(), **values})
        )


def count(erasure_id: UUID, when: str, counted: Callable[[], dict[str, int]]) -> None:
    """Write what stores hold, "before" or "after"; what was there before is counted once, at the first attempt.

    Args:
        erasure_id: of the erasure.
        when: "before" or "after".
        counted: figures by store.
    """
    found = counted()
    with transaction() as connection:
        counts = dict(erasure_row(connection, erasure_id).counts)
        for store, figure in found.items():
            held = dict(counts.get(store, {}))
            if when == "after" or when not in held:
                counts[store] = {**held, when: figure}
        connection.execute(
            update(Erasure).where(Erasure.erasure_id == erasure_id).values(counts=counts, moved_at=now())
        )


def one(user_id: str, erasure_id: UUID) -> dict[str, Any]:
    """An erasure as its person sees it.

    Raises:
        NotFound: no such erasure, or somebody else's.
    """
    with transaction() as connection:
        row = erasure_row(connection, erasure_id)
    if row.user_id != user_id:
        raise NotFound("no such erasure")
    return as_json(row)


def listed(user_id: str, *, limit: int = 50, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """A page of the person's erasures, newest first, and how many there are."""
    mine = Erasure.user_id == user_id
    with transaction() as connection:
        total = connection.execute(select(func.count()).select_from(Erasure).where(mine)).scalar_one()
        rows = connection.execute(
            select(Erasure.__table__)
            .where(mine)
            .order_by(Erasure.requested_at.desc(), Erasure.erasure_id)
            .limit(limit)
            .offset(offset)
        ).all()
    return [as_json(row) for row in rows], total


def as_json(row: AnyRow) -> dict[str, Any]:
    """An erasure: how far it is, and once it is done its receipt with public key and signature."""
    return {
        "erasureID": str(row.erasure_id),
        "userID": row.user_id,
        "scope": row.scope,
        "state": row.state,
        "stage": row.stage,
        "progress": _progress(row),
        "packageIDs": [str(package_id) for package_id in row.package_ids],
        "keepSettled": row.keep_settled,
        "requestedAt": row.requested_at.isoformat(),
        "finishedAt": row.finished_at.isoformat() if row.finished_at else None,
        "reason": row.reason,
        "receipt": {**row.receipt, "signature": row.signature} if row.receipt else None,
    }


def _progress(row: AnyRow) -> float:
    if row.state == ErasureState.DONE:
        return 1.0
    stages = [*ErasureStage]
    return round((stages.index(ErasureStage(row.stage)) + 1) / (len(stages) + 1), 3)
