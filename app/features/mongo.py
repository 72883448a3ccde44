"""Raw features in MongoDB: MongoDB itself, Atlas, Amazon DocumentDB, FerretDB; no transactions are needed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from sqlalchemy import Connection

from app.errors import InvalidInput, Misconfigured, StoreUnavailable
from app.features.document import FeatureDocument, mentions, newest, storable
from app.vocabulary import FeatureStatus, Modality

# The driver takes a tenth of a second to load, in processes that may never speak to MongoDB.
if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.collection import Collection

#: Where the URL names no database.
DATABASE = "echosphere"
COLLECTION = "raw_features"
#: What counts unless the URL says otherwise. Times are in milliseconds.
_OPTIONS: dict[str, Any] = {
    "appName": "echosphere",
    "serverSelectionTimeoutMS": 3_000,
    "connectTimeoutMS": 3_000,
    "socketTimeoutMS": 20_000,
    "w": "majority",
}
#: Levels of nesting kept as BSON; servers refuse the hundredth.
_DEPTH = 64
#: The one key of an object that stands for what BSON, or one of the servers, cannot hold: its value is JSON text.
_AS_TEXT = "%json"
_MAX_BYTES = 16 * 2**20
_DUPLICATE = 11_000


@cache
def _client(_pid: int, url: str) -> MongoClient[dict[str, Any]]:
    from pymongo import MongoClient  # noqa: PLC0415 - see above
    from pymongo.errors import PyMongoError  # noqa: PLC0415 - as above

    try:
        given = {name.lower() for name in parse_qs(urlsplit(url).query)}
        options = {name: value for name, value in _OPTIONS.items() if name.lower() not in given}
        return MongoClient(url, connect=False, tz_aware=True, **options)
    except (PyMongoError, ValueError) as error:
        # Not chained: the driver's message may quote the URL.
        raise Misconfigured(
            f"ECHO_FEATURES_URL is no MongoDB address ({type(error).__name__}): it is written "
            "mongodb://user:password@host:27017/echosphere?tls=true, with user and password percent-encoded"
        ) from None


@contextmanager
def _answering() -> Iterator[None]:
    """Our errors instead of the driver's, whose messages may quote documents and addresses and are therefore left out.

    Raises:
        StoreUnavailable: the server does not answer, or refuses.
    """
    from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError  # noqa: PLC0415 - see above

    try:
        yield
    except ConnectionFailure as error:
        raise StoreUnavailable(
            f"MongoDB does not answer ({type(error).__name__}): is it running, and is ECHO_FEATURES_URL its address? "
            "Nothing was lost; the step is tried again"
        ) from None
    except OperationFailure as error:
        raise StoreUnavailable(
            f"MongoDB refused ({type(error).__name__}, code {error.code}): 18 is a wrong user or password and 13 a "
            "missing right, in ECHO_FEATURES_URL; its log explains others",
            mongodb_code=error.code,
        ) from None
    except PyMongoError as error:
        raise StoreUnavailable(
            f"MongoDB cannot be used ({type(error).__name__}): the options of ECHO_FEATURES_URL may not fit the server"
        ) from None


class MongoFeatureStore:
    """`FeatureStore` over the collection `raw_features`, one document per (package, analyzer, version).

    Args:
        url: `mongodb://` or `mongodb+srv://`; its path names the database. DocumentDB wants `retryWrites=false` in it.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def _collection(self) -> Collection[dict[str, Any]]:
        from pymongo import ReadPreference  # noqa: PLC0415 - see above

        database = _client(os.getpid(), self._url).get_default_database(DATABASE)
        # Whatever the URL says: the merge reads what steps have just written, and a secondary may not have it yet.
        return database.get_collection(COLLECTION, read_preference=ReadPreference.PRIMARY)

    def prepare(self) -> None:
        """Make the indexes: of a person's documents by time, and of a package's."""
        with _answering():
            self._collection().create_index([("userID", 1), ("timestamp", 1)])
            # By a command of its own: FerretDB 1.24 drops the connection where two in one command exist already.
            self._collection().create_index("sourceUserDataPackageID")

    def put_many(self, documents: Sequence[FeatureDocument], connection: Connection | None = None) -> int:  # noqa: ARG002 - not PostgreSQL
        """See `FeatureStore.put_many`.

        Two unordered bulk writes, the second only for what was there before: insert what is missing, then replace what
        has no higher fence. An upsert with the fence in its filter needs a duplicate key for each refusal, and gives
        the same answer where two first writers meet, which would refuse the newer of them.
        """
        from pymongo import ReplaceOne  # noqa: PLC0415 - see above

        rows = [_row(document) for document in newest(documents)]
        if not rows:
            return 0
        with _answering():
            collection = self._collection()
            present = _insert(collection, rows)
            if not present:
                return len(rows)
            guarded = [ReplaceOne({"_id": row["_id"], "fence": {"$lte": row["fence"]}}, row) for row in present]
            return len(rows) - len(present) + collection.bulk_write(guarded, ordered=False).matched_count

    def of_package(self, user_id: str, package_id: UUID, connection: Connection | None = None) -> list[FeatureDocument]:  # noqa: ARG002 - as above
        """See `FeatureStore.of_package`."""
        return self._found({"userID": user_id, "sourceUserDataPackageID": str(package_id)})

    def get_many(
        self,
        user_id: str,
        ids: Iterable[UUID],
        connection: Connection | None = None,  # noqa: ARG002 - as above
    ) -> list[FeatureDocument]:
        """See `FeatureStore.get_many`."""
        wanted = [str(one) for one in ids]
        return self._found({"_id": {"$in": wanted}, "userID": user_id}) if wanted else []

    def _found(self, condition: dict[str, Any]) -> list[FeatureDocument]:
        return sorted(self._each(condition), key=lambda document: (document.analyzer, document.version))

    def _each(self, condition: dict[str, Any]) -> Iterator[FeatureDocument]:
        with _answering():
            yield from map(_document, self._collection().find(condition))

    def search(self, user_id: str, needles: Sequence[str], connection: Connection | None = None) -> int:  # noqa: ARG002 - as above
        """See `FeatureStore.search`."""
        return sum(mentions(document, needles) for document in self._each({"userID": user_id}))

    def count(self, user_id: str, package_ids: Sequence[UUID], connection: Connection | None = None) -> int:  # noqa: ARG002 - as above
        """See `FeatureStore.count`."""
        if not package_ids:
            return 0
        with _answering():
            return self._collection().count_documents(
                {"userID": user_id, "sourceUserDataPackageID": {"$in": [str(one) for one in package_ids]}}
            )

    def delete_package(self, user_id: str, package_id: UUID, connection: Connection | None = None) -> int:  # noqa: ARG002 - as above
        """See `FeatureStore.delete_package`."""
        return self._deleted({"userID": user_id, "sourceUserDataPackageID": str(package_id)})

    def delete_user(self, user_id: str, connection: Connection | None = None) -> int:  # noqa: ARG002 - as above
        """See `FeatureStore.delete_user`."""
        return self._deleted({"userID": user_id})

    def _deleted(self, condition: dict[str, Any]) -> int:
        with _answering():
            return self._collection().delete_many(condition).deleted_count


def _insert(collection: Collection[dict[str, Any]], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Insert what is missing and give back what was there already."""
    from pymongo.errors import BulkWriteError  # noqa: PLC0415 - see above

    try:
        collection.insert_many(rows, ordered=False)
    except BulkWriteError as error:
        details = error.details or {}
        refusals = details.get("writeErrors", [])
        if details.get("writeConcernErrors") or any(one["code"] != _DUPLICATE for one in refusals):
            raise
        return [rows[one["index"]] for one in refusals]
    return []


def _row(document: FeatureDocument) -> dict[str, Any]:
    details = document.error_details
    row = {
        "_id": str(document.feature_set_id),
        "featureSetID": str(document.feature_set_id),
        "userID": document.user_id,
        "sourceUserDataPackageID": str(document.source_package_id),
        "modality": str(document.modality),
        "analyzer": document.analyzer,
        "modelNameOrType": document.model_name_or_type,
        "modelVersion": document.version,
        "extractedFeatures": _bson(document.analyzer, document.extracted_features),
        "timestamp": document.timestamp,
        "processingTimeMs": document.processing_time_ms,
        "status": str(document.status),
        "errorDetails": None if details is None else _bson(document.analyzer, details),
        "fence": document.fence,
    }
    _must_fit(document.analyzer, row)
    return row


def _must_fit(analyzer: str, row: dict[str, Any]) -> None:
    """Refuse what the server would refuse, by then with its neighbours written."""
    from bson import encode  # noqa: PLC0415 - see above

    if len(encode(row)) > _MAX_BYTES:
        raise InvalidInput(
            f"features of {analyzer} are larger than the 16 MB of a MongoDB document: return counts and locators, not "
            "an entry for every character",
            analyzer=analyzer,
        )


def _document(row: dict[str, Any]) -> FeatureDocument:
    return FeatureDocument(
        feature_set_id=UUID(row["featureSetID"]),
        user_id=row["userID"],
        source_package_id=UUID(row["sourceUserDataPackageID"]),
        modality=Modality(row["modality"]),
        analyzer=row["analyzer"],
        version=row["modelVersion"],
        model_name_or_type=row["modelNameOrType"],
        extracted_features=_decoded(row["extractedFeatures"]),
        timestamp=row["timestamp"].astimezone(UTC),
        processing_time_ms=row["processingTimeMs"],
        status=FeatureStatus(row["status"]),
        error_details=_decoded(row["errorDetails"]),
        fence=int(row["fence"]),
    )


def _bson(analyzer: str, document: dict[str, Any]) -> dict[str, Any]:
    # Through JSON first: it makes keys texts, tuples lists and enum members their values, as PostgreSQL keeps them.
    encoded: dict[str, Any] = _encoded(json.loads(json.dumps(storable(analyzer, document))), _DEPTH)
    return encoded


def _encoded(value: Any, levels: int, *, within_list: bool = False) -> Any:  # noqa: ANN401 - any JSON value
    """JSON as every server of the protocol holds it (docs/decisions/0012-features-in-mongodb.md)."""
    match value:
        case dict() if levels:
            return {_encoded_key(key): _encoded(item, levels - 1) for key, item in value.items()}
        case list() if levels and not within_list:
            return [_encoded(item, levels - 1, within_list=True) for item in value]
        case dict() | list():
            return {_AS_TEXT: json.dumps(value, ensure_ascii=False)}
        case bool():
            return value
        case int() if not -(2**63) <= value < 2**63:
            return {_AS_TEXT: str(value)}
        case _:
            return value


def _decoded(value: Any) -> Any:  # noqa: ANN401 - any BSON value that `_encoded` made
    match value:
        case dict() if _AS_TEXT in value:
            return json.loads(value[_AS_TEXT])
        case dict():
            return {_decoded_key(key): _decoded(item) for key, item in value.items()}
        case list():
            return [_decoded(item) for item in value]
        case bool():
            return value
        case int():
            return int(value)  # of the driver's own kind for 64 bits
        case _:
            return value


def _encoded_key(key: str) -> str:
    return key.replace("%", "%25").replace(".", "%2E").replace("$", "%24") or "%"


def _decoded_key(key: str) -> str:
    return "" if key == "%" else key.replace("%24", "$").replace("%2E", ".").replace("%25", "%")
