"""One package's part of the vault: its data key and its encrypted objects."""

from __future__ import annotations

import hashlib
import io
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from app.database import stable_id
from app.errors import NotFound
from app.vault.cache import ShortCache
from app.vault.envelope import FRAME, decrypted, encrypted, raw_aes_keyring
from app.vault.errors import VaultError
from app.vault.keyring import KEY_BYTES, master_keyring
from app.vault.objects import object_store

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from aws_cryptographic_material_providers.mpl.references import IKeyring

#: Seconds that an unwrapped key is kept: a run's steps share one unwrapping, and a destroyed key is forgotten in time.
KEY_TTL_S = 60.0
#: Unwrapped keys kept by one process.
KEYS_KEPT = 256
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")


class Stored(NamedTuple):
    """What `PackageVault.put_stream` stored.

    Attributes:
        object_key: where it is.
        size: bytes of the plaintext.
        sha256: of the plaintext, hexadecimal.
    """

    object_key: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PackageVault:
    """Reads and writes one package's objects under its own data key.

    Every object is bound to its person, package and name: moved, exchanged or renamed it does not open.

    Attributes:
        user_id: whose.
        package_id: which.
        wrapped_key: the data key as only the master key ring opens it; kept in `package_keys`, and destroyed to erase.
    """

    user_id: str
    package_id: UUID
    wrapped_key: bytes = field(repr=False)
    _keyring: IKeyring = field(repr=False, compare=False)

    def put(self, name: str, data: bytes) -> str:
        """Encrypt and store; an object of that name is replaced.

        Returns:
            The object's key.

        Raises:
            StoreUnavailable: the store does not answer; what was there before stays.
        """
        return self.put_stream(name, iter([data])).object_key

    def put_stream(self, name: str, chunks: Iterator[bytes]) -> Stored:
        """Encrypt and store what comes, in bounded memory; the plaintext is never on disk.

        The object appears only when it is whole. An error raised by `chunks` passes through and leaves nothing behind.

        Args:
            name: lower-case letters, digits, `.`, `_` and `-`.
            chunks: of any sizes.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        key = self._key(name)
        source = _Source(chunks)
        object_store().put(key, encrypted(self._keyring, io.BufferedReader(source, FRAME), self._context(name)))
        return Stored(key, source.size, source.sha256.hexdigest())

    def get(self, object_key: str) -> bytes:
        """The whole plaintext, verified to its end.

        Raises:
            NotFound: this package has no such object.
            VaultError: it cannot be opened; nothing of it is released.
            StoreUnavailable: the store does not answer.
        """
        return b"".join(self.stream(object_key))

    def named(self, name: str) -> bytes:
        """The plaintext of the object that was `put` under that name; raises as `get` does."""
        return self.get(self._key(name))

    def stream(self, object_key: str) -> Iterator[bytes]:
        """The plaintext, frame by frame, each verified before it is handed out.

        Raises:
            NotFound: this package has no such object.
            VaultError: it cannot be opened, or was cut off (frames before the cut have been handed out then).
            StoreUnavailable: the store does not answer.
        """
        name = object_key.rpartition("/")[2]
        if not NAME.fullmatch(name) or object_key != self._key(name):
            raise NotFound("no such object in this package")
        with object_store().get(object_key) as source:
            yield from decrypted(self._keyring, source, self._context(name))

    def _key(self, name: str) -> str:
        if not NAME.fullmatch(name):
            raise ValueError("an object's name is lower-case letters, digits, `.`, `_` and `-`, 128 at most")
        return f"{_folder(self.user_id, self.package_id)}/{name}"

    def _context(self, name: str) -> dict[str, str]:
        return {**package_context(self.user_id, self.package_id), "object": name}


class _Source(io.RawIOBase):
    """An iterator of chunks as a file, measured as it is read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")
        self.size = 0
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
            self.size += len(chunk)
            self.sha256.update(chunk)
        target = memoryview(buffer).cast("B")
        length = min(len(target), len(self._rest))
        target[:length] = self._rest[:length]
        self._rest = self._rest[length:]
        return length


def _folder(user_id: str, package_id: UUID) -> str:
    """Where a package's objects are. The person is an id made from theirs, since theirs may be an address."""
    return f"{stable_id('vault', user_id)}/{package_id}"


def package_context(user_id: str, package_id: UUID) -> dict[str, str]:
    """What a package's wrapped key is bound to."""
    return {"user": user_id, "package": str(package_id)}


def _vault(user_id: str, package_id: UUID, wrapped_key: bytes, key: bytes) -> PackageVault:
    return PackageVault(user_id, package_id, wrapped_key, raw_aes_keyring("echosphere.package", str(package_id), key))


@cache
def _opened() -> ShortCache[PackageVault]:
    """Packages whose keys this process holds."""
    return ShortCache(KEY_TTL_S, KEYS_KEPT)


def new_package(user_id: str, package_id: UUID) -> PackageVault:
    """A package with a fresh random data key; store `wrapped_key` in the transaction that stores the package.

    Raises:
        Misconfigured: the master key cannot be used.
        StoreUnavailable: the key service does not answer.
    """
    key = secrets.token_bytes(KEY_BYTES)
    return _vault(user_id, package_id, master_keyring().wrap(key, package_context(user_id, package_id)), key)


def open_package(user_id: str, package_id: UUID, wrapped_key: bytes) -> PackageVault:
    """The package again.

    Raises:
        VaultError: the wrapped key is not this package's, or was changed.
        Misconfigured: the master key cannot be used.
        StoreUnavailable: the key service does not answer.
    """
    known = (user_id, package_id, wrapped_key)
    vault = _opened().get(known)
    if vault is None:
        key = master_keyring().unwrap(wrapped_key, package_context(user_id, package_id))
        if len(key) != KEY_BYTES:
            raise VaultError("a package's key has the wrong length: restore its row from a backup")
        vault = _vault(user_id, package_id, wrapped_key, key)
        _opened().put(known, vault)
    return vault


def delete_objects(user_id: str, package_id: UUID) -> int:
    """Remove all objects of a package and forget its key in this process; how many there were.

    Destroy the package's row in `package_keys` first: from then on, copies of the objects in backups are unreadable
    too. Other processes forget the key within `KEY_TTL_S`.

    Raises:
        StoreUnavailable: the store does not answer; repeat it.
    """
    _opened().drop(lambda known: isinstance(known, tuple) and known[:2] == (user_id, package_id))
    return sum(object_store().delete(key) for key in objects_of(user_id, package_id))


def delete_object(user_id: str, package_id: UUID, name: str) -> bool:
    """Remove the object that was `put` under that name; whether there was one. No key is needed.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    return object_store().delete(f"{_folder(user_id, package_id)}/{name}")


def objects_of(user_id: str, package_id: UUID) -> list[str]:
    """Keys of all objects of a package.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    return [*object_store().list(_folder(user_id, package_id))]
