"""The stages of an erasure: each in short transactions, each to be repeated without harm."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, exists, func, select, text

from app.database import AnyRow, transaction
from app.features import feature_store
from app.models import Base, LlmCall, Run, Step, TextLayerRecord, UserDataPackage
from app.pkg import graph_store
from app.services import graph
from app.services.claims import lane_key
from app.services.erasing import tombstones
from app.services.erasing.search import Messages
from app.services.erasing.state import among, count, everything_before
from app.services.erasing.traits import everything, remove_everything, resting, take_out
from app.services.layers import forget
from app.vault import delete_objects, objects_of
from app.vocabulary import ErasureStage

#: Packages of one transaction.
BATCH = 50
#: Runs whose lanes are looked at in one transaction; each lane takes a place in PostgreSQL's table of locks.
RUNS = 200


class Later(Exception):
    """Not to be finished now: go on at the next tick."""


@dataclass(frozen=True, slots=True)
class Work:
    """An erasure being carried out.

    Attributes:
        row: of the erasure.
        messages: broker and result backend.
        until: reading of `time.monotonic` after which the rest is left to the next tick.
    """

    row: AnyRow
    messages: Messages
    until: float

    @property
    def packages(self) -> Sequence[UUID]:
        """What is erased."""
        found: Sequence[UUID] = self.row.package_ids
        return found

    def batches(self) -> Iterator[Sequence[UUID]]:
        """The packages, some at a time, as long as there is time.

        Raises:
            Later: there is none left.
        """
        for start in range(0, len(self.packages), BATCH):
            if time.monotonic() > self.until:
                raise Later
            yield self.packages[start : start + BATCH]

    def count(self, when: str, counted: Callable[[], dict[str, int]]) -> None:
        """Write what stores hold; see `state.count`."""
        count(self.row.erasure_id, when, counted)


def rest(work: Work) -> None:
    """Wait until no living worker holds a lane of the packages' runs: what they still put down is removed after it.

    The runs have ended, so that a lane that is free stays without work.

    Raises:
        Later: one is still held.
    """
    tombstones.ensure(work.row)
    forget(work.row.user_id)
    runs: Sequence[UUID] = work.row.run_ids
    for start in range(0, len(runs), RUNS):
        with transaction() as connection:
            lanes = connection.execute(
                select(Step.run_id, Step.lane).distinct().where(among(Step.run_id, runs[start : start + RUNS]))
            ).all()
            keys = [lane_key(row.run_id, row.lane) for row in lanes]
            free = text("SELECT bool_and(pg_try_advisory_xact_lock(key)) FROM unnest(CAST(:keys AS bigint[])) AS key")
            if keys and not connection.execute(free, {"keys": keys}).scalar():
                raise Later


def objects(work: Work) -> None:
    """The vault's objects."""
    work.count("before", lambda: {"objects": sum(len(objects_of(work.row.user_id, one)) for one in work.packages)})
    for batch in work.batches():
        for package_id in batch:
            delete_objects(work.row.user_id, package_id)
    work.count("after", lambda: {"objects": sum(len(objects_of(work.row.user_id, one)) for one in work.packages)})


def features(work: Work) -> None:
    """RawAnalysisFeatures, in whatever store they are."""
    store, user_id = feature_store(), work.row.user_id
    work.count("before", lambda: {"features": store.count(user_id, work.packages)})
    for batch in work.batches():
        for package_id in batch:
            store.delete_package(user_id, package_id)
    if everything_before(work.row) is not None and not _has_others(user_id, work.packages):
        # Documents whose package never came to be, after a crash between two stores.
        store.delete_user(user_id)
    work.count("after", lambda: {"features": store.count(user_id, work.packages)})


def traits(work: Work) -> None:
    """Candidates, evidence, decisions, settled traits, concepts."""
    user_id, keep, until = work.row.user_id, work.row.keep_settled, everything_before(work.row)

    def counted() -> dict[str, int]:
        with transaction() as connection:
            about = resting(connection, user_id, work.packages)
            return about if until is None else {**about, **everything(connection, user_id, until, work.packages)}

    work.count("before", counted)
    for batch in work.batches():
        with transaction() as connection:
            take_out(connection, user_id, batch, keep_settled=keep)
    if until is not None:
        with transaction() as connection:
            remove_everything(connection, user_id, until, work.packages, keep_settled=keep)
    work.count("after", counted)


def drawn(work: Work) -> None:
    """The graph: drawn anew from what stays; removed where nothing does."""
    store, user_id = graph_store(), work.row.user_id
    ids = [str(package_id) for package_id in work.packages]
    whole = everything_before(work.row) is not None
    work.count("before", lambda: {"graph": store.count(user_id) if whole else store.search(user_id, ids)})
    graph.rebuild(user_id)
    with transaction() as connection:
        # What came after the request stays, and so does what the person keeps.
        empty = whole and not _known(connection, user_id)
    if empty:
        store.delete_user(user_id)
    work.count("after", lambda: {"graph": store.count(user_id) if empty else store.search(user_id, ids)})


def rows(work: Work) -> None:
    """Text layers, runs, steps, packages."""
    tables = {"packages": UserDataPackage, "textLayers": TextLayerRecord, "runs": Run, "steps": Step}

    def counted() -> dict[str, int]:
        with transaction() as connection:
            return {name: _rows(connection, table, work.packages) for name, table in tables.items()}

    work.count("before", counted)
    for batch in work.batches():
        with transaction() as connection:
            # Text layers, runs and steps go with their packages.
            connection.execute(delete(UserDataPackage).where(among(UserDataPackage.package_id, batch)))
    if (until := everything_before(work.row)) is not None:
        with transaction() as connection:
            # With one package, what its calls cost stays, without the package's id: a month's budget would not hold.
            mine = (LlmCall.user_id == work.row.user_id, LlmCall.asked_at <= until)
            connection.execute(delete(LlmCall).where(*mine))
    work.count("after", counted)


def results(work: Work) -> None:
    """What the result backend keeps of the runs. Messages that wait name runs that are no more, and end at once."""
    removed = work.messages.forget(work.row.run_ids)
    work.count("before", lambda: {"results": removed})
    work.count("after", lambda: {"results": 0})


#: What is done in each stage, in order; keys went with the request, search and receipt come last.
STAGES: dict[ErasureStage, Callable[[Work], None]] = {
    ErasureStage.REST: rest,
    ErasureStage.OBJECTS: objects,
    ErasureStage.FEATURES: features,
    ErasureStage.TRAITS: traits,
    ErasureStage.GRAPH: drawn,
    ErasureStage.ROWS: rows,
    ErasureStage.RESULTS: results,
}


def _rows(connection: Connection, table: type[Any], package_ids: Sequence[UUID]) -> int:
    query = select(func.count()).select_from(table).where(among(table.package_id, package_ids))
    return connection.execute(query).scalar_one()


def _has_others(user_id: str, package_ids: Sequence[UUID]) -> bool:
    """Whether the person has given anything else, as after an erasure that is still under way."""
    mine = exists().where(UserDataPackage.user_id == user_id, ~among(UserDataPackage.package_id, package_ids))
    with transaction() as connection:
        return bool(connection.execute(select(mine)).scalar_one())


def _known(connection: Connection, user_id: str) -> bool:
    """Whether anything is left that a graph is drawn from."""
    names = ("candidates", "settled_traits", "communication_styles", "concepts")
    tables = [Base.metadata.tables[name] for name in names]
    return any(connection.execute(select(exists().where(table.c.user_id == user_id))).scalar_one() for table in tables)
