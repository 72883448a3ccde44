"""A batch of which nobody knows whether the vendor took it: its worker died, or the answer never came.

Vendors offer no name of ours for a batch, and show the ids of its questions only with the results. So the account's
batches of that time and size are looked at: one that works is waited for, one that has ended is opened until an id is
ours or cannot be. Nothing is sent a second time before that is settled.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Connection, select

from app.analyzers.llm.port import VendorError
from app.asking import Answer
from app.database import AnyRow
from app.models import LlmBatch, LlmCall
from app.services.planning import now

if TYPE_CHECKING:
    from app.analyzers.llm.bulk import Batches

#: Seconds by which the vendor's clock may differ from ours.
SKEW_S = 300.0
#: Seconds within which a batch that was taken must be on the vendor's list.
LISTED_S = 60.0
#: Seconds between two looks.
AGAIN_S = 60.0


def resolve(connection: Connection, api: Batches, row: AnyRow, deadline_s: float) -> str | datetime | None:
    """What became of it.

    Args:
        connection: outside of a transaction.
        api: the vendor.
        row: columns of `llm_batches`.
        deadline_s: of each request.

    Returns:
        The vendor's id; when to look again; None where there is no such batch.

    Raises:
        VendorError: the vendor does not say.
    """
    if not row.questions:
        return None  # its worker died before it asked
    skew = timedelta(seconds=SKEW_S)
    latest = row.created_at + skew + timedelta(seconds=deadline_s)
    with connection.begin():
        known = {*connection.execute(select(LlmBatch.vendor_id)).scalars()}
    alike = [
        one
        for one in api.since(row.created_at - skew, deadline_s)
        if one.questions == row.questions and one.created_at <= latest and one.vendor_id not in known
    ]
    for one in alike:
        if one.ended and _ours(connection, api, one.vendor_id, row.batch_id, deadline_s):
            return one.vendor_id
    early = now() < row.created_at + timedelta(seconds=LISTED_S)
    return now() + timedelta(seconds=AGAIN_S) if early or not all(one.ended for one in alike) else None


def _ours(connection: Connection, api: Batches, vendor_id: str, batch_id: UUID, deadline_s: float) -> bool:
    """Whether a batch that has ended holds questions of ours; of somebody else's nothing but an id is looked at."""
    seen: list[str] = []

    def take(custom_id: str, _: Answer | VendorError) -> bool:
        seen.append(custom_id)
        return not custom_id  # a line that cannot be read says nothing about whose it is

    api.results(vendor_id, deadline_s, take)
    found = {call_id for one in seen if (call_id := call_of(one)) is not None}
    with connection.begin():
        ours = select(LlmCall.call_id).where(LlmCall.call_id.in_(found), LlmCall.batch_id == batch_id)
        return connection.execute(ours).first() is not None


def call_of(custom_id: str) -> UUID | None:
    """The id of a call, as a question of ours carries it."""
    try:
        return UUID(hex=custom_id)
    except (ValueError, AttributeError, TypeError):
        return None
