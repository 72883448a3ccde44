"""Raw features in PostgreSQL JSONB, the store that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.database import within
from app.features.document import FeatureDocument, mentions, newest, storable
from app.models import RawAnalysisFeatures
from app.vocabulary import FeatureStatus, Modality

_TABLE = RawAnalysisFeatures.__table__


class PostgresFeatureStore:
    """`FeatureStore` over the table `raw_features`."""

    def prepare(self) -> None:
        """Nothing to do: migrations make the table and its indexes."""

    def put_many(self, documents: Sequence[FeatureDocument], connection: Connection | None = None) -> int:
        """See `FeatureStore.put_many`."""
        values = [_row(document) for document in newest(documents)]
        if not values:
            return 0
        statement = insert(RawAnalysisFeatures)
        guarded = statement.on_conflict_do_update(
            index_elements=[_TABLE.c.feature_set_id],
            set_={name: statement.excluded[name] for name in values[0] if name != "feature_set_id"},
            where=_TABLE.c.fence <= statement.excluded.fence,
        ).returning(_TABLE.c.feature_set_id)
        with within(connection) as held:
            # Given as parameters and not as `values(...)`, so that the statement is compiled once for any number.
            return len(held.execute(guarded, values).all())

    def of_package(self, user_id: str, package_id: UUID, connection: Connection | None = None) -> list[FeatureDocument]:
        """See `FeatureStore.of_package`."""
        return self._found(connection, _TABLE.c.user_id == user_id, _TABLE.c.source_package_id == package_id)

    def get_many(
        self, user_id: str, ids: Iterable[UUID], connection: Connection | None = None
    ) -> list[FeatureDocument]:
        """See `FeatureStore.get_many`."""
        return self._found(connection, _TABLE.c.user_id == user_id, _TABLE.c.feature_set_id.in_(list(ids)))

    def _found(self, connection: Connection | None, *conditions: ColumnElement[bool]) -> list[FeatureDocument]:
        query = select(_TABLE).where(*conditions).order_by(_TABLE.c.analyzer, _TABLE.c.model_version)
        with within(connection) as held:
            return [_document(row) for row in held.execute(query)]

    def search(self, user_id: str, needles: Sequence[str], connection: Connection | None = None) -> int:
        """See `FeatureStore.search`."""
        # A person may have very many: they are read in portions and looked through one by one.
        query = select(_TABLE).where(_TABLE.c.user_id == user_id).execution_options(yield_per=500)
        with within(connection) as held:
            return sum(mentions(_document(row), needles) for row in held.execute(query))

    def count(self, user_id: str, package_ids: Sequence[UUID], connection: Connection | None = None) -> int:
        """See `FeatureStore.count`."""
        of_them = _TABLE.c.source_package_id.in_(list(package_ids))
        query = select(func.count()).select_from(_TABLE).where(_TABLE.c.user_id == user_id, of_them)
        with within(connection) as held:
            return held.execute(query).scalar_one()

    def delete_package(self, user_id: str, package_id: UUID, connection: Connection | None = None) -> int:
        """See `FeatureStore.delete_package`."""
        return _deleted(connection, _TABLE.c.user_id == user_id, _TABLE.c.source_package_id == package_id)

    def delete_user(self, user_id: str, connection: Connection | None = None) -> int:
        """See `FeatureStore.delete_user`."""
        return _deleted(connection, _TABLE.c.user_id == user_id)


def _deleted(connection: Connection | None, *conditions: ColumnElement[bool]) -> int:
    with within(connection) as held:
        return held.execute(delete(RawAnalysisFeatures).where(*conditions)).rowcount


def _row(document: FeatureDocument) -> dict[str, Any]:
    details = document.error_details
    return {
        "feature_set_id": document.feature_set_id,
        "user_id": document.user_id,
        "source_package_id": document.source_package_id,
        "modality": str(document.modality),
        "analyzer": document.analyzer,
        "model_name_or_type": document.model_name_or_type,
        "model_version": document.version,
        "extracted_features": storable(document.analyzer, document.extracted_features),
        "timestamp": document.timestamp,
        "processing_time_ms": document.processing_time_ms,
        "status": str(document.status),
        "error_details": None if details is None else storable(document.analyzer, details),
        "fence": document.fence,
    }


def _document(row: Row[Any]) -> FeatureDocument:
    return FeatureDocument(
        feature_set_id=row.feature_set_id,
        user_id=row.user_id,
        source_package_id=row.source_package_id,
        modality=Modality(row.modality),
        analyzer=row.analyzer,
        version=row.model_version,
        model_name_or_type=row.model_name_or_type,
        extracted_features=row.extracted_features,
        timestamp=row.timestamp,
        processing_time_ms=row.processing_time_ms,
        status=FeatureStatus(row.status),
        error_details=row.error_details,
        fence=row.fence,
    )
