"""What of a package left for vendors, as its owner may see it: redacted as it left, and what is not on record.

The ledger says which calls there were; a call is on record if the recording of its question is the answer to it, and
not to another call of the same question, as those of `replay` are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, select

from app.database import AnyRow, transaction
from app.errors import NotFound
from app.models import LlmCall, Step, UserDataPackage
from app.services.llm import ledger, recordings
from app.services.llm.recordings import Recording
from app.vault import PackageVault

#: Calls that are not on record and are named in one answer, newest first; all are counted.
MOST_UNRECORDED = 500


def sent(user_id: str, package_id: UUID, *, limit: int | None = None, offset: int = 0) -> dict[str, Any]:
    """What left, oldest first.

    Args:
        user_id: whose.
        package_id: of which package.
        limit: answered calls at most; None for all.
        offset: answered calls to leave out.

    Returns:
        `{data, unrecorded, unrecordedTotal, total}`: the page's answered calls, of `total`, are each in `data`
        (`{runID, analyzer, model, askedAt, prompt, window, windows, attempt, system, document, instruction}`) or, if
        they are not kept, in `unrecorded` (`{runID, analyzer, model, askedAt, prompt, window, attempt, outcome}`),
        which also names the package's calls without an answer: the newest `MOST_UNRECORDED`, of `unrecordedTotal`.

    Raises:
        NotFound: no such package, or somebody else's, or its key is gone.
    """
    answered = (LlmCall.package_id == package_id, LlmCall.outcome == ledger.ANSWERED)
    unanswered = (LlmCall.package_id == package_id, LlmCall.outcome != ledger.ANSWERED)
    with transaction() as connection:
        mine = (UserDataPackage.package_id == package_id, UserDataPackage.user_id == user_id)
        if connection.execute(select(UserDataPackage.package_id).where(*mine)).first() is None:
            raise NotFound("no such package")
        vault = recordings.vault(connection, package_id)
        total, without = _count(connection, *answered), _count(connection, *unanswered)
        page = connection.execute(
            _CALLS.where(*answered).order_by(LlmCall.asked_at, LlmCall.call_id).limit(limit).offset(offset)
        ).all()
        silent = connection.execute(
            _CALLS.where(*unanswered).order_by(LlmCall.asked_at.desc(), LlmCall.call_id.desc()).limit(MOST_UNRECORDED)
        ).all()
    data, unkept = _opened(vault, page)
    # What the page leaves out of `data` is not said on any other page: it goes before calls without an answer.
    unkept = unkept[-MOST_UNRECORDED:]
    named = sorted([*unkept, *silent[: MOST_UNRECORDED - len(unkept)]], key=lambda row: (row.asked_at, row.call_id))
    return {
        "data": data,
        "unrecorded": [{**_call(row), "outcome": row.outcome} for row in named],
        "unrecordedTotal": without + len(page) - len(data),
        "total": total,
    }


_CALLS = select(LlmCall.__table__, Step.analyzer).outerjoin(Step, Step.step_id == LlmCall.step_id)


def _count(connection: Connection, *which: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).select_from(LlmCall).where(*which)).scalar_one()


def _opened(vault: PackageVault, page: Sequence[AnyRow]) -> tuple[list[dict[str, Any]], list[AnyRow]]:
    """The calls of a page that are on record, as they left, and those that are not."""
    data, unkept = [], []
    nameless: dict[UUID, dict[str, Recording]] = {}
    for row in page:
        if row.question:
            found = recordings.named(vault, row.run_id, row.question)
        else:
            # Of before the ledger knew the question: only the answer's id tells which recording is the call's.
            if row.run_id not in nameless:
                of_run = recordings.all_of(vault, row.run_id)
                nameless[row.run_id] = {ledger.request_id(one.answer): one for one in of_run}
            found = nameless[row.run_id].get(row.request_id)
        if found is not None and ledger.request_id(found.answer) == row.request_id:
            data.append(_question(row, found))
        else:
            unkept.append(row)
    return data, unkept


def _question(row: AnyRow, found: Recording) -> dict[str, Any]:
    return {
        **_call(row),
        "analyzer": found.analyzer,
        "model": found.model,
        "windows": found.request.windows,
        "system": found.request.system,
        "document": found.request.document,
        "instruction": found.request.instruction,
    }


def _call(row: AnyRow) -> dict[str, Any]:
    return {
        "runID": str(row.run_id),
        "analyzer": row.analyzer,
        "model": row.model,
        "askedAt": row.asked_at.isoformat(),
        "prompt": row.prompt,
        "window": row.window,
        "attempt": row.attempt,
    }
