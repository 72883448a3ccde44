"""The keys that wrap package keys: the port, and the chain of key rings that `ECHO_KEYS_URL` names.

`SdkKeyring` works over any key ring of the AWS Encryption SDK: a local key's (app/vault/localkey.py) and KMS's
(app/vault/kms.py). A wrapped key names in clear the key that wrapped it, so that several can be in use while
`echosphere keys rotate` goes from one to another.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from app.errors import Misconfigured
from app.vault.aws import address, tail
from app.vault.envelope import decrypted, encrypted, raw_aes_keyring
from app.vault.errors import VaultError
from app.vault.localkey import KEY_BYTES, UNNAMED, local_key, local_name, older_keys
from config.settings import settings

if TYPE_CHECKING:
    from aws_cryptographic_material_providers.mpl.references import IKeyring

__all__ = ["KEY_BYTES", "KeyChain", "KeyName", "Keyring", "SdkKeyring", "local_key", "master_keyring", "wrapped_by"]

#: What wrapped keys call the local key ring and KMS.
LOCAL, KMS = "echosphere.master", "aws-kms"


class Keyring(Protocol):
    """Wraps and unwraps data keys; `tests/contract/test_keyring.py` says what each must do."""

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        """The key as only this key ring opens it, bound to the context.

        Raises:
            StoreUnavailable: the key service does not answer, or its key is disabled or denied.
        """

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The key that `wrap` was given.

        Raises:
            VaultError: wrapped by another key, for another context, or changed.
            StoreUnavailable: the key service does not answer, or its key is disabled or denied.
        """


class KeyName(NamedTuple):
    """Which key wrapped something.

    Attributes:
        provider: `LOCAL` or `KMS`.
        key: `local_name` of a local key, or the ARN of a key of KMS.
    """

    provider: str
    key: str

    def __str__(self) -> str:
        """For people: the provider, and the tail of the key."""
        return f"{self.provider} {tail(self.key)}" if self.provider == KMS else self.key


def wrapped_by(wrapped: bytes) -> KeyName:
    """The key that wrapped this, read from its header; authentic only once it has been unwrapped.

    Raises:
        VaultError: it is no wrapped key.
    """
    from aws_encryption_sdk.internal.formatting.deserialize import (  # noqa: PLC0415 - as in envelope.py
        deserialize_header,
    )

    try:
        header, _ = deserialize_header(io.BytesIO(wrapped), max_encrypted_data_keys=1)
        (found,) = header.encrypted_data_keys
        provider, info = found.key_provider.provider_id, bytes(found.key_provider.key_info)
        # A raw key ring adds lengths and nonce: 4 + 4 + 12 bytes.
        return KeyName(provider, (info if provider == KMS else info[:-20]).decode())
    except Exception as error:
        raise VaultError("a package's wrapped key is damaged: restore its row from a backup") from error


class SdkKeyring:
    """`Keyring` over a key ring of the AWS Encryption SDK.

    Args:
        keyring: of the SDK; wraps the key of the message that holds the data key.
        key: what wrapped keys call its key.
    """

    def __init__(self, keyring: IKeyring, key: str = "") -> None:
        self._keyring = keyring
        self.key = key

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        """See `Keyring.wrap`."""
        return b"".join(encrypted(self._keyring, io.BytesIO(key), context))

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """See `Keyring.unwrap`."""
        return b"".join(decrypted(self._keyring, io.BytesIO(wrapped), context))


class LocalKeyring:
    """`Keyring` over local keys: the first wraps, each opens what it wrapped.

    Args:
        keys: the current one, and those before it.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.key = local_name(keys[0])
        self._named = {local_name(key): [_raw(local_name(key), key)] for key in keys}
        self._named[UNNAMED] = [_raw(UNNAMED, key) for key in keys]

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        """See `Keyring.wrap`."""
        return self._named[self.key][0].wrap(key, context)

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """See `Keyring.unwrap`."""
        refused = _unknown(name := wrapped_by(wrapped))
        for ring in self._named.get(name.key, ()):
            try:
                return ring.unwrap(wrapped, context)
            except VaultError as error:
                refused = error
        raise refused


def _raw(name: str, key: bytes) -> SdkKeyring:
    return SdkKeyring(raw_aes_keyring(LOCAL, name, key), name)


def _unknown(name: KeyName) -> VaultError:
    return VaultError(
        f"a package's key is wrapped by {name}, which is not at hand: name its key ring in ECHO_KEYS_URL after the "
        "current one, or restore the key from its backup"
    )


class KeyChain:
    """`Keyring` of all key rings in `ECHO_KEYS_URL`: the first wraps, and each opens what it wrapped.

    A key ring that is not the first is asked only for what names it: it may be away while the others work.

    Args:
        urls: in order.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self.urls = urls
        for url in urls:
            _provider(url)  # a typing error is found at once
        self.first = key_ring(urls[0])

    @property
    def name(self) -> KeyName:
        """Of the key that wraps."""
        return KeyName(_provider(self.urls[0]), self.first.key)

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        """See `Keyring.wrap`."""
        return self.first.wrap(key, context)

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """See `Keyring.unwrap`."""
        name = wrapped_by(wrapped)
        for url in self.urls:
            if _provider(url) == name.provider and (name.provider == LOCAL or key_ring(url).key == name.key):
                return key_ring(url).unwrap(wrapped, context)
        raise _unknown(name)


def urls() -> list[str]:
    """The key rings that `ECHO_KEYS_URL` names, the one that wraps first; "local:" is the local key."""
    return [part.strip() for part in settings().keys_url.split(",") if part.strip()] or ["local:"]


def master_keyring() -> KeyChain:
    """The key rings that `ECHO_KEYS_URL` names.

    Raises:
        Misconfigured: there is no such key ring, or its key cannot be used.
        StoreUnavailable: the key service does not answer, or its key is disabled or denied.
    """
    return KeyChain(urls())


def _provider(url: str) -> str:
    scheme = url.partition(":")[0]
    if scheme not in {"local", KMS}:
        raise Misconfigured(
            f"ECHO_KEYS_URL: no key ring is named {scheme!r}; leave it empty for a local key file, or aws-kms://key"
        )
    return LOCAL if scheme == "local" else KMS


def key_ring(url: str) -> LocalKeyring | SdkKeyring:
    """One key ring.

    Raises:
        Misconfigured: as of `master_keyring`.
        StoreUnavailable: as of `master_keyring`.
    """
    if _provider(url) == KMS:
        from app.vault.kms import keyring_of  # noqa: PLC0415 - it builds on this module

        return keyring_of(address("ECHO_KEYS_URL", url, "kms"))
    file, objects = settings().master_key_file, settings().objects_dir
    if not file.exists():
        local_key(file, objects)
    return _local(file, objects, _state(file))


def _state(file: Path) -> tuple[int, int]:
    """Another one after every rotation, so that a running process takes up the new key at once."""
    found = file.stat()
    return found.st_ino, found.st_mtime_ns


@lru_cache(maxsize=4)
def _local(file: Path, objects: Path, _state: tuple[int, int]) -> LocalKeyring:
    # In this order: a key that is replaced in between is then among the older ones.
    current = local_key(file, objects)
    return LocalKeyring([current, *older_keys(file).values()])
