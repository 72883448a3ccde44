"""The access log: who read what of a person's data, why and when; shown to that person.

An entry commits before a worker opens anything and before an answer leaves, so that there may be one for a reading that
a crash prevented, and none is missing for a reading that had an effect: a merge's commits with what the merge made.
"""

from __future__ import annotations

import textwrap
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Connection, Insert, bindparam, func, insert, select

from app.database import transaction, within
from app.models import AccessLogEntry
from app.vocabulary import AccessAction

#: Who reads on behalf of whoever runs the system: the command line.
OPERATOR = "operator"
#: Characters of a purpose, as wide as its column.
MAX_PURPOSE = 160


def record(  # noqa: PLR0917 - who, what and why read in this order, and callers give them so
    connection: Connection | None,
    user_id: str,
    actor: str,
    action: AccessAction,
    purpose: str,
    package_id: UUID | None = None,
) -> None:
    """Write down that somebody reads.

    Args:
        connection: of the caller's transaction; None for one of its own, which has committed on return.
        user_id: whose data.
        actor: a token's `sub`, "worker:<queue>" or `OPERATOR`.
        action: what is done.
        purpose: why: a lane with its analyzers, a route, a command; no content.
        package_id: of which package, where it is one.
    """
    with within(connection) as held:
        held.execute(_entry(), values(user_id, actor, action, purpose, package_id))


def values(
    user_id: str, actor: str, action: AccessAction, purpose: str, package_id: UUID | None = None
) -> dict[str, Any]:
    """The parameters of `logging`."""
    return {
        "access_user": user_id,
        "access_actor": actor,
        "access_action": str(action),
        "access_purpose": textwrap.shorten(purpose, MAX_PURPOSE, placeholder=" ..."),
        "access_package": package_id,
    }


@cache
def _entry() -> Insert:
    return insert(AccessLogEntry).values(
        user_id=bindparam("access_user"),
        actor=bindparam("access_actor"),
        action=bindparam("access_action"),
        purpose=bindparam("access_purpose"),
        package_id=bindparam("access_package"),
    )


@cache
def logging() -> CTE:
    """An entry as part of another statement (`add_cte`), which then needs `values` among its parameters."""
    return _entry().cte("logged")


def listed(user_id: str, *, limit: int = 50, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """A page of the person's access log, newest first, and how many entries it has."""
    mine = AccessLogEntry.user_id == user_id
    with transaction() as connection:
        total = connection.execute(select(func.count()).select_from(AccessLogEntry).where(mine)).scalar_one()
        rows = connection.execute(
            select(AccessLogEntry.__table__)
            .where(mine)
            .order_by(AccessLogEntry.entry_id.desc())
            .limit(limit)
            .offset(offset)
        )
        return [
            {
                "actor": row.actor,
                "action": row.action,
                "purpose": row.purpose,
                "packageID": str(row.package_id) if row.package_id else None,
                "timestamp": row.recorded_at.isoformat(),
            }
            for row in rows
        ], total
