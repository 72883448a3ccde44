"""What every raw feature store does. A new one is one more entry of `STORES`."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.features import FeatureDocument, FeatureStore, feature_set_id, feature_store, fence
from app.features.mongo import MongoFeatureStore
from app.vocabulary import FeatureStatus, Modality

#: Name of the store to the fixture of the server it needs and the call that makes it on that server.
STORES: dict[str, tuple[str, Callable[[Any], FeatureStore]]] = {
    "postgres": ("postgres", lambda _server: feature_store()),
    "mongodb": ("mongodb", lambda server: MongoFeatureStore(server.url)),
}


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest) -> FeatureStore:
    server, make = STORES[request.param]
    made = make(request.getfixturevalue(server))
    made.prepare()
    return made


@pytest.fixture
def user() -> str:
    return f"user-{uuid4().hex}"


def document(
    user: str,
    package_id: UUID | None = None,
    *,
    analyzer: str = "text.style",
    **changes: Any,
) -> FeatureDocument:
    package_id = package_id or uuid4()
    made = FeatureDocument(
        feature_set_id=feature_set_id(package_id, analyzer, "1"),
        user_id=user,
        source_package_id=package_id,
        modality=Modality.TEXT,
        analyzer=analyzer,
        version="1",
        model_name_or_type=analyzer,
        extracted_features={"questions": {"count": 23, "rate": 0.25, "spans": [{"start": 1, "end": 9}]}},
        timestamp=datetime(2031, 2, 3, 4, 5, 6, 789000, tzinfo=UTC),
        processing_time_ms=31,
        fence=fence(1, 1),
    )
    return replace(made, **changes)


def test_preparing_twice_is_harmless(store: FeatureStore) -> None:
    store.prepare()
    store.prepare()


def test_a_document_comes_back_as_it_was(store: FeatureStore, user: str) -> None:
    one = document(user)
    assert store.put_many([one]) == 1
    assert store.of_package(user, one.source_package_id) == [one]
    assert store.get_many(user, [one.feature_set_id]) == [one]


def test_a_failure_keeps_its_reason(store: FeatureStore, user: str) -> None:
    details = {"code": "timed_out", "message": "took too long", "details": {"seconds": 100}}
    one = document(user, extracted_features={}, status=FeatureStatus.FAILURE, error_details=details)
    store.put_many([one])
    assert store.of_package(user, one.source_package_id) == [one]


def test_documents_of_a_package_come_by_analyzer(store: FeatureStore, user: str) -> None:
    package_id = uuid4()
    names = ["text.topics", "audio.prosody", "text.facts"]
    made = [document(user, package_id, analyzer=name) for name in names]
    assert store.put_many([*made, document(user)]) == 4
    assert [found.analyzer for found in store.of_package(user, package_id)] == sorted(names)
    assert [found.analyzer for found in store.get_many(user, [one.feature_set_id for one in made])] == sorted(names)


def test_writing_nothing_and_asking_for_nothing_is_nothing(store: FeatureStore, user: str) -> None:
    assert store.put_many([]) == 0
    assert store.get_many(user, []) == []
    assert store.of_package(user, uuid4()) == []
    assert store.delete_package(user, uuid4()) == 0


def test_writing_twice_is_writing_once(store: FeatureStore, user: str) -> None:
    one = document(user)
    assert [store.put_many([one]), store.put_many([one])] == [1, 1]
    assert store.of_package(user, one.source_package_id) == [one]


def test_a_later_attempt_replaces_and_an_earlier_one_does_not(store: FeatureStore, user: str) -> None:
    first = document(user, fence=fence(7, 1))
    second = replace(first, fence=fence(7, 2), extracted_features={"second": True})
    zombie = replace(first, extracted_features={"zombie": True}, fence=fence(6, 9))
    assert store.put_many([first]) == 1
    assert store.put_many([second]) == 1
    assert store.put_many([zombie]) == 0
    assert store.put_many([first]) == 0
    assert store.of_package(user, first.source_package_id) == [second]


def test_a_refused_document_does_not_hold_back_its_neighbours(store: FeatureStore, user: str) -> None:
    package_id = uuid4()
    newer = document(user, package_id, analyzer="a", fence=5)
    store.put_many([newer])
    assert store.put_many([replace(newer, fence=4), document(user, package_id, analyzer="b", fence=4)]) == 1
    assert [(found.analyzer, found.fence) for found in store.of_package(user, package_id)] == [("a", 5), ("b", 4)]


def test_of_two_versions_in_one_batch_the_higher_fence_counts(store: FeatureStore, user: str) -> None:
    low = document(user, fence=1)
    high = replace(low, fence=2, extracted_features={"high": 1})
    assert store.put_many([high, low]) == 1
    assert store.of_package(user, low.source_package_id) == [high]


def test_the_highest_fence_wins_whatever_the_order_of_writers(store: FeatureStore, user: str) -> None:
    package_id = uuid4()
    batches = [
        [
            document(user, package_id, analyzer=name, fence=turn, extracted_features={"turn": turn})
            for name in (("a", "b", "c") if turn % 2 else ("c", "b", "a"))
        ]
        for turn in (3, 9, 1, 7, 5, 2, 8, 4)
    ]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(store.put_many, batches))
    assert [found.extracted_features for found in store.of_package(user, package_id)] == [{"turn": 9}] * 3


def test_another_persons_documents_are_neither_seen_nor_deleted(store: FeatureStore, user: str) -> None:
    one = document(user)
    store.put_many([one])
    assert store.of_package("somebody-else", one.source_package_id) == []
    assert store.get_many("somebody-else", [one.feature_set_id]) == []
    assert store.delete_package("somebody-else", one.source_package_id) == 0
    assert store.of_package(user, one.source_package_id) == [one]


def test_deleting_takes_the_package_and_nothing_else(store: FeatureStore, user: str) -> None:
    package_id = uuid4()
    kept = document(user)
    store.put_many([document(user, package_id, analyzer="a"), document(user, package_id, analyzer="b"), kept])
    assert store.delete_package(user, package_id) == 2
    assert store.delete_package(user, package_id) == 0
    assert store.of_package(user, package_id) == []
    assert store.get_many(user, [kept.feature_set_id]) == [kept]


def test_deleting_a_person_takes_all_packages_and_nobody_elses(store: FeatureStore, user: str) -> None:
    other = document(f"{user}-other")
    store.put_many([document(user), document(user), document(user, analyzer="text.facts"), other])
    assert store.delete_user(user) == 3
    assert store.delete_user(user) == 0
    assert store.get_many(other.user_id, [other.feature_set_id]) == [other]


def test_counting_is_by_package_and_person(store: FeatureStore, user: str) -> None:
    first, second = uuid4(), uuid4()
    store.put_many([document(user, first, analyzer="a"), document(user, first, analyzer="b"), document(user, second)])
    assert store.count(user, [first]) == 2
    assert store.count(user, [first, second, uuid4()]) == 3
    assert store.count(user, []) == 0
    assert store.count("somebody-else", [first, second]) == 0


@pytest.mark.parametrize(
    ("features", "needle"),
    [
        ({"terms": ["a", {"x": 'say "canary-7f3a"'}]}, 'y "canary-7f3a"'),
        ({"a.$canary": 1}, "a.$can"),
        ({"deep": [[["canary"]]]}, "canary"),
        ({"umlaut": "Zwölf Boxkämpfer"}, "Boxkämpf"),
        ({"number": 10**30}, str(10**30)),
    ],
    ids=["text", "key", "nested", "umlaut", "number"],
)
def test_searching_finds_a_text_anywhere_in_the_persons_documents(
    store: FeatureStore, user: str, features: dict[str, Any], needle: str
) -> None:
    store.put_many([document(user, extracted_features=features), document(user), document(f"{user}-other")])
    assert store.search(user, ["not there", needle]) == 1
    assert store.search(f"{user}-other", [needle]) == 0
    assert store.search(user, []) == store.search(user, [""]) == store.search(user, ["not there"]) == 0


def test_searching_finds_a_text_in_the_reason_of_a_failure(store: FeatureStore, user: str) -> None:
    details = {"code": "timed_out", "message": "canary", "details": {}}
    store.put_many([document(user, extracted_features={}, status=FeatureStatus.FAILURE, error_details=details)])
    assert store.search(user, ["canary"]) == 1


def test_searching_reads_more_documents_than_one_portion(store: FeatureStore, user: str) -> None:
    package_id = uuid4()
    names = [f"a{index:04}" for index in range(1200)]
    features: dict[str, Any] = {"term": "canary"}
    made = [document(user, package_id, analyzer=name, extracted_features=features) for name in names]
    assert store.put_many(made) == 1200
    assert store.search(user, ["canary"]) == 1200
    assert len(store.of_package(user, package_id)) == 1200
    assert store.delete_user(user) == 1200


@pytest.mark.parametrize(
    "number",
    [0, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**40, 0.1, 1e-300, 5e-324],
)
def test_a_number_comes_back_as_it_went(store: FeatureStore, user: str, number: float) -> None:
    one = document(user, extracted_features={"number": number, "list": [number, [number]]})
    store.put_many([one])
    [found] = store.of_package(user, one.source_package_id)
    assert found.extracted_features == one.extracted_features


@pytest.mark.parametrize("levels", [63, 64, 65, 99, 120])
def test_deep_nesting_survives(store: FeatureStore, user: str, levels: int) -> None:
    objects: Any = "bottom"
    lists: Any = ["bottom"]
    for _ in range(levels):
        objects, lists = {"a.b": objects}, [lists]
    one = document(user, extracted_features={"objects": objects, "lists": lists})
    store.put_many([one])
    assert store.of_package(user, one.source_package_id) == [one]


KEYS = st.one_of(
    st.text(max_size=8), st.sampled_from(["a.b", "$set", "", "_id", "%json", "%", "%2E", "\x00", "\ud800", "é", "😀"])
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    # A larger float has no fraction, and JSON gives it back as the whole number that its digits spell.
    | st.floats(-(2**53), 2**53)
    | st.text(st.characters(), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def clean(value: Any) -> Any:
    """The documents' promise, written down a second time: NUL and half characters become U+FFFD."""
    if isinstance(value, str):
        return "".join("\ufffd" if char == "\x00" or 0xD800 <= ord(char) < 0xE000 else char for char in value)
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return value


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_any_json_survives(store: FeatureStore, user: str, features: dict[str, Any]) -> None:
    one = document(user, extracted_features=features, error_details={"again": features})
    store.put_many([one])
    [found] = store.of_package(user, one.source_package_id)
    assert found.extracted_features == clean(features)
    assert found.error_details == {"again": clean(features)}


@pytest.mark.parametrize(
    "features",
    [{"x": math.nan}, {"x": [math.inf]}, {"x": {1, 2}}, {"x": b"bytes"}, {"x": datetime.now(UTC)}, {("a", "b"): 1}],
    ids=["nan", "infinity", "set", "bytes", "time", "key"],
)
def test_what_is_no_json_is_refused_by_analyzer_and_nothing_is_written(
    store: FeatureStore, user: str, features: dict[str, Any]
) -> None:
    package_id = uuid4()
    good, bad = document(user, package_id, analyzer="a"), document(user, package_id, analyzer="text.bad")
    with pytest.raises(InvalidInput, match=r"text\.bad"):
        store.put_many([good, replace(bad, extracted_features=features)])
    assert store.of_package(user, package_id) == []
