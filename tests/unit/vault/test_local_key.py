"""The local master key: made once, private, never silently replaced."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import Misconfigured
from app.vault import master_keyring
from app.vault.keyring import KEY_BYTES, local_key
from config.settings import settings


def test_it_is_made_at_first_use_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "home" / "master.key"
    key = local_key(file, tmp_path / "objects")
    assert len(key) == KEY_BYTES
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert local_key(file, tmp_path / "objects") == key
    assert [path.name for path in file.parent.iterdir()] == ["master.key"]


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from app.vault.keyring import local_key\n"
        "sys.stdin.readline(); print(local_key(Path(sys.argv[1]), Path(sys.argv[1] + '-none')).hex())"
    )
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "master.key")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for starter in starters:
        assert starter.stdin
        starter.stdin.write("go\n")
        starter.stdin.flush()
    keys = {starter.communicate(timeout=60)[0].strip() for starter in starters}
    assert len(keys) == 1
    assert len(keys.pop()) == 2 * KEY_BYTES


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "master.key"
    local_key(file, tmp_path / "objects")
    file.chmod(mode)
    with pytest.raises(Misconfigured, match="chmod 600"):
        local_key(file, tmp_path / "objects")


@pytest.mark.parametrize("length", [0, KEY_BYTES - 1, KEY_BYTES + 1])
def test_what_is_no_key_is_refused_and_kept(tmp_path: Path, length: int) -> None:
    file = tmp_path / "master.key"
    file.touch(0o600)
    file.write_bytes(b"k" * length)
    with pytest.raises(Misconfigured, match="backup"):
        local_key(file, tmp_path / "objects")
    assert file.read_bytes() == b"k" * length


def test_a_lost_key_is_not_replaced_while_there_are_objects(tmp_path: Path) -> None:
    (tmp_path / "objects" / "owner").mkdir(parents=True)
    with pytest.raises(Misconfigured, match="restore it from its backup"):
        local_key(tmp_path / "master.key", tmp_path / "objects")
    assert not (tmp_path / "master.key").exists()


def test_a_key_ring_that_does_not_exist_is_named(vault_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_KEYS_URL", "vault9://somewhere/secret-path")
    settings.cache_clear()
    with pytest.raises(Misconfigured, match="vault9") as refused:
        master_keyring()
    assert "secret-path" not in refused.value.message
