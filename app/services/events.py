"""What changed for a person since they last looked: runs, candidates, the graph.

Read from the rows, so that any process can tell it and nothing is lost while nobody listens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, exists, func, select

from app.database import transaction
from app.models import CommunicationStyles, ExtractedTraitCandidate, GraphOutbox, Run, UserRefinedTrait
from app.services import packages
from app.vocabulary import RunStatus

#: Open runs that are followed at once, the oldest first: those are the ones that move.
FOLLOWED = 200
#: Runs looked back at when a listener comes back.
LOOKED_BACK = 200
#: How long a transaction may take: what it wrote bears the time of its beginning and shows at its end.
OVERLAP = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Event:
    """One change.

    Attributes:
        kind: "progress", "candidate" or "graph".
        data: ids and states.
    """

    kind: str
    data: dict[str, Any]


@dataclass(slots=True)
class Feed:
    """One listener's view of a person's changes.

    Attributes:
        user_id: whose changes.
        since: where an earlier listener stopped; None for from now on.
    """

    user_id: str
    since: datetime | None = None
    _runs: dict[UUID, tuple[UUID, datetime]] = field(default_factory=dict)
    _candidates: dict[UUID, datetime] = field(default_factory=dict)
    _settled: tuple[int, datetime | None] | None = None
    _graph_open: bool = False

    def poll(self) -> list[Event]:
        """What changed since the last poll; each change at least once, in no order between kinds."""
        with transaction() as connection:
            now: datetime = connection.execute(select(func.now())).scalar_one()
            first, since = self.since is None, self.since or now
            moved = self._moved(connection, since)
            found = [
                *self._candidate_events(connection, since - OVERLAP, silent=first),
                *self._graph_events(connection),
            ]
        self.since = now
        return [*self._progress(moved), *found]

    def _moved(self, connection: Connection, since: datetime) -> list[UUID]:
        """Packages whose runs moved: open ones that changed, and ones that are open no more."""
        columns = (Run.run_id, Run.package_id, Run.moved_at, Run.finished_at)
        states = [str(state) for state in RunStatus if not state.final]
        rows = connection.execute(
            select(*columns)
            .where(Run.user_id == self.user_id, Run.state.in_(states))
            .order_by(Run.sequence)
            .limit(FOLLOWED)
        ).all()
        now_open = {row.run_id: (row.package_id, row.moved_at) for row in rows}
        moved = [package for run, (package, at) in now_open.items() if self._runs.get(run, (package, None))[1] != at]
        moved += [package for run, (package, _) in self._runs.items() if run not in now_open]
        if not self._runs:
            newest = (
                select(*columns).where(Run.user_id == self.user_id).order_by(Run.sequence.desc()).limit(LOOKED_BACK)
            ).subquery()
            ended = connection.execute(select(newest.c.package_id).where(newest.c.finished_at >= since))
            moved += [row.package_id for row in ended]
        self._runs = now_open
        return list(dict.fromkeys(moved))

    def _progress(self, moved: list[UUID]) -> list[Event]:
        shown = ("packageID", "runID", "runStatus", "progress", "reason")
        states = packages.statuses(self.user_id, moved) if moved else []
        return [Event("progress", {name: state[name] for name in shown}) for state in states]

    def _candidate_events(self, connection: Connection, since: datetime, *, silent: bool) -> list[Event]:
        table = ExtractedTraitCandidate
        rows = connection.execute(
            select(table.candidate_id, table.status, table.updated_at)
            .where(table.user_id == self.user_id, table.updated_at >= since)
            .order_by(table.updated_at)
        ).all()
        new = [row for row in rows if self._candidates.get(row.candidate_id) != row.updated_at]
        self._candidates = {row.candidate_id: row.updated_at for row in rows}
        if silent:
            return []
        return [
            Event(
                "candidate",
                {"candidateID": row.candidate_id, "status": row.status, "lastUpdatedTimestamp": row.updated_at},
            )
            for row in new
        ]

    def _graph_events(self, connection: Connection) -> list[Event]:
        """The graph changed where something that feeds it did and nothing waits to be projected any more."""
        settled = (
            connection.execute(
                select(func.coalesce(func.max(UserRefinedTrait.sequence), 0)).where(
                    UserRefinedTrait.user_id == self.user_id
                )
            ).scalar_one(),
            connection.execute(
                select(CommunicationStyles.updated_at).where(CommunicationStyles.user_id == self.user_id)
            ).scalar_one_or_none(),
        )
        waiting = connection.execute(
            select(exists().where(GraphOutbox.user_id == self.user_id, GraphOutbox.applied_at.is_(None)))
        ).scalar_one()
        self._graph_open |= waiting or self._settled not in (None, settled)
        self._settled = settled
        if waiting or not self._graph_open:
            return []
        self._graph_open = False
        return [Event("graph", {})]
