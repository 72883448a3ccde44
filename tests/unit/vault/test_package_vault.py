"""Packages in the vault: what goes in comes out, for its owner, unchanged, and nothing else does."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import NotFound, TooLarge
from app.vault import PackageVault, VaultError, delete_objects, keyring, new_package, open_package, package
from app.vault.envelope import FRAME

SECRET = b"I was employed to manage their printing house."


@pytest.fixture
def vault(vault_home: Path) -> PackageVault:
    return new_package("anna", uuid4())


def files(home: Path) -> dict[str, bytes]:
    return {
        path.relative_to(home / "objects").as_posix(): path.read_bytes()
        for path in (home / "objects").rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("size", [0, 1, 20_000, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME + 7])
def test_what_is_put_comes_back_whole_and_in_frames(vault: PackageVault, size: int) -> None:
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    key = vault.put("original", data)
    assert vault.get(key) == data
    frames = list(vault.stream(key))
    assert b"".join(frames) == data
    assert max((len(frame) for frame in frames), default=0) <= FRAME


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.binary(max_size=3000), max_size=8))
def test_streams_of_any_chunks_come_back_with_their_size_and_digest(vault: PackageVault, chunks: list[bytes]) -> None:
    stored = vault.put_stream("original", iter(chunks))
    whole = b"".join(chunks)
    assert stored == (stored.object_key, len(whole), hashlib.sha256(whole).hexdigest())
    assert vault.get(stored.object_key) == whole


def test_another_process_opens_it_by_the_wrapped_key(vault: PackageVault) -> None:
    key = vault.put("original", SECRET)
    program = (
        "import sys; from uuid import UUID; from app.vault import open_package\n"
        "vault = open_package('anna', UUID(sys.argv[1]), bytes.fromhex(sys.argv[2]))\n"
        "sys.stdout.buffer.write(vault.get(sys.argv[3]))"
    )
    arguments = [str(vault.package_id), vault.wrapped_key.hex(), key]
    opened = subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True)
    assert opened.stdout == SECRET


def test_the_plaintext_is_never_on_disk_not_even_on_its_way(vault: PackageVault, vault_home: Path) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield SECRET * 400
            assert not [name for name, data in files(vault_home).items() if SECRET[:12] in data]

    vault.put_stream("original", chunks())
    stored = files(vault_home)
    assert len(stored) == 1
    assert not any(SECRET[:12] in data for data in stored.values())


def test_paths_hold_ids_and_nothing_of_the_person(vault_home: Path) -> None:
    user = "anna.smith@example.org"
    new_package(user, UUID(int=5)).put("original", SECRET)
    assert [name for name in files(vault_home) if "anna" in name or "example" in name] == []


def test_streaming_takes_bounded_memory(vault: PackageVault) -> None:
    chunk = bytes(64 * 1024)
    vault.put("warm", chunk)
    tracemalloc.start()
    try:
        stored = vault.put_stream("original", (chunk for _ in range(1024)))
        assert sum(len(frame) for frame in vault.stream(stored.object_key)) == 64 * 2**20
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 * FRAME


def test_an_error_of_the_upload_passes_through_and_leaves_nothing(vault: PackageVault, vault_home: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield bytes(FRAME * 2)
        raise TooLarge("over the limit")

    with pytest.raises(TooLarge):
        vault.put_stream("original", chunks())
    assert files(vault_home) == {}


def gather(frames: Iterator[bytes], released: bytearray) -> None:
    for frame in frames:
        released += frame


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_a_changed_or_cut_object_releases_no_false_byte(
    vault: PackageVault, vault_home: Path, data: st.DataObject
) -> None:
    plain = bytes(range(256)) * (FRAME // 256) + SECRET
    key = vault.put("original", plain)
    path = vault_home / "objects" / key
    stored = path.read_bytes()
    # Headers and tails are where a message has its structure; the middle is one long ciphertext.
    near = data.draw(st.one_of(st.integers(0, 700), st.integers(len(stored) - 200, len(stored) - 1)))
    bit = 1 << data.draw(st.integers(0, 7))
    changed = stored[:near] + bytes([stored[near] ^ bit]) + stored[near + 1 :]
    for broken in (changed, stored[:near]):
        path.write_bytes(broken)
        released = bytearray()
        with pytest.raises(VaultError):
            gather(vault.stream(key), released)
        assert plain.startswith(released)
        with pytest.raises(VaultError):
            vault.get(key)


def test_objects_that_change_places_do_not_open(vault: PackageVault, vault_home: Path) -> None:
    first, second = vault.put("first", b"one"), vault.put("second", b"two")
    shutil.copy(vault_home / "objects" / first, vault_home / "objects" / second)
    assert vault.get(first) == b"one"
    with pytest.raises(VaultError):
        vault.get(second)


@pytest.mark.parametrize("owner", ["anna", "bert"])
def test_an_object_moved_to_another_package_does_not_open(vault: PackageVault, vault_home: Path, owner: str) -> None:
    other = new_package(owner, uuid4())
    key, theirs = vault.put("original", SECRET), other.put("original", b"theirs")
    shutil.copy(vault_home / "objects" / key, vault_home / "objects" / theirs)
    with pytest.raises(VaultError):
        other.get(theirs)


def test_keys_of_other_packages_and_nonsense_are_not_found(vault: PackageVault) -> None:
    other = new_package("bert", uuid4())
    theirs = other.put("original", b"theirs")
    mine = vault.put("original", SECRET)
    for key in (theirs, f"{mine}x", "original", "", "../../master.key", f"{mine}/", mine.replace("original", "..")):
        with pytest.raises(NotFound):
            vault.get(key)


@pytest.mark.parametrize("name", ["", "..", "a/b", "Original", ".hidden", "a\n", "x" * 129])
def test_what_is_no_name_is_refused(vault: PackageVault, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        vault.put(name, b"x")


def test_a_wrapped_key_opens_for_its_person_and_package_only(vault: PackageVault) -> None:
    assert open_package("anna", vault.package_id, vault.wrapped_key) == vault
    for user, package_id in (("bert", vault.package_id), ("anna", uuid4())):
        with pytest.raises(VaultError):
            open_package(user, package_id, vault.wrapped_key)


def test_with_another_master_key_nothing_opens(vault: PackageVault, vault_home: Path) -> None:
    (vault_home / "master.key").write_bytes(b"k" * 32)
    keyring._local.cache_clear()
    with pytest.raises(VaultError) as refused:
        open_package("anna", vault.package_id, vault.wrapped_key)
    assert "anna" not in refused.value.message


def test_an_opened_package_is_remembered_until_its_objects_are_deleted(vault: PackageVault, vault_home: Path) -> None:
    key = vault.put("original", SECRET)
    open_package("anna", vault.package_id, vault.wrapped_key)
    (vault_home / "master.key").write_bytes(b"k" * 32)
    keyring._local.cache_clear()
    assert open_package("anna", vault.package_id, vault.wrapped_key).get(key) == SECRET
    delete_objects("anna", vault.package_id)
    with pytest.raises(VaultError):
        open_package("anna", vault.package_id, vault.wrapped_key)


def test_deleting_takes_all_of_the_package_and_nothing_else(vault: PackageVault) -> None:
    neighbour = new_package("anna", uuid4())
    kept = neighbour.put("original", b"kept")
    keys = [vault.put(name, SECRET) for name in ("original", "layer-1", "layer-2")]
    assert delete_objects("bert", vault.package_id) == 0
    assert delete_objects("anna", vault.package_id) == 3
    assert delete_objects("anna", vault.package_id) == 0
    for key in keys:
        with pytest.raises(NotFound):
            vault.get(key)
    assert neighbour.get(kept) == b"kept"


def test_neither_keys_nor_their_wrapped_form_are_shown(vault: PackageVault) -> None:
    assert "wrapped_key" not in repr(vault)
    assert package._opened().get("none") is None


def test_the_library_is_loaded_at_first_need_and_by_many_threads_at_once(vault_home: Path) -> None:
    program = """
import sys
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4
import app.vault
assert not any(name.startswith(("aws_", "boto")) for name in sys.modules), "loaded too early"
def work(n):
    vault = app.vault.new_package("anna", uuid4())
    return vault.get(vault.put("original", bytes([n]) * 1000)) == bytes([n]) * 1000
with ThreadPoolExecutor(8) as pool:
    assert all(pool.map(work, range(32)))
"""
    ran = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-2000:]


def test_a_reader_that_stops_early_leaves_no_complaint(vault: PackageVault, caplog: pytest.LogCaptureFixture) -> None:
    key = vault.put("original", bytes(3 * FRAME))
    reader = vault.stream(key)
    next(reader)
    del reader
    assert caplog.records == []
