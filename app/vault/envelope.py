"""Encryption and decryption of one message with the AWS Encryption SDK, in bounded memory.

Suite AES_256_GCM_HKDF_SHA512_COMMIT_KEY: authenticated, committed to one key, without a signature (who may write here
holds the key anyway, and a signature would cost more than the encryption). Messages are framed: every frame carries its
own tag and number, and the SDK hands out a frame's plaintext only after that tag was verified, the last frame being
marked as the last. So what comes out of `decrypted` is authentic at every moment; that it is whole is known when the
iteration ends without an error.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from app.errors import EchoError
from app.vault.errors import VaultError

if TYPE_CHECKING:
    from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
    from aws_cryptographic_material_providers.mpl.references import IKeyring
    from aws_encryption_sdk import EncryptionSDKClient
    from aws_encryption_sdk.identifiers import Algorithm

#: Plaintext bytes of one frame: of 4, 64, 256 and 1024 KiB the fastest to stream (5 MB in 3 ms), and small in memory.
FRAME = 256 * 1024

_importing = threading.Lock()


class _Sdk(NamedTuple):
    """What we use of the SDK and of its library of key rings."""

    client: EncryptionSDKClient
    suites: type[Algorithm]
    providers: AwsCryptographicMaterialProviders
    models: ModuleType


@cache
def _sdk() -> _Sdk:
    """Load the SDK: at first need, since it takes 0.4 s, and by one thread, since its modules import each other."""
    with _importing:
        from aws_cryptographic_material_providers.mpl import (  # noqa: PLC0415 - at first need, as said
            AwsCryptographicMaterialProviders,
            config,
            models,
        )
        from aws_encryption_sdk import EncryptionSDKClient  # noqa: PLC0415 - as above
        from aws_encryption_sdk.identifiers import Algorithm  # noqa: PLC0415 - as above

        providers = AwsCryptographicMaterialProviders(config=config.MaterialProvidersConfig())
        return _Sdk(EncryptionSDKClient(max_encrypted_data_keys=1), Algorithm, providers, models)


def raw_aes_keyring(namespace: str, name: str, key: bytes) -> IKeyring:
    """A key ring over 32 bytes of our own; a message names its namespace and name, and no other opens it."""
    sdk = _sdk()
    return sdk.providers.create_raw_aes_keyring(
        input=sdk.models.CreateRawAesKeyringInput(
            key_namespace=namespace,
            key_name=name,
            wrapping_key=key,
            wrapping_alg=sdk.models.AesWrappingAlg.ALG_AES256_GCM_IV12_TAG16,
        )
    )


def kms_keyring(arn: str, client: object) -> IKeyring:
    """A key ring over a key of AWS KMS; a message names its ARN, and no other opens it.

    Args:
        arn: of a symmetric key.
        client: boto3's, whose errors pass through where they are ours.
    """
    sdk = _sdk()
    return sdk.providers.create_aws_kms_keyring(
        input=sdk.models.CreateAwsKmsKeyringInput(kms_key_id=arn, kms_client=client)
    )


def encrypted(keyring: IKeyring, source: BinaryIO, context: Mapping[str, str]) -> Iterator[bytes]:
    """The message that holds what `source` reads, piece by piece; errors of `source` pass through.

    Args:
        keyring: wraps the message's own key.
        source: plaintext; `read(n)` must give n bytes unless it ends.
        context: stored in clear and authenticated with every frame.
    """
    sdk = _sdk()
    stream = sdk.client.stream(
        mode="e",
        source=source,
        keyring=keyring,
        algorithm=sdk.suites.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
        encryption_context=dict(context),
        frame_length=FRAME,
    )
    while piece := stream.read(FRAME):
        yield piece


def decrypted(keyring: IKeyring, source: BinaryIO, context: Mapping[str, str]) -> Iterator[bytes]:
    """What a message holds, verified frame by verified frame.

    Args:
        keyring: must unwrap the message's key.
        source: the message.
        context: must equal what the message was encrypted with.

    Raises:
        VaultError: wrong key or context, changed or cut off; fails closed, possibly after earlier frames.
    """
    # `decrypt-unsigned` refuses signed messages: the signature comes last, after their frames have been released.
    stream = _sdk().client.stream(
        mode="decrypt-unsigned", source=source, keyring=keyring, encryption_context=dict(context)
    )
    try:
        _require(context, stream.header.encryption_context)
        while piece := stream.read(FRAME):
            yield piece
    except (EchoError, OSError, MemoryError):
        raise
    except Exception as error:
        raise _refused() from error
    finally:
        # Not `stream.close()`, which complains into the log about every message that was not read to its end.
        io.IOBase.close(stream)


def _require(expected: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Refuse any other context: the SDK compares only the pairs that a message has, and lets one with fewer pass."""
    if dict(expected) != dict(found):
        raise _refused()


def _refused() -> VaultError:
    return VaultError(
        "a stored object cannot be opened: it was changed, cut off or swapped, or its key is not ours; restore it from "
        "a backup, together with the key it was written under"
    )
