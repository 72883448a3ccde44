"""What every object store does. A new one is one more entry of `STORES`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from app.errors import NotFound
from app.vault.aws import address
from app.vault.objects import FileStore, ObjectStore
from app.vault.s3 import S3Store


def bucket(request: pytest.FixtureRequest, _place: Path) -> ObjectStore:
    """A prefix of its own in the server's bucket."""
    server = request.getfixturevalue("aws_server")
    return S3Store(address("ECHO_OBJECTS_URL", server.objects_url(prefix=f"vault/{uuid4()}"), "s3"))


STORES: dict[str, Callable[[pytest.FixtureRequest, Path], ObjectStore]] = {
    "files": lambda _, place: FileStore(place / "objects"),
    "s3": bucket,
}


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return STORES[request.param](request, tmp_path)


def read(store: ObjectStore, key: str) -> bytes:
    with store.get(key) as source:
        return source.read()


@pytest.mark.parametrize("pieces", [[], [b""], [b"x"], [b"", b"a", b"", b"b"], [bytes(range(256))] * 5000], ids=len)
def test_what_is_put_comes_back(store: ObjectStore, pieces: list[bytes]) -> None:
    store.put("owner/package/name", pieces)
    assert read(store, "owner/package/name") == b"".join(pieces)


def test_it_can_be_read_piece_by_piece(store: ObjectStore) -> None:
    store.put("o/p/a", [b"abc" * 100_000])
    with store.get("o/p/a") as source:
        assert source.read(4) == b"abca"
        assert source.read(100_000) == (b"abc" * 100_000)[4:100_004]


def test_a_second_put_replaces(store: ObjectStore) -> None:
    store.put("o/p/a", [b"long before"])
    store.put("o/p/a", [b"after"])
    assert read(store, "o/p/a") == b"after"
    assert list(store.list("o/p")) == ["o/p/a"]


def test_a_missing_object_is_not_found(store: ObjectStore) -> None:
    store.put("o/p/a", [b"x"])
    for key in ("o/p/b", "o/q/a", "o/p", "o/p/a/b"):
        with pytest.raises(NotFound), store.get(key):
            pass


def test_an_object_is_not_seen_before_it_is_whole(store: ObjectStore) -> None:
    seen: list[object] = []

    def pieces() -> Iterator[bytes]:
        yield b"first"
        seen.append(list(store.list("o")))
        with pytest.raises(NotFound), store.get("o/p/a"):
            pass
        yield b" second"

    store.put("o/p/a", pieces())
    assert seen == [[]]
    assert read(store, "o/p/a") == b"first second"


class ClientGoneError(Exception):
    """What the source of the pieces may raise."""


@pytest.mark.parametrize("before", [None, b"before"])
def test_an_error_of_the_source_passes_through_and_changes_nothing(store: ObjectStore, before: bytes | None) -> None:
    if before is not None:
        store.put("o/p/a", [before])

    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise ClientGoneError

    with pytest.raises(ClientGoneError):
        store.put("o/p/a", pieces())
    assert [read(store, key) for key in store.list("o")] == ([] if before is None else [before])
    assert store.sweep(-1) == 0


def test_deleting_says_whether_there_was_one(store: ObjectStore) -> None:
    store.put("o/p/a", [b"x"])
    assert store.delete("o/p/a") is True
    assert store.delete("o/p/a") is False
    assert store.delete("never/there") is False
    with pytest.raises(NotFound), store.get("o/p/a"):
        pass


def test_listing_gives_what_is_below_the_prefix_in_order(store: ObjectStore) -> None:
    for key in ("o/pp/x", "o/p/b", "o/p/a", "oo/p/a", "o/p/a.b-c_d"):
        store.put(key, [b"x"])
    assert list(store.list("o/p")) == ["o/p/a", "o/p/a.b-c_d", "o/p/b"]
    assert list(store.list("o")) == ["o/p/a", "o/p/a.b-c_d", "o/p/b", "o/pp/x"]
    assert list(store.list("none")) == []


def test_all_listed_objects_can_be_deleted_while_listing(store: ObjectStore) -> None:
    for index in range(20):
        store.put(f"o/p/{index}", [b"x"])
    assert sum(store.delete(key) for key in store.list("o/p")) == 20
    assert list(store.list("o/p")) == []


@pytest.mark.parametrize(
    "key",
    ["", "/", "..", "../up", "o/../up", "/etc/passwd", "o//a", "o/", "O/a", "o/.hidden", "o/a\x00", "o/a\n", "a b"],
)
def test_what_could_leave_the_store_is_no_key(store: ObjectStore, key: str) -> None:
    actions: list[Callable[[], object]] = [
        lambda: store.put(key, [b"x"]),
        lambda: store.get(key).__enter__(),
        lambda: store.delete(key),
        lambda: store.list(key),
    ]
    for action in actions:
        with pytest.raises(ValueError, match="key"):
            action()


def test_writers_and_deleters_of_one_folder_do_not_disturb_each_other(store: ObjectStore) -> None:
    def work(writer: int) -> None:
        for turn in range(40):
            store.put(f"o/p/{writer}", [bytes([turn])])
            assert read(store, f"o/p/{writer}") == bytes([turn])
            assert store.delete(f"o/p/{writer}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert list(store.list("o")) == []


def test_the_last_of_many_writers_of_one_object_wins_whole(store: ObjectStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: store.put("o/p/a", [bytes([n])] * 1000), range(16)))
    assert len(found := read(store, "o/p/a")) == 1000
    assert len(set(found)) == 1
