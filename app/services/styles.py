"""How the person wants to be spoken to and spoken for: style preferences, in their own terms."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from app.database import transaction
from app.errors import InvalidInput
from app.models import CommunicationStyles, GraphOutbox
from app.services.decisions import text_of
from app.services.planning import now

#: Preferences of one person, values of one list, and code points of a text.
MOST_PREFERENCES = 50
MOST_VALUES = 20
TEXT_LENGTH = 500
#: Names of preferences: formality, verbosity, humor, tone, and whatever else a client offers.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


def get_styles(user_id: str) -> dict[str, Any]:
    """`{userID, preferences, lastUpdatedTimestamp}`; empty and null where nothing was set."""
    with transaction() as connection:
        row = connection.execute(
            select(CommunicationStyles.__table__).where(CommunicationStyles.user_id == user_id)
        ).one_or_none()
    return {
        "userID": user_id,
        "preferences": row.preferences if row else {},
        "lastUpdatedTimestamp": row.updated_at.isoformat() if row else None,
    }


def put_styles(user_id: str, preferences: Mapping[str, Any]) -> dict[str, Any]:
    """Replace all preferences.

    Args:
        user_id: whose.
        preferences: up to 50 names to a text (500 characters), a number, true or false, or a list of up to 20 texts.

    Returns:
        As `get_styles`.

    Raises:
        InvalidInput: a name or a value is wrong; `details.field` says which.
    """
    if not isinstance(preferences, Mapping):
        raise InvalidInput("preferences must be an object", field="preferences")
    if len(preferences) > MOST_PREFERENCES:
        raise InvalidInput(f"there may be {MOST_PREFERENCES} preferences at most", field="preferences")
    checked = {_name(name): _value(name, value) for name, value in preferences.items()}
    with transaction() as connection:
        values = {"preferences": checked, "updated_at": now()}
        connection.execute(
            upsert(CommunicationStyles)
            .values(user_id=user_id, **values)
            .on_conflict_do_update(index_elements=["user_id"], set_=values)
        )
        connection.execute(insert(GraphOutbox), {"user_id": user_id, "cause": "styles"})
    return get_styles(user_id)


def _name(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput(
            "a preference's name must be 1 to 64 letters, digits, dots, hyphens or underscores, a letter first",
            field="preferences",
        )
    return name


def _value(name: str, value: object) -> Any:  # noqa: ANN401 - JSON
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if math.isfinite(value) and abs(value) < 1e15:
            return value
        raise InvalidInput(f"{name} must be a finite number", field=name)
    if isinstance(value, list) and len(value) <= MOST_VALUES and all(isinstance(one, str) for one in value):
        return [_text(name, one) for one in value]
    if isinstance(value, str):
        return _text(name, value)
    raise InvalidInput(
        f"{name} must be a text, a number, true, false, null or a list of {MOST_VALUES} texts at most", field=name
    )


def _text(name: str, value: str) -> str | None:
    if len(value) > TEXT_LENGTH:
        raise InvalidInput(f"{name} may have {TEXT_LENGTH} characters at most", field=name)
    return text_of(value, name)
