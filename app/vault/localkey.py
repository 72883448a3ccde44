"""The local master key: a file that only its owner may read, and those that it replaced.

`master.key` wraps. After `echosphere keys rotate` the ones before it are `master.key.1`, `master.key.2` and so on: they
open what they wrapped until nothing is left that they did.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import stat
from pathlib import Path

from app.errors import Misconfigured
from config.private import draft, put_once

#: Bytes of every key.
KEY_BYTES = 32
#: Name of a local key in what was wrapped before keys had names of their own.
UNNAMED = "local"


def local_name(key: bytes) -> str:
    """What wrapped keys call the local key that wrapped them; it tells nothing of 32 random bytes."""
    return f"{UNNAMED}.{hashlib.sha256(b'echosphere.master' + key).hexdigest()[:12]}"


def older_files(file: Path) -> list[Path]:
    """The keys that were there before, the latest first."""
    found = [path for path in file.parent.glob(f"{file.name}.*") if path.suffix[1:].isdecimal()]
    return sorted(found, key=lambda path: int(path.suffix[1:]), reverse=True)


def older_keys(file: Path) -> dict[Path, bytes]:
    """What they hold.

    Raises:
        Misconfigured: as of `local_key`.
    """
    found = {}
    for path in older_files(file):
        try:
            found[path] = _read(path)
        except FileNotFoundError:  # retired at this moment: nothing is wrapped by it any more
            continue
    return found


def renew(file: Path, replacing: str) -> None:
    """Put a new key in the file's place and keep the one that was there; nothing where it was replaced already.

    Whenever this ends, a key that wrapped something is in one of the files.

    Args:
        file: of the current key.
        replacing: what the key to be replaced is called, by `local_name`.
    """
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        old = _read(file)
        if local_name(old) != replacing:
            return
        known = older_keys(file)
        if old not in known.values():  # else an earlier try ended between the two steps
            number = 1 + max((int(path.suffix[1:]) for path in known), default=0)
            os.link(file, file.with_name(f"{file.name}.{number}"))
            os.fsync(folder)
        draft(file, secrets.token_bytes(KEY_BYTES)).replace(file)
        os.fsync(folder)
    finally:
        os.close(folder)


def local_key(file: Path, objects: Path) -> bytes:
    """The key in the file, made at first use, but never while there are objects that another key wrapped.

    Args:
        file: 32 bytes, readable by its owner alone.
        objects: folder of the object store.

    Raises:
        Misconfigured: others may read it, it is no key, or it is gone while objects are there.
    """
    try:
        return _read(file)
    except FileNotFoundError:
        pass
    if objects.is_dir() and any(objects.iterdir()) and not file.exists():
        raise Misconfigured(
            f"{file.name} is missing, but there are objects encrypted under it: restore it from its backup (a new key "
            "could not open them), or remove the folder `objects` together with the database"
        )
    put_once(file, secrets.token_bytes(KEY_BYTES))
    return _read(file)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            mode = os.fstat(source.fileno()).st_mode
            key = source.read(KEY_BYTES + 1)
    except PermissionError:
        raise Misconfigured(f"{file.name} belongs to another account: start EchoSphere as its owner") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Misconfigured(
            f"other accounts may read {file.name}: `chmod 600` it, and consider whether the key is known"
        )
    if len(key) != KEY_BYTES:
        raise Misconfigured(f"{file.name} does not hold {KEY_BYTES} bytes: restore it from its backup")
    return key
