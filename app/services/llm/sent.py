"""What of a package left for vendors, as its owner may see it: redacted as it left, and what is not on record."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from app.database import transaction
from app.errors import NotFound
from app.models import LlmCall, Step, UserDataPackage
from app.services.llm import ledger, replay


def sent(user_id: str, package_id: UUID, *, limit: int | None = None, offset: int = 0) -> dict[str, Any]:
    """What left, oldest first.

    Args:
        user_id: whose.
        package_id: of which package.
        limit: questions at most; None for all.
        offset: questions to leave out.

    Returns:
        `{data, unrecorded, total}`: `data` as `replay.sent`, a page of `total`; `unrecorded` names the calls that gave
        no answer, asked another model, or were made while answers were not kept: `{runID, analyzer, model, askedAt,
        prompt, window, attempt, outcome}`.

    Raises:
        NotFound: no such package, or somebody else's, or its key is gone.
    """
    with transaction() as connection:
        mine = (UserDataPackage.package_id == package_id, UserDataPackage.user_id == user_id)
        if connection.execute(select(UserDataPackage.package_id).where(*mine)).first() is None:
            raise NotFound("no such package")
        calls = _calls(connection, package_id)
    recorded = replay.sent(package_id)
    known = {_question(one): one["model"] for one in recorded}
    return {
        "data": recorded[offset:][:limit],
        "unrecorded": [call for call in calls if not _on_record(call, known.get(_question(call)))],
        "total": len(recorded),
    }


def _calls(connection: Connection, package_id: UUID) -> list[dict[str, Any]]:
    rows = connection.execute(
        select(LlmCall.__table__, Step.analyzer)
        .outerjoin(Step, Step.step_id == LlmCall.step_id)
        .where(LlmCall.package_id == package_id)
        .order_by(LlmCall.asked_at, LlmCall.call_id)
    )
    return [
        {
            "runID": str(row.run_id),
            "analyzer": row.analyzer,
            "model": row.model,
            "askedAt": row.asked_at.isoformat(),
            "prompt": row.prompt,
            "window": row.window,
            "attempt": row.attempt,
            "outcome": row.outcome,
        }
        for row in rows
    ]


def _question(one: dict[str, Any]) -> tuple[str, str, int, int]:
    return one["runID"], one["prompt"], one["window"], one["attempt"]


def _on_record(call: dict[str, Any], asked: str | None) -> bool:
    """Whether its question and answer are kept; who answers may say more of its name than was asked for."""
    return asked is not None and call["outcome"] == ledger.ANSWERED and call["model"].startswith(asked)
