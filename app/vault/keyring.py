"""The key that wraps package keys: the port, and the local key file.

`SdkKeyring` works over any key ring of the SDK, so that a cloud's (`create_aws_kms_keyring`) is one more function like
`_local`.
"""

from __future__ import annotations

import io
import os
import secrets
import stat
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from app.errors import Misconfigured
from app.vault.envelope import decrypted, encrypted, raw_aes_keyring
from config.settings import settings

if TYPE_CHECKING:
    from aws_cryptographic_material_providers.mpl.references import IKeyring

#: Bytes of every key.
KEY_BYTES = 32


class Keyring(Protocol):
    """Wraps and unwraps data keys; `tests/contract/test_keyring.py` says what each must do."""

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        """The key as only this key ring opens it, bound to the context.

        Raises:
            StoreUnavailable: the key service does not answer.
        """

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The key that `wrap` was given.

        Raises:
            VaultError: wrapped by another key, for another context, or changed.
            StoreUnavailable: the key service does not answer.
        """


class SdkKeyring:
    """`Keyring` over a key ring of the AWS Encryption SDK.

    Args:
        keyring: of the SDK; wraps the key of the message that holds the data key.
    """

    def __init__(self, keyring: IKeyring) -> None:
        self._keyring = keyring

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        """See `Keyring.wrap`."""
        return b"".join(encrypted(self._keyring, io.BytesIO(key), context))

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """See `Keyring.unwrap`."""
        return b"".join(decrypted(self._keyring, io.BytesIO(wrapped), context))


def master_keyring() -> Keyring:
    """The key ring that `ECHO_KEYS_URL` names.

    Raises:
        Misconfigured: there is no such key ring, or its key cannot be used.
    """
    url = settings().keys_url
    if url:
        scheme = url.partition("://")[0]
        raise Misconfigured(f"ECHO_KEYS_URL: no key ring is named {scheme!r}; leave it empty for a local key file")
    return _local(settings().master_key_file, settings().objects_dir)


@cache
def _local(file: Path, objects: Path) -> SdkKeyring:
    return SdkKeyring(raw_aes_keyring("echosphere.master", "local", local_key(file, objects)))


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
    _make(file)
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


def _make(file: Path) -> None:
    """Put a new key there, whole or not at all; where another process was first, its key stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as sink:
        sink.write(secrets.token_bytes(KEY_BYTES))
        sink.flush()
        os.fsync(sink.fileno())
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
