"""Signatures by which a receipt or a bundle of ours is known again: JWS (RFC 7515) with Ed25519 (RFC 8037)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.algorithms import OKPAlgorithm

from app.errors import InvalidInput, Misconfigured
from config.private import put_once
from config.settings import settings

_ALGORITHM = "EdDSA"


class Signer:
    """Signs JSON documents, and knows its own signatures again.

    Args:
        key: Ed25519.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def key_id(self) -> str:
        """Names the public key: the first 16 hexadecimal digits of its SHA-256."""
        raw = self._key.public_key().public_bytes_raw()
        digest = hashes.Hash(hashes.SHA256())
        digest.update(raw)
        return digest.finalize().hex()[:16]

    def public_jwk(self) -> dict[str, Any]:
        """The public key as JSON (RFC 7517), by which anybody can check."""
        return {
            **OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True),
            "kid": self.key_id,
            "use": "sig",
            "alg": _ALGORITHM,
        }

    def sign(self, document: dict[str, Any]) -> str:
        """The document with its signature, as a compact JWS."""
        return jwt.encode(document, self._key, algorithm=_ALGORITHM, headers={"kid": self.key_id})

    def verify(self, signed: str, jwk: dict[str, Any] | None = None) -> dict[str, Any]:
        """The document that was signed.

        Args:
            signed: compact JWS.
            jwk: public key of who signed; ours where it is not given.

        Raises:
            InvalidInput: changed, cut off, or signed by another key.
        """
        return verified(signed, self.public_jwk() if jwk is None else jwk)


def verified(signed: str, jwk: dict[str, Any]) -> dict[str, Any]:
    """What `Signer.sign` was given, checked with a public key.

    Raises:
        InvalidInput: changed, cut off, or signed by another key.
    """
    try:
        key = OKPAlgorithm.from_jwk(jwk)
        if not isinstance(key, Ed25519PublicKey):
            raise InvalidInput("the public key is no Ed25519 key")
        # Time and audience claims are no part of a receipt, so that none of them is looked at.
        found: dict[str, Any] = jwt.decode(
            signed,
            key,
            algorithms=[_ALGORITHM],
            options={"verify_exp": False, "verify_aud": False, "verify_iat": False},
        )
    except (jwt.PyJWTError, ValueError) as error:
        raise InvalidInput("the signature does not fit: the document was changed, or another key signed it") from error
    return found


def signer() -> Signer:
    """The signer of this installation: `ECHO_SIGNING_KEY` (PEM), or `<home>/signing.key`, made at first use.

    Raises:
        Misconfigured: it is no Ed25519 key.
    """
    return _signer(settings().signing_key.get_secret_value(), settings().home / "signing.key")


@cache
def _signer(pem: str, file: Path) -> Signer:
    try:
        key = serialization.load_pem_private_key(pem.encode() if pem else _kept(file), password=None)
    except ValueError:
        raise Misconfigured(
            "ECHO_SIGNING_KEY (or signing.key) is no PEM private key: restore it from a backup"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Misconfigured("ECHO_SIGNING_KEY must be an Ed25519 key: `openssl genpkey -algorithm ed25519`")
    return Signer(key)


def _kept(file: Path) -> bytes:
    """The key in the file, made where there is none; where another process was first, its key."""
    if not file.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        put_once(file, pem)
    return file.read_bytes()
