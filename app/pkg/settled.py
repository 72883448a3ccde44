"""Reading from servers whose reads are no snapshot: a reader between two statements may see parts of two graphs."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

from sqlalchemy import Connection

from app.errors import StoreUnavailable
from app.pkg.difference import mentions
from app.pkg.graph import Graph

#: Times that a reader looks again where a writer was at work.
LOOKS = 10


class SettledGraphStore(ABC):
    """What `GraphStore` reads, for stores whose writers leave the digest of the whole graph beside it."""

    @abstractmethod
    def _look(self, user_id: str) -> tuple[Sequence[str], Graph | None]:
        """The digests that writers left, and what is there now; None where it is no graph."""

    def read(
        self,
        user_id: str,
        *,
        concept: str | None = None,
        category: str | None = None,
        depth: int = 2,
        connection: Connection | None = None,
    ) -> Graph:
        """See `GraphStore.read`."""
        del connection
        return self._settled(user_id).selected(concept=concept, category=category, depth=depth)

    def digest(self, user_id: str, connection: Connection | None = None) -> str:
        """See `GraphStore.digest`."""
        del connection
        return self._settled(user_id).digest()

    def search(self, user_id: str, needles: Sequence[str], connection: Connection | None = None) -> int:
        """See `GraphStore.search`."""
        del connection
        return mentions(self._settled(user_id), needles)

    def _settled(self, user_id: str) -> Graph:
        """The person's graph as one writer left it; as it is found where it was damaged from outside."""
        found: Graph | None = None
        for look in range(LOOKS):
            time.sleep(0.02 * look)
            digests, graph = self._look(user_id)
            if graph is None:
                continue
            found = graph
            if found.digest() in (digests or [Graph().digest()]):
                return found
        if found is None:
            raise StoreUnavailable("The graph store shows half a graph: repair it with `echosphere graph rebuild`")
        return found
