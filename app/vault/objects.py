"""Where ciphertext lies: the port, and the store of files (app/vault/s3.py has the one of buckets).

Keys are paths of ids ("owner/package/name"): no name, address or title of anybody's is ever part of one.
"""

from __future__ import annotations

import fcntl
import io
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import uuid4

from app.errors import Misconfigured, NotFound, StoreUnavailable
from config.settings import settings

#: One to four parts, none of which can leave its folder.
KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}(/[a-z0-9][a-z0-9._-]{0,127}){0,3}")


class ObjectStore(Protocol):
    """Objects by key; `tests/contract/test_object_store.py` says what each store must do.

    Every method raises `StoreUnavailable` where the store does not answer, and `ValueError` for what is no key.
    """

    def put(self, key: str, pieces: Iterable[bytes]) -> None:
        """Store an object, or replace it: seen whole or not at all, and durable on return.

        An error that `pieces` raises passes through; whatever was there before stays.
        """

    def get(self, key: str) -> AbstractContextManager[BinaryIO]:
        """The object's bytes, to be read piece by piece.

        Raises:
            NotFound: there is no such object.
        """

    def delete(self, key: str) -> bool:
        """Remove an object; whether there was one."""

    def list(self, prefix: str) -> Iterator[str]:
        """Keys below "prefix/", in order."""

    def sweep(self, older_than_s: float) -> int:
        """Remove what interrupted `put`s left behind longer ago than that; how many there were."""


def object_store() -> ObjectStore:
    """The store that `ECHO_OBJECTS_URL` names.

    Raises:
        Misconfigured: there is no such store.
    """
    url = settings().objects_url
    if not url:
        return FileStore(settings().objects_dir)
    scheme = url.partition("://")[0]
    if scheme != "s3":
        raise Misconfigured(
            f"ECHO_OBJECTS_URL: no object store is named {scheme!r}; leave it empty for encrypted files, or s3://bucket"
        )
    from app.vault.aws import address  # noqa: PLC0415 - only who has a bucket needs it
    from app.vault.s3 import S3Store  # noqa: PLC0415 - as above

    return S3Store(address("ECHO_OBJECTS_URL", url, "s3"))


class FileStore:
    """`ObjectStore` in a folder that only its owner may enter.

    Args:
        root: made when it is first written to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        #: On the same file system, so that a finished object is moved into place by one rename.
        self._drafts = root / ".drafts"

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise ValueError("not an object key")
        return self._root / key

    def put(self, key: str, pieces: Iterable[bytes]) -> None:
        """See `ObjectStore.put`."""
        path = self._path(key)
        with _answering():
            _folder(self._drafts)
            draft = self._drafts / uuid4().hex
            descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as sink:
                for piece in pieces:
                    with _answering():
                        _write(sink, piece)
                with _answering():
                    os.fsync(sink.fileno())
            with _answering(), _held(self._root, fcntl.LOCK_SH):
                _folder(path.parent)
                draft.replace(path)
                _sync(path.parent)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    @contextmanager
    def get(self, key: str) -> Iterator[BinaryIO]:
        """See `ObjectStore.get`."""
        path = self._path(key)
        with _answering():
            try:
                source = path.open("rb")
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                raise NotFound("no such object: it was erased, or never stored") from None
        with source, _answering():
            yield source

    def delete(self, key: str) -> bool:
        """See `ObjectStore.delete`."""
        path = self._path(key)
        with _answering():
            try:
                path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                return False
            _sync(path.parent)
            # Without the lock, a neighbour's object could lose the folder it is just moving into.
            with _held(self._root, fcntl.LOCK_EX), suppress(OSError):  # the first folder that is not empty ends it
                for folder in [parent for parent in path.parents if self._root in parent.parents]:
                    folder.rmdir()
        return True

    def list(self, prefix: str) -> Iterator[str]:
        """See `ObjectStore.list`."""
        base = self._path(prefix)
        with _answering():
            found = sorted(path for path in base.rglob("*") if path.is_file())
        return iter([path.relative_to(self._root).as_posix() for path in found])

    def sweep(self, older_than_s: float) -> int:
        """See `ObjectStore.sweep`."""
        horizon = time.time() - older_than_s
        removed = 0
        with _answering():
            for draft in list(self._drafts.iterdir()) if self._drafts.is_dir() else []:
                with suppress(FileNotFoundError):
                    if draft.stat().st_mtime < horizon:
                        draft.unlink()
                        removed += 1
        return removed


@contextmanager
def _answering() -> Iterator[None]:
    """Say of any failure of the disk what it means, and nothing about what was being written."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(
            f"the object store does not answer ({os.strerror(error.errno or 0)}): is the disk full, read-only or gone?"
        ) from error


def _write(sink: io.FileIO, piece: bytes) -> None:
    """Write all of it: without a buffer, whose rest would be tried again on closing and hide the first error."""
    rest = memoryview(piece)
    while rest:
        rest = rest[sink.write(rest) :]


def _folder(folder: Path) -> None:
    """Make a folder and those above it, durably."""
    if folder.is_dir():
        return
    _folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    _sync(folder.parent)


@contextmanager
def _held(root: Path, how: int) -> Iterator[None]:
    """Lock the store's folders: shared while an object moves in, exclusive while empty ones are removed."""
    descriptor = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _sync(folder: Path) -> None:
    """Make a change of a folder's entries durable; a folder that is gone has none."""
    with suppress(FileNotFoundError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
