"""Analysing many packages again: one run each, in transactions of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.database import transaction
from app.errors import Conflict, NotFound, StoreUnavailable
from app.models import UserDataPackage
from app.services.packages import analyse_again
from app.services.ports import Pipeline

_CLOSED = "PostgreSQL closed the connection: name the package once more, when `echosphere status` says that all is well"
#: Packages read at once.
PAGE = 500


def again(
    pipeline: Pipeline, package_ids: Sequence[UUID] = (), user_id: str | None = None, *, bulk: bool = False
) -> Iterator[dict[str, Any]]:
    """Begin runs; for the operator's command line only.

    Args:
        pipeline: where they are published.
        package_ids: of which packages; none for all.
        user_id: of this person alone; None for everybody's.
        bulk: whether vendors are asked in batches.

    Yields:
        `{packageID, userID, runID, runStatus, trouble}` of each package: `trouble` says why no run was begun. Where
        packages cannot be listed any more, a last one with nothing but `trouble`.
    """
    try:
        for package_id, owner in _packages(package_ids, user_id):
            yield _begun(pipeline, package_id, owner, bulk=bulk)
    except StoreUnavailable as error:
        yield {"packageID": None, "userID": user_id, "runID": None, "runStatus": None, "trouble": error.message}


def _begun(pipeline: Pipeline, package_id: UUID, owner: str, *, bulk: bool) -> dict[str, Any]:
    try:
        run = analyse_again(owner, package_id, pipeline, bulk=bulk)
    except (Conflict, NotFound, StoreUnavailable) as error:
        run = {"packageID": package_id, "runID": None, "runStatus": None, "trouble": error.message}
    except OperationalError:
        # A connection that PostgreSQL closed is noticed when it is used.
        run = {"packageID": package_id, "runID": None, "runStatus": None, "trouble": _CLOSED}
    return {"trouble": None, **run, "userID": owner}


def _packages(package_ids: Sequence[UUID], user_id: str | None) -> Iterator[tuple[UUID, str]]:
    """Packages with their owners, by id, a page at a time.

    Raises:
        NotFound: one that was named is not there, or not this person's.
    """
    found = select(UserDataPackage.package_id, UserDataPackage.user_id).order_by(UserDataPackage.package_id)
    if user_id is not None:
        found = found.where(UserDataPackage.user_id == user_id)
    if package_ids:
        with transaction() as connection:
            named = connection.execute(found.where(UserDataPackage.package_id.in_(package_ids))).all()
        if missing := {*package_ids} - {row.package_id for row in named}:
            raise NotFound(f"no such package: {', '.join(sorted(map(str, missing)))}")
        yield from ((row.package_id, row.user_id) for row in named)
        return
    last: UUID | None = None
    while True:
        after = found if last is None else found.where(UserDataPackage.package_id > last)
        with transaction() as connection:
            page = connection.execute(after.limit(PAGE)).all()
        if not page:
            return
        yield from ((row.package_id, row.user_id) for row in page)
        last = page[-1].package_id
