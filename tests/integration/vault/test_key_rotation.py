"""Rotation of the master key: everything readable at every moment, nothing lost, nothing left under an old key."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update

from app.database import transaction
from app.errors import Misconfigured, StoreUnavailable
from app.models import PackageKey
from app.vault import master_keyring, rotation
from app.vault.keyring import LOCAL, KeyName, SdkKeyring, _raw
from app.vault.localkey import UNNAMED, older_files
from app.vault.package import package_context
from config.settings import settings
from scripts.stores.aws import Aws

Add = Callable[[int], list[UUID]]
Readable = Callable[[], int]


@pytest.fixture
def rotate_command() -> list[str]:
    return [str(Path(sys.executable).parent / "echosphere"), "keys", "rotate", "--json"]


def keys_in_use() -> dict[KeyName, int]:
    return dict(rotation.under_each_key())


@contextmanager
def read_all_the_time(readable: Readable) -> Iterator[list[int]]:
    """Another thread that reads every package again and again; what it could not read fails the test."""
    counts: list[int] = []
    failed: list[Exception] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            try:
                counts.append(readable())
            except Exception as error:  # noqa: BLE001 - whatever it is, the test fails with it
                failed.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield counts
    finally:
        ended.set()
        reader.join()
    assert failed == []


def test_two_hundred_packages_killed_in_the_middle_and_resumed(
    keys_home: Path, add: Add, readable: Readable, rotate_command: list[str]
) -> None:
    add(200)
    before = master_keyring().name
    with read_all_the_time(readable) as counts:
        killed = subprocess.Popen(rotate_command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while keys_in_use().get(before, 0) > 160:
            assert killed.poll() is None
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        half = keys_in_use()
        after = master_keyring().name
        assert 0 < half[before] <= 160
        assert half[before] + half[after] == 200
        assert readable() == 200

        done = json.loads(subprocess.run(rotate_command, check=True, capture_output=True, timeout=120).stdout)
    assert set(counts) == {200}
    assert done["rewrapped"] == half[before]
    assert done["unchanged"] == half[after]
    assert (done["packages"], done["left"], done["renewed"], done["kept"]) == (200, 0, False, ["master.key.1"])
    assert keys_in_use() == {after: 200}


def test_each_rotation_makes_one_new_key_and_keeps_the_older_ones(
    keys_home: Path, add: Add, readable: Readable
) -> None:
    first = add(3)
    names = [master_keyring().name]
    for _ in range(3):
        done = rotation.rotate()
        assert (done.renewed, done.rewrapped, done.left) == (True, 3, 0)
        names.append(done.key)
    assert len(set(names)) == 4
    assert [path.name for path in older_files(keys_home / "master.key")] == [f"master.key.{n}" for n in (3, 2, 1)]
    assert {path.stat().st_mode & 0o777 for path in keys_home.glob("master.key*")} == {0o600}
    assert readable() == len(first)


def test_a_running_process_takes_up_the_new_key_by_itself(keys_home: Path, add: Add) -> None:
    add(1)
    before = master_keyring().name
    command = [str(Path(sys.executable).parent / "echosphere"), "keys", "rotate"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert master_keyring().name != before
    add(1)
    assert keys_in_use() == {master_keyring().name: 2}


def test_an_older_key_goes_only_when_asked_not_in_use_and_old_enough(
    keys_home: Path, add: Add, readable: Readable
) -> None:
    add(2)
    under_old = master_keyring()
    rotation.rotate()
    assert rotation.retire() == []  # an upload that began under it may not have been accepted yet
    late = add(1)[0]
    with transaction() as connection:
        row = connection.execute(select(PackageKey).where(PackageKey.package_id == late)).one()
        context = package_context(row.user_id, row.package_id)
        wrapped = under_old.wrap(master_keyring().unwrap(row.wrapped_key, context), context)
        connection.execute(update(PackageKey).where(PackageKey.package_id == late).values(wrapped_key=wrapped))
    assert rotation.retire(0) == []  # in use
    done = rotation.rotate(renewing=False)
    assert (done.renewed, done.rewrapped, done.left) == (False, 1, 0)
    assert rotation.retire(0) == ["master.key.1"]
    assert [path.name for path in keys_home.glob("master.key*")] == ["master.key"]
    assert readable() == 3


def test_retire_on_the_command_line_waits_an_hour_and_makes_no_further_key(
    keys_home: Path, add: Add, readable: Readable, rotate_command: list[str]
) -> None:
    def retire() -> dict[str, object]:
        command = [*rotate_command, "--retire"]
        said = subprocess.run(command, check=True, capture_output=True, timeout=120).stdout
        found: dict[str, object] = json.loads(said)
        return found

    add(2)
    first = retire()
    assert (first["renewed"], first["rewrapped"], first["retired"], first["kept"]) == (True, 2, [], ["master.key.1"])
    an_hour_ago = time.time() - 3700
    os.utime(keys_home / "master.key", (an_hour_ago, an_hour_ago))
    second = retire()
    assert (second["renewed"], second["rewrapped"], second["retired"], second["kept"]) == (
        False, 0, ["master.key.1"], [],
    )  # fmt: skip
    assert second["key"] == first["key"]
    assert readable() == 2


def test_keys_from_before_they_had_names_are_read_and_rotated(keys_home: Path, add: Add, readable: Readable) -> None:
    add(2)
    old = _raw(UNNAMED, (keys_home / "master.key").read_bytes())
    assert isinstance(old, SdkKeyring)
    with transaction() as connection:
        for row in connection.execute(select(PackageKey)).all():
            context = package_context(row.user_id, row.package_id)
            wrapped = old.wrap(master_keyring().unwrap(row.wrapped_key, context), context)
            mine = PackageKey.package_id == row.package_id
            connection.execute(update(PackageKey).where(mine).values(wrapped_key=wrapped))
    assert keys_in_use() == {KeyName(LOCAL, UNNAMED): 2}
    assert readable() == 2
    done = rotation.rotate()
    assert (done.renewed, done.rewrapped) == (True, 2)
    assert keys_in_use() == {master_keyring().name: 2}
    assert readable() == 2


def test_two_rotations_at_once_end_under_one_key(
    keys_home: Path, add: Add, readable: Readable, rotate_command: list[str]
) -> None:
    add(60)
    master_keyring()
    both = [subprocess.Popen(rotate_command, stdout=subprocess.PIPE) for _ in range(2)]
    said = [json.loads(process.communicate(timeout=120)[0]) for process in both]
    done = rotation.rotate(renewing=False)
    assert done.left == 0
    assert keys_in_use() == {master_keyring().name: 60}
    assert sum(found["rewrapped"] for found in said) >= 60
    assert sum(found["unreadable"] for found in said) == 0
    assert readable() == 60


def test_a_package_erased_meanwhile_stays_erased(keys_home: Path, add: Add, readable: Readable) -> None:
    made = sorted(add(5))

    def erase(done: int, _of: int) -> None:
        if done == 1:
            with transaction() as connection:
                connection.execute(delete(PackageKey).where(PackageKey.package_id == made[-1]))

    done = rotation.rotate(show=erase)
    assert (done.rewrapped, done.gone, done.left) == (4, 1, 0)
    assert readable() == 4


def test_what_cannot_be_opened_is_counted_left_alone_and_hinders_nothing(keys_home: Path, add: Add) -> None:
    damaged, swapped, *_ = add(4)
    with transaction() as connection:
        held = select(PackageKey.wrapped_key).where(PackageKey.package_id == swapped)
        other = connection.execute(held).scalar_one()
        for package_id, wrapped in ((damaged, b"no key"), (swapped, other[:-1] + bytes([other[-1] ^ 1]))):
            mine = PackageKey.package_id == package_id
            connection.execute(update(PackageKey).where(mine).values(wrapped_key=wrapped))
    for _ in range(2):
        done = rotation.rotate()
        assert (done.renewed, done.rewrapped, done.unreadable, done.left) == (True, 2, 2, 2)
    assert rotation.retire(0) == []
    with transaction() as connection:
        found = connection.execute(select(PackageKey.wrapped_key).where(PackageKey.package_id == damaged)).scalar_one()
    assert found == b"no key"


@pytest.fixture
def keys_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """As a restart with another `ECHO_KEYS_URL`."""

    def choose(url: str) -> None:
        monkeypatch.setenv("ECHO_KEYS_URL", url)
        settings.cache_clear()

    yield choose
    settings.cache_clear()


def test_from_local_to_kms_and_back(
    keys_home: Path, aws_server: Aws, add: Add, readable: Readable, keys_url: Callable[[str], None]
) -> None:
    add(20)
    kms = aws_server.keys_url(aws_server.new_key())
    keys_url(f"{kms},local:")
    with read_all_the_time(readable):
        add(1)
        done = rotation.rotate()
    assert (done.renewed, done.rewrapped, done.unchanged, done.left) == (False, 20, 1, 0)
    (keys_home / "master.key").rename(keys_home / "elsewhere")
    keys_url(kms)
    assert readable() == 21

    (keys_home / "elsewhere").rename(keys_home / "master.key")
    keys_url(f"local:,{kms}")
    with read_all_the_time(readable):
        done = rotation.rotate("local:")
    assert (done.renewed, done.rewrapped, done.left) == (False, 21, 0)
    keys_url("")
    assert readable() == 21


def test_from_one_key_of_kms_to_another(
    keys_home: Path, aws_server: Aws, add: Add, readable: Readable, keys_url: Callable[[str], None]
) -> None:
    old, new = (aws_server.keys_url(aws_server.new_key()) for _ in range(2))
    keys_url(old)
    add(3)
    keys_url(f"{old},{new}")
    assert rotation.rotate(new).rewrapped == 3
    assert readable() == 3
    keys_url(new)
    assert readable() == 3


def test_a_key_that_the_fleet_could_not_open_is_no_target(keys_home: Path, aws_server: Aws, add: Add) -> None:
    add(1)
    before = keys_in_use()
    with pytest.raises(Misconfigured, match="ECHO_KEYS_URL"):
        rotation.rotate(aws_server.keys_url(aws_server.new_key()))
    assert keys_in_use() == before


def test_a_key_service_that_is_away_stops_the_rotation_and_changes_nothing(
    keys_home: Path, add: Add, readable: Readable, keys_url: Callable[[str], None]
) -> None:
    add(2)
    away = "aws-kms://alias/away?region=eu-central-1&endpoint=http://127.0.0.1:9"
    keys_url(f"local:,{away}")
    before = keys_in_use()
    with pytest.raises(StoreUnavailable):
        rotation.rotate(away)
    assert keys_in_use() == before
    assert readable() == 2


def test_status_counts_packages_by_key_and_shows_no_whole_arn(
    keys_home: Path, aws_server: Aws, add: Add, keys_url: Callable[[str], None]
) -> None:
    add(2)
    local, arn = master_keyring().name, aws_server.new_key()
    keys_url(f"{aws_server.keys_url(arn)},local:")
    add(1)
    command = [str(Path(sys.executable).parent / "echosphere"), "keys", "status", "--json"]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    assert json.loads(said)["keys"] == [
        {"key": f"aws-kms …{arn[-12:]}", "packages": 1, "current": True},
        {"key": str(local), "packages": 2, "current": False},
    ]
