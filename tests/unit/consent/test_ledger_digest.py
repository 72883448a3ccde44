"""The hash of a ledger entry covers all of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from app.consent.grants import Consent
from app.consent.ledger import GENESIS, digest

NOW = datetime(2031, 5, 4, 3, 2, 1, 654321, tzinfo=UTC)
ENTRY: dict[str, Any] = {
    "user_id": "anna",
    "sequence": 1,
    "event": "grant",
    "consent_token_id": UUID(int=7),
    "scopes": ["analyse:text:local", "analyse:audio:local"],
    "purpose": "to know myself",
    "expires_at": NOW,
    "recorded_at": NOW - timedelta(days=1),
    "previous_hash": GENESIS,
}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("user_id", "anne"),
        ("sequence", 2),
        ("event", "revoke"),
        ("consent_token_id", UUID(int=8)),
        ("scopes", ["analyse:text:local"]),
        ("purpose", "to know others"),
        ("expires_at", None),
        ("expires_at", NOW + timedelta(microseconds=1)),
        ("recorded_at", NOW),
        ("previous_hash", "1" * 64),
    ],
)
def test_any_changed_column_changes_the_hash(column: str, value: object) -> None:
    assert digest({**ENTRY, column: value}) != digest(ENTRY)


def test_the_hash_does_not_depend_on_the_time_zone_or_the_order_of_scopes() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert digest({**ENTRY, "expires_at": elsewhere, "scopes": ENTRY["scopes"][::-1]}) == digest(ENTRY)


def test_the_hash_is_the_one_that_stored_ledgers_have() -> None:
    assert digest(ENTRY) == "623cb583e38e990dd760b88a93f60d17906e8eb4916443d7c42b6bcd628c857c"


@pytest.mark.parametrize(
    ("expires", "revoked", "status"),
    [
        (None, None, "active"),
        (NOW + timedelta(seconds=1), None, "active"),
        (NOW, None, "expired"),
        (None, NOW - timedelta(days=9), "revoked"),
        (NOW - timedelta(days=1), NOW - timedelta(days=9), "revoked"),
    ],
)
def test_status_follows_from_expiry_and_revocation(
    expires: datetime | None, revoked: datetime | None, status: str
) -> None:
    consent = Consent(UUID(int=1), "anna", frozenset(), "p", expires, NOW - timedelta(days=10), revoked)
    assert consent.status(NOW) == status
