"""What is particular to the store of files."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import Misconfigured, StoreUnavailable
from app.vault.objects import FileStore, object_store
from config.settings import settings


def test_folders_and_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    root = tmp_path / "objects"
    FileStore(root).put("owner/package/name", [b"x"])
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [root, *root.rglob("*")] if path.is_dir()}
    assert modes == {0o700}
    assert stat.S_IMODE((root / "owner/package/name").stat().st_mode) == 0o600


def test_the_last_object_takes_its_folders_with_it(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "objects")
    store.put("owner/one/a", [b"x"])
    store.put("owner/two/a", [b"x"])
    store.delete("owner/one/a")
    assert not (tmp_path / "objects/owner/one").exists()
    assert (tmp_path / "objects/owner/two/a").exists()


def test_a_process_that_dies_in_the_middle_leaves_a_draft_that_nobody_sees_and_the_sweep_removes(
    tmp_path: Path,
) -> None:
    program = (
        "import os, sys; from pathlib import Path; from app.vault.objects import FileStore\n"
        "FileStore(Path(sys.argv[1])).put('owner/package/a', (os._exit(9) if i else b'x' for i in range(2)))"
    )
    root = tmp_path / "objects"
    assert subprocess.run([sys.executable, "-c", program, str(root)], check=False).returncode == 9
    store = FileStore(root)
    assert list(store.list("owner")) == []
    assert store.sweep(3600) == 0
    assert store.sweep(-1) == 1
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    # The limit on the size of a file fails a write just as a full disk does.
    program = (
        "import resource, sys; from pathlib import Path; from app.errors import StoreUnavailable\n"
        "from app.vault.objects import FileStore\n"
        "store = FileStore(Path(sys.argv[1])); store.put('o/p/a', [b'old'])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: store.put('o/p/a', [b'new'] * 100000)\n"
        "except StoreUnavailable as error: print(error.message)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], check=True, capture_output=True, text=True
    ).stdout
    assert "disk full" in said
    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [b"old"]


def test_a_root_that_is_no_folder_is_a_store_that_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "objects").write_bytes(b"")
    store = FileStore(tmp_path / "objects" / "below")
    with pytest.raises(StoreUnavailable):
        store.put("owner/package/a", [b"x"])


def test_a_store_that_does_not_exist_is_named(vault_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_OBJECTS_URL", "gopher://bucket")
    settings.cache_clear()
    with pytest.raises(Misconfigured, match="gopher"):
        object_store()
