"""The raw feature store: a port and its implementations."""

from __future__ import annotations

from app.errors import Misconfigured
from app.features.document import FeatureDocument, feature_set_id, fence, storable
from app.features.mongo import MongoFeatureStore
from app.features.port import FeatureStore
from app.features.postgres import PostgresFeatureStore
from config.settings import settings

__all__ = ["FeatureDocument", "FeatureStore", "feature_set_id", "feature_store", "fence", "storable"]


def feature_store() -> FeatureStore:
    """The store that `ECHO_FEATURES_URL` names.

    Raises:
        Misconfigured: there is no such store.
    """
    url = settings().features_url.get_secret_value()
    if not url:
        return PostgresFeatureStore()
    scheme = url.partition("://")[0]
    if scheme in {"mongodb", "mongodb+srv"}:
        return MongoFeatureStore(url)
    raise Misconfigured(
        f"ECHO_FEATURES_URL: no feature store is named {scheme!r}; it is mongodb:// or mongodb+srv://, or leave it "
        "empty for PostgreSQL"
    )
