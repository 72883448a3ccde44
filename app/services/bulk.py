"""Many rows in one statement and one parameter: what a merge writes costs a round trip for each table, not each row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, bindparam, cast, column, func, select
from sqlalchemy.dialects.postgresql import JSONB, Insert, insert

from app.models import Base


def upsert(
    model: type[Base], names: Iterable[str], keys: Iterable[str], changed: Iterable[str], where: ColumnElement[bool]
) -> Insert:
    """Insert the rows of the parameter `rows`, or change those that are there.

    Args:
        model: the table.
        names: columns that every row has.
        keys: columns that tell whether a row is there.
        changed: columns that are changed in a row that is there.
        where: which of these may be changed.
    """
    names = [*names]
    statement = insert(model).from_select(names, _given(model, names))
    values = {name: statement.excluded[name] for name in changed}
    return statement.on_conflict_do_update(index_elements=[*keys], set_=values, where=where)


def _given(model: type[Base], names: Iterable[str]) -> Select[*tuple[Any, ...]]:
    columns = [column(name, model.__table__.c[name].type) for name in names]
    rows = func.jsonb_to_recordset(cast(bindparam("rows", type_=Text), JSONB))
    return select(rows.table_valued(*columns).render_derived(name="given", with_types=True))


def packed(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The parameter of `upsert`; ids and times travel in the form that PostgreSQL reads."""
    return {"rows": json.dumps([*rows], default=str)}
