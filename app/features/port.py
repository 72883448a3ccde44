"""The port of the raw feature store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection

from app.features.document import FeatureDocument


class FeatureStore(Protocol):
    """Where RawAnalysisFeatures are kept; `tests/contract/test_feature_store.py` says what each store must do.

    `connection` is the caller's PostgreSQL transaction. A store within PostgreSQL takes part in it; any other store
    ignores it, and is written before PostgreSQL says that the work is done (faults.md, order of writes).
    """

    def prepare(self) -> None:
        """Make what the store needs (indexes); harmless when repeated."""

    def put_many(self, documents: Sequence[FeatureDocument], connection: Connection | None = None) -> int:
        """Write documents at once; one that is there already is replaced unless its fence is higher.

        Returns:
            How many were written; the others were refused by a higher fence.

        Raises:
            InvalidInput: a document's features are no JSON; nothing is written.
            StoreUnavailable: the store does not answer.
        """

    def of_package(self, user_id: str, package_id: UUID, connection: Connection | None = None) -> list[FeatureDocument]:
        """All documents of the person's package, by analyzer and version; empty for another person's."""

    def get_many(
        self, user_id: str, ids: Iterable[UUID], connection: Connection | None = None
    ) -> list[FeatureDocument]:
        """Those of the documents that exist and are the person's, by analyzer and version."""

    def delete_package(self, user_id: str, package_id: UUID, connection: Connection | None = None) -> int:
        """Remove all documents of the person's package and say how many there were."""

    def delete_user(self, user_id: str, connection: Connection | None = None) -> int:
        """Remove all documents of the person and say how many there were."""

    def count(self, user_id: str, package_ids: Sequence[UUID], connection: Connection | None = None) -> int:
        """How many documents of these packages of the person there are."""

    def search(self, user_id: str, needles: Sequence[str], connection: Connection | None = None) -> int:
        """How many of the person's documents contain any of the texts anywhere, keys included: proof of an erasure.

        Letters count as they are, and an empty text is contained in none.
        """
