"""Retention: packages are erased when the time that their consent's purpose allows is over."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select

from app import consent
from app.database import transaction
from app.models import ConsentLedgerEntry, PackageKey, UserDataPackage
from app.services.erasing import canaries
from app.services.erasing.request import announced, begin
from app.services.planning import now
from app.vocabulary import ErasureScope
from config.settings import settings

#: The rule for purposes that have none of their own.
OTHERS = "*"
#: Packages looked at in one sweep.
BATCH = 500


def erase_due() -> list[UUID]:
    """Begin to erase what is due, one erasure for each person.

    Returns:
        Ids of the erasures.
    """
    begun = []
    for user_id, package_ids in _due().items():
        words = canaries.collect(user_id, package_ids)
        with transaction() as connection:
            consent.gate_exclusive(connection, user_id)
            row = begin(connection, user_id, ErasureScope.RETENTION, package_ids, words=words)
        announced(row)
        begun.append(UUID(str(row.erasure_id)))
    return begun


def _due() -> dict[str, list[UUID]]:
    """Packages whose time is over, by person, the oldest first; those that are being erased have no key any more."""
    rules = settings().retention_days
    if not rules:
        return {}
    package, entry = UserDataPackage, ConsentLedgerEntry
    overdue: list[ColumnElement[bool]] = [
        and_(_purpose(purpose, rules), package.created_at < now() - timedelta(days=days))
        for purpose, days in rules.items()
    ]
    query = (
        select(package.user_id, package.package_id)
        .join(PackageKey, PackageKey.package_id == package.package_id)
        .outerjoin(
            entry,
            and_(
                entry.consent_token_id == package.consent_token_id,
                entry.user_id == package.user_id,
                entry.event == "grant",
            ),
        )
        .where(or_(*overdue))
        .order_by(package.created_at)
        .limit(BATCH)
    )
    found: dict[str, list[UUID]] = {}
    with transaction() as connection:
        for row in connection.execute(query):
            found.setdefault(row.user_id, []).append(row.package_id)
    return found


def _purpose(purpose: str, rules: dict[str, float]) -> ColumnElement[bool]:
    if purpose != OTHERS:
        return ConsentLedgerEntry.purpose == purpose
    named = [name for name in rules if name != OTHERS]
    # A consent that our ledger does not know has no purpose, and falls under the rule for all others.
    return or_(ConsentLedgerEntry.purpose.is_(None), ConsentLedgerEntry.purpose.not_in(named))
