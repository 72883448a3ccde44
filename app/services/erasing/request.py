"""Requests to erase: one transaction that ends what runs and destroys the keys; from its commit on nothing can be read.

Everything else is carried out by `app.services.erasing.run`, and found again by the tick if nobody carries on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, delete, exists, insert, or_, select, update

from app import consent
from app.database import AnyRow, stable_id, transaction
from app.errors import NotFound, Reason
from app.models import (
    CommunicationStyles,
    Erasure,
    PackageKey,
    Run,
    SettledTrait,
    Step,
    UserDataPackage,
    UserRefinedTrait,
)
from app.models import ExtractedTraitCandidate as Candidate
from app.services import access
from app.services.erasing import canaries, tombstones
from app.services.erasing.consequences import packages_under
from app.services.erasing.state import REPEATS, among, as_json, erasure_row
from app.services.layers import forget
from app.services.planning import now
from app.vocabulary import (
    AccessAction,
    ErasureScope,
    ErasureStage,
    ErasureState,
    Phase,
    Queue,
    ReasonCode,
    RunStatus,
    StepStatus,
)

#: What sets itself going; the others are asked for by the person.
_BY_ITSELF = frozenset({ErasureScope.RETENTION, ErasureScope.RESTORE})
_OPEN_RUNS = (str(RunStatus.QUEUED), str(RunStatus.RUNNING))
_OPEN_STEPS = (str(StepStatus.PENDING), str(StepStatus.RUNNING))


def erase_package(user_id: str, package_id: UUID, *, keep_settled: bool = False) -> dict[str, Any]:
    """Erase one upload and what rests on nothing else. Asked for again, it is the same erasure.

    Args:
        user_id: whose.
        package_id: of the upload.
        keep_settled: settled traits that rest on nothing else stay, as the person's own and without evidence.

    Returns:
        The erasure, as `app.services.erasing.one` shows it. Its key is destroyed already.

    Raises:
        NotFound: no such package, or somebody else's.
    """
    with transaction() as connection:
        known = _of_package(connection, user_id, package_id)
    if known is not None:
        return as_json(known)
    words = canaries.collect(user_id, [package_id])
    with transaction() as connection:
        consent.gate_exclusive(connection, user_id)
        known = _of_package(connection, user_id, package_id)
        if known is not None:
            return as_json(known)
        row = begin(connection, user_id, ErasureScope.PACKAGE, [package_id], keep_settled=keep_settled, words=words)
    return announced(row)


def erase_user(user_id: str, *, keep_settled: bool = False) -> dict[str, Any]:
    """Erase all that is known of a person and end all their consents. Asked for again, it is the same erasure.

    The consent ledger's entries stay, as proof of what was allowed when, and so does the access log, which names ids
    only. A remote consent service's consents are not ours to end.

    Args:
        user_id: whose.
        keep_settled: settled traits stay, as the person's own and without evidence.

    Returns:
        As `erase_package`.
    """
    with transaction() as connection:
        known = _of_user(connection, user_id, keep_settled=keep_settled)
        packages = _packages(connection, user_id)
    if known is not None:
        return as_json(known)
    words = canaries.collect(user_id, packages)
    with transaction() as connection:
        consent.gate_exclusive(connection, user_id)
        known = _of_user(connection, user_id, keep_settled=keep_settled)
        if known is not None:
            return as_json(known)
        if not consent.ruled_remotely():
            for given in consent.listed(connection, user_id):
                if given.revoked_at is None:
                    consent.revoke(connection, user_id, given.consent_token_id)
        packages = _packages(connection, user_id)
        row = begin(connection, user_id, ErasureScope.USER, packages, keep_settled=keep_settled, words=words)
    return announced(row)


def erase_under_consent(
    connection: Connection, user_id: str, consent_token_id: UUID, *, words: Sequence[str], keep_settled: bool = False
) -> AnyRow | None:
    """Erase what was given under a consent that this transaction revokes.

    Args:
        connection: that holds the person's gate; after its commit, call `announced` with the row.
        user_id: whose.
        consent_token_id: of the consent.
        words: canaries.
        keep_settled: as for `erase_package`.

    Returns:
        The row of the erasure; that of an earlier call; None where nothing was given under it.
    """
    erasure_id = stable_id("erasure", user_id, consent_token_id)
    known = connection.execute(select(Erasure.__table__).where(Erasure.erasure_id == erasure_id)).one_or_none()
    if known is not None:
        return known
    packages = packages_under(connection, user_id, consent_token_id)
    if not packages:
        return None
    return begin(
        connection,
        user_id,
        ErasureScope.CONSENT,
        packages,
        keep_settled=keep_settled,
        words=words,
        erasure_id=erasure_id,
    )


def begin(
    connection: Connection,
    user_id: str,
    scope: ErasureScope,
    package_ids: Sequence[UUID],
    *,
    keep_settled: bool = False,
    words: Sequence[str] = (),
    erasure_id: UUID | None = None,
    repeats: dict[str, Any] | None = None,
) -> AnyRow:
    """End the packages' runs, destroy their keys and write the erasure, in the caller's transaction.

    Args:
        connection: that holds the person's gate (`gate_exclusive`), before any row is locked.
        user_id: whose packages.
        scope: what set it going.
        package_ids: of the packages.
        keep_settled: as for `erase_package`.
        words: canaries, collected while the packages could be read.
        erasure_id: where it is fixed.
        repeats: the tombstone that this erasure carries out again.

    Returns:
        The row of the erasure.
    """
    # Whoever begins a new analysis locks the package, too.
    connection.execute(
        select(UserDataPackage.package_id)
        .where(UserDataPackage.user_id == user_id, among(UserDataPackage.package_id, package_ids))
        .order_by(UserDataPackage.package_id)
        .with_for_update()
    )
    runs = _stop(connection, package_ids, denied=scope is ErasureScope.CONSENT)
    keys = delete(PackageKey).where(PackageKey.user_id == user_id, among(PackageKey.package_id, package_ids))
    destroyed = connection.execute(keys).rowcount
    erasure_id = erasure_id or uuid4()
    values = {
        "erasure_id": erasure_id,
        "user_id": user_id,
        "scope": str(scope),
        "package_ids": [*package_ids],
        "run_ids": runs,
        "keep_settled": keep_settled,
        "state": str(ErasureState.QUEUED),
        "stage": str(ErasureStage.KEYS),
        "counts": {
            "keys": {"before": destroyed, "after": 0},
            **({REPEATS: repeats} if repeats else {}),
        },
        "canaries": canaries.sealed(erasure_id, words),
        "requested_at": now(),
        "moved_at": now(),
    }
    connection.execute(insert(Erasure), values)
    # The canaries were read from the person's words.
    actor = f"worker:{Queue.MAINTENANCE}" if scope in _BY_ITSELF else user_id
    access.record(connection, user_id, actor, AccessAction.ERASE, f"erasure:{scope}")
    return erasure_row(connection, erasure_id)


def announced(row: AnyRow, consent_token_id: UUID | None = None) -> dict[str, Any]:
    """After the commit: forget the person's texts in this process, and put the tombstone up; the erasure as JSON."""
    forget(row.user_id)
    tombstones.put_up(row, consent_token_id)
    return as_json(row)


def _stop(connection: Connection, package_ids: Sequence[UUID], *, denied: bool) -> list[UUID]:
    """End open runs and steps, so that no running lane can store anything; all runs of the packages."""
    runs = [*connection.execute(select(Run.run_id).where(among(Run.package_id, package_ids))).scalars()]
    reason = None
    if denied:
        why = "the consent was revoked: the packages that were given under it are being erased"
        reason = Reason(ReasonCode.CONSENT_DENIED, why).as_json()
    run_state, step_state = (
        (RunStatus.DENIED, StepStatus.DENIED) if denied else (RunStatus.CANCELLED, StepStatus.CANCELLED)
    )
    connection.execute(
        update(Run)
        .where(among(Run.run_id, runs), Run.state.in_(_OPEN_RUNS))
        .values(
            state=str(run_state),
            phase=str(Phase.ENDED),
            reason=reason,
            cancel_requested=True,
            moved_at=now(),
            finished_at=now(),
        )
    )
    connection.execute(
        update(Step)
        .where(among(Step.run_id, runs), Step.state.in_(_OPEN_STEPS))
        .values(state=str(step_state), reason=reason, token=None, finished_at=now())
    )
    return runs


def _packages(connection: Connection, user_id: str) -> list[UUID]:
    query = select(UserDataPackage.package_id).where(UserDataPackage.user_id == user_id)
    return [*connection.execute(query.order_by(UserDataPackage.package_id)).scalars()]


def _of_package(connection: Connection, user_id: str, package_id: UUID) -> AnyRow | None:
    """The erasure that the package is in; None where it has to begin.

    Raises:
        NotFound: no such package, now or before.
    """
    row = connection.execute(
        select(Erasure.__table__)
        .where(Erasure.user_id == user_id, Erasure.package_ids.contains([package_id]))
        .order_by(Erasure.requested_at.desc())
        .limit(1)
    ).one_or_none()
    there = connection.execute(
        select(UserDataPackage.package_id).where(
            UserDataPackage.package_id == package_id, UserDataPackage.user_id == user_id
        )
    ).first()
    if row is None and there is None:
        raise NotFound("no such package")
    # A package that is there although its erasure is done was brought back by a backup.
    return row if row is not None and (there is None or row.state != ErasureState.DONE) else None


def _of_user(connection: Connection, user_id: str, *, keep_settled: bool) -> AnyRow | None:
    """The person's erasure, while it is open and while nothing new is known of them; None where it has to begin."""
    row = connection.execute(
        select(Erasure.__table__)
        .where(Erasure.user_id == user_id, Erasure.scope == str(ErasureScope.USER))
        .order_by(Erasure.requested_at.desc())
        .limit(1)
    ).one_or_none()
    if row is None or row.state != ErasureState.DONE:
        return row
    tables: list[Any] = [UserDataPackage, Candidate, CommunicationStyles]
    if not keep_settled:
        tables += [SettledTrait, UserRefinedTrait]
    left = connection.execute(select(or_(*(exists().where(table.user_id == user_id) for table in tables)))).scalar_one()
    active = not consent.ruled_remotely() and any(
        given.revoked_at is None for given in consent.listed(connection, user_id)
    )
    return None if left or active else row
