"""Package keys wrapped by AWS KMS: the key that opens them never leaves the service."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache

from app.database import stable_id
from app.errors import StoreUnavailable
from app.vault.aws import Address, client, tail
from app.vault.envelope import kms_keyring
from app.vault.keyring import SdkKeyring


class KmsKeyring(SdkKeyring):
    """`Keyring` over one symmetric key of KMS.

    The context that KMS is told is written into the account's CloudTrail, where nobody can erase it: so it names the
    person by the id that also names their folder in the vault.

    Args:
        arn: of the key.
        where: whose client asks.
    """

    def __init__(self, arn: str, where: Address) -> None:
        super().__init__(kms_keyring(arn, client(where)), arn)

    def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        """See `Keyring.wrap`."""
        return super().wrap(key, _told(context))

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """See `Keyring.unwrap`."""
        return super().unwrap(wrapped, _told(context))


def _told(context: Mapping[str, str]) -> dict[str, str]:
    return {name: str(stable_id("vault", value)) if name == "user" else value for name, value in context.items()}


def keyring_of(where: Address) -> KmsKeyring:
    """The key ring over the key that an address names: by id, ARN or alias.

    An alias is looked up once in a process: after it was given another key, restart, and `echosphere keys rotate`.

    Raises:
        StoreUnavailable: KMS does not answer, refuses us, or the key is not enabled.
    """
    return _keyring(os.getpid(), where)


@cache
def _keyring(_pid: int, where: Address) -> KmsKeyring:
    # Wrapped keys name their key by its ARN, and the SDK opens them by that alone: an alias would wrap and never open.
    found = client(where).describe_key(KeyId=where.name)["KeyMetadata"]
    if found["KeyState"] != "Enabled":
        raise StoreUnavailable(f"the key {tail(found['Arn'])} is not enabled ({found['KeyState']}): enable it in KMS")
    return KmsKeyring(found["Arn"], where)
