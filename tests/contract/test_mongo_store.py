"""What only the MongoDB store promises: its documents, its client, its errors."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient

from app.cli.commands.migrate import migrate
from app.errors import InvalidInput, Misconfigured, StoreUnavailable
from app.features import FeatureDocument, feature_set_id, feature_store
from app.features.mongo import MongoFeatureStore, _client, _decoded, _encoded
from app.vocabulary import Modality
from config.settings import settings
from scripts.stores.mongodb import FerretDB
from scripts.stores.server import free_port
from tests.servers import built

PACKAGE = UUID("5f0c1d3e-0000-4000-8000-000000000001")


def document(user: str, **changes: Any) -> FeatureDocument:
    package_id = uuid4()
    made = FeatureDocument(
        feature_set_id=feature_set_id(package_id, "text.style", "1"),
        user_id=user,
        source_package_id=package_id,
        modality=Modality.TEXT,
        analyzer="text.style",
        version="1",
        model_name_or_type="rules",
        extracted_features={"a.b": {"count": 3}},
        timestamp=datetime(2031, 2, 3, 4, 5, 6, 789000, tzinfo=UTC),
        processing_time_ms=31,
        fence=1001,
    )
    return replace(made, **changes)


@pytest.fixture
def user() -> str:
    return f"user-{uuid4().hex}"


@pytest.fixture
def store(mongodb: FerretDB) -> MongoFeatureStore:
    made = MongoFeatureStore(mongodb.url)
    made.prepare()
    return made


@pytest.fixture
def own_server(tmp_path: Path) -> FerretDB:
    """A server that a test may stop."""
    return built(FerretDB(tmp_path / "own"))


@pytest.fixture
def fresh_settings() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch
    settings.cache_clear()


def raw(mongodb: FerretDB) -> Any:
    return MongoClient[dict[str, Any]](mongodb.url, tz_aware=True).echosphere.raw_features


def test_a_document_has_the_documented_names_and_no_others(
    mongodb: FerretDB, store: MongoFeatureStore, user: str
) -> None:
    one = document(user, error_details={"code": "internal"})
    store.put_many([one])
    [found] = raw(mongodb).find({"userID": user})
    assert found == {
        "_id": str(one.feature_set_id),
        "featureSetID": str(one.feature_set_id),
        "userID": user,
        "sourceUserDataPackageID": str(one.source_package_id),
        "modality": "text",
        "analyzer": "text.style",
        "modelNameOrType": "rules",
        "modelVersion": "1",
        "extractedFeatures": {"a%2Eb": {"count": 3}},
        "timestamp": one.timestamp,
        "processingTimeMs": 31,
        "status": "success",
        "errorDetails": {"code": "internal"},
        "fence": 1001,
    }
    assert set(one.as_json()) == set(found) - {"_id", "fence"}


def test_a_replaced_document_keeps_nothing_of_the_one_before(
    mongodb: FerretDB, store: MongoFeatureStore, user: str
) -> None:
    one = document(user, extracted_features={"canary": "before"}, error_details={"canary": "before"})
    store.put_many([one])
    store.put_many([replace(one, extracted_features={"after": 1}, error_details=None, fence=1002)])
    [found] = raw(mongodb).find({"userID": user})
    assert "before" not in repr(found)


def test_preparing_makes_the_indexes(mongodb: FerretDB, store: MongoFeatureStore) -> None:
    keys = [index["key"] for index in raw(mongodb).index_information().values()]
    assert [("userID", 1), ("timestamp", 1)] in keys
    assert [("sourceUserDataPackageID", 1)] in keys


@pytest.mark.usefixtures("postgres")
def test_migrating_prepares_the_store_that_the_environment_names(
    fresh_settings: pytest.MonkeyPatch, mongodb: FerretDB
) -> None:
    fresh_settings.setenv("ECHO_FEATURES_URL", mongodb.url.replace("/echosphere", "/fresh"))
    settings.cache_clear()
    assert CliRunner().invoke(migrate).exit_code == 0
    indexes = MongoClient[dict[str, Any]](mongodb.url).fresh.raw_features.index_information()
    assert len(indexes) == 3


def test_numbers_keep_their_kind(store: MongoFeatureStore, user: str) -> None:
    numbers = [0, 1, 2**40, 2**70, 0.0, 1.0, 1.5e300, -(2.0**80), True, False]
    one = document(user, extracted_features={"numbers": numbers})
    store.put_many([one])
    [found] = store.of_package(user, one.source_package_id)
    back = found.extracted_features["numbers"]
    assert back == numbers
    assert [type(number) for number in back] == [type(number) for number in numbers]


def test_a_document_beyond_16_mb_is_refused_in_words(store: MongoFeatureStore, user: str) -> None:
    one = document(user, extracted_features={"x": ["canary" * 100] * 40_000})
    with pytest.raises(InvalidInput, match=r"text\.style.*16 MB") as refused:
        store.put_many([document(user), one])
    assert "canary" not in refused.value.message
    assert store.search(user, ["text"]) == 0


KEYS = st.text(max_size=5) | st.text("$.%2E45json", max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=25,
)


def holdable(value: Any, *, levels: int, within_list: bool = False) -> bool:
    """What the strictest of the servers takes."""
    match value:
        case dict():
            keys = all(key and "." not in key and not key.startswith("$") for key in value)
            return keys and levels > 0 and all(holdable(item, levels=levels - 1) for item in value.values())
        case list():
            inner = all(holdable(item, levels=levels - 1, within_list=True) for item in value)
            return not within_list and levels > 0 and inner
        case int():
            return -(2**63) <= value < 2**63
    return True


@given(st.dictionaries(KEYS, JSON, max_size=4), st.integers(0, 8))
def test_the_encoding_is_what_every_server_holds_and_goes_back(value: dict[str, Any], levels: int) -> None:
    encoded = _encoded(value, levels)
    assert holdable(encoded, levels=levels + 1)
    assert _decoded(encoded) == value


ACTIONS: list[Callable[[MongoFeatureStore], object]] = [
    lambda store: store.prepare(),
    lambda store: store.put_many([document("anna")]),
    lambda store: store.of_package("anna", PACKAGE),
    lambda store: store.get_many("anna", [PACKAGE]),
    lambda store: store.search("anna", ["x"]),
    lambda store: store.count("anna", [PACKAGE]),
    lambda store: store.delete_package("anna", PACKAGE),
    lambda store: store.delete_user("anna"),
]


def assert_nothing_is_told(error: BaseException, *secrets: str) -> None:
    told = "".join(traceback.format_exception(error)) + repr(getattr(error, "details", ""))
    assert not [secret for secret in secrets if secret in told]


def test_a_server_that_is_away_is_told_in_time_and_without_the_password() -> None:
    url = f"mongodb://anna-login:hidden@127.0.0.1:{free_port()}/base?serverSelectionTimeoutMS=300"
    store = MongoFeatureStore(url)
    for action in ACTIONS:
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable, match="does not answer") as refused:
            action(store)
        assert time.monotonic() - begun < 2
        assert_nothing_is_told(refused.value, "hidden", "anna-login")


def test_waiting_for_a_server_is_bounded_where_the_url_says_nothing() -> None:
    begun = time.monotonic()
    with pytest.raises(StoreUnavailable):
        MongoFeatureStore(f"mongodb://127.0.0.1:{free_port()}").count("anna", [PACKAGE])
    assert time.monotonic() - begun < 8


def test_a_server_that_hangs_is_told_in_time(own_server: FerretDB) -> None:
    with own_server.running() as pid:
        store = MongoFeatureStore(f"{own_server.url}?socketTimeoutMS=500&serverSelectionTimeoutMS=500")
        store.prepare()
        os.kill(pid, signal.SIGSTOP)
        try:
            begun = time.monotonic()
            with pytest.raises(StoreUnavailable):
                store.put_many([document("anna")])
            assert time.monotonic() - begun < 5
        finally:
            os.kill(pid, signal.SIGCONT)


def test_a_server_that_comes_back_is_used_again_and_kept_what_it_had(own_server: FerretDB) -> None:
    store, one = MongoFeatureStore(f"{own_server.url}?serverSelectionTimeoutMS=500"), document("anna")
    with own_server.running():
        store.put_many([one])
    with pytest.raises(StoreUnavailable):
        store.of_package("anna", one.source_package_id)
    with own_server.running():
        deadline = time.monotonic() + 10
        while True:
            try:
                found = store.of_package("anna", one.source_package_id)
                break
            except StoreUnavailable:
                assert time.monotonic() < deadline
    assert found == [one]


def test_a_wrong_password_is_refused_without_telling_it(mongodb: FerretDB) -> None:
    url = mongodb.url.replace("mongodb://", "mongodb://anna-login:hidden@")
    with pytest.raises(StoreUnavailable, match="code 18") as refused:
        MongoFeatureStore(f"{url}?authSource=admin").count("anna", [PACKAGE])
    assert_nothing_is_told(refused.value, "hidden", "anna-login")


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://user:hidden@host:no-port/base",
        "mongodb://us:er:hidden@host/base",
        "mongodb://user:hid/hidden@host/base",
        "mongodb://user:[hidden@host/base",
        "mongodb://user:hidden@host/base?tls=true&ssl=false",
        "mongodb+srv://user:hidden@one,two/base",
        "mongodb://",
    ],
)
def test_a_wrong_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Misconfigured, match="ECHO_FEATURES_URL") as refused:
        MongoFeatureStore(url).count("anna", [PACKAGE])
    assert_nothing_is_told(refused.value, "hidden")


@pytest.mark.parametrize("url", ["mongodb+srv://user:hidden@cluster.invalid/base"])
def test_a_cluster_that_has_no_record_is_told_without_its_password(url: str) -> None:
    with pytest.raises(StoreUnavailable, match="ECHO_FEATURES_URL") as refused:
        MongoFeatureStore(url).count("anna", [PACKAGE])
    assert_nothing_is_told(refused.value, "hidden")


@pytest.mark.parametrize("scheme", ["mongodb", "mongodb+srv"])
def test_the_url_chooses_the_store(fresh_settings: pytest.MonkeyPatch, scheme: str) -> None:
    fresh_settings.setenv("ECHO_FEATURES_URL", f"{scheme}://cluster.example.org/base")
    settings.cache_clear()
    assert isinstance(feature_store(), MongoFeatureStore)


def test_what_counts_where_the_url_says_nothing() -> None:
    collection = MongoFeatureStore("mongodb://localhost:1")._collection()
    options = collection.database.client.options
    assert collection.full_name == "echosphere.raw_features"
    assert collection.write_concern.document == {"w": "majority"}
    assert options.server_selection_timeout == 3
    assert options.pool_options.socket_timeout == 20


def test_the_url_of_a_documentdb_is_followed() -> None:
    url = (
        "mongodb://u:p@localhost:1/base?tls=true&replicaSet=rs0&readPreference=secondaryPreferred&retryWrites=false"
        "&w=1&sockettimeoutms=5000"
    )
    collection = MongoFeatureStore(url)._collection()
    options = collection.database.client.options
    assert collection.full_name == "base.raw_features"
    assert options.retry_writes is False
    assert options.pool_options._ssl_context is not None
    assert options.pool_options.socket_timeout == 5
    assert collection.write_concern.document == {"w": 1}
    # The merge reads what the steps have just written.
    assert collection.read_preference.name == "Primary"


def test_writing_without_retries_works(mongodb: FerretDB, user: str) -> None:
    store = MongoFeatureStore(f"{mongodb.url}?retryWrites=false&w=1")
    one = document(user)
    assert [store.put_many([one]), store.put_many([one])] == [1, 1]
    assert store.of_package(user, one.source_package_id) == [one]


def in_child(url: str, one: FeatureDocument) -> tuple[int, int, int]:
    warnings.simplefilter("error")  # the driver warns where a client of the parent is used
    store = MongoFeatureStore(url)
    before = _client.cache_info().currsize
    return store.put_many([one]), before, _client.cache_info().currsize


def test_a_forked_process_has_a_client_of_its_own(mongodb: FerretDB, store: MongoFeatureStore, user: str) -> None:
    ours = _client(os.getpid(), mongodb.url)
    first, second = document(user), document(user)
    store.put_many([first])
    with multiprocessing.get_context("fork").Pool(1) as pool:
        written, before, after = pool.apply(in_child, (mongodb.url, second))
    assert (written, after) == (1, before + 1)
    assert store.get_many(user, [second.feature_set_id]) == [second]
    assert _client(os.getpid(), mongodb.url) is ours


def test_a_process_that_asks_for_no_mongodb_does_not_load_its_driver() -> None:
    program = "import sys, app.features; sys.exit('pymongo' in sys.modules or 'bson' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
