"""Bearer tokens: who is calling and what they may do.

Either EchoSphere signs its own tokens with a secret (HS256), or it accepts those of an OIDC provider by the keys of its
JWKS address (RS256, ES256); never both, so that a public key can never pass for a secret (RFC 8725, section 2.1).
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import jwt

from app.errors import EchoError, InvalidInput, Misconfigured, StoreUnavailable
from config.private import put_once
from config.settings import settings

#: What a user's id may look like: the token's `sub`, opaque to us.
USER_ID = re.compile(r"[A-Za-z0-9._:@-]{1,128}", re.ASCII)
#: Bytes of the HS256 secret at least: as long as the digest (RFC 7518, section 3.2).
SECRET_BYTES = 32
#: Seconds that the clocks of issuer and receiver may differ.
LEEWAY_S = 10
#: Seconds that the OIDC provider has to hand out its keys.
JWKS_TIMEOUT_S = 3
_REQUIRED = ["exp", "iat", "sub", "iss", "aud"]


class Scope(StrEnum):
    """What a token may allow."""

    UPLOAD = "data:upload"  #: consents, uploads, packages, analyses
    READ = "persona:read_traits"
    MANAGE = "persona:manage_traits"  #: decisions, own traits, style preferences
    ADMIN = "admin"  #: operations; gives no sight of anybody's data


#: Scopes of a person over everything that is theirs.
OWN_SCOPES = (Scope.UPLOAD, Scope.READ, Scope.MANAGE)


class Unauthenticated(EchoError):
    """No token, or one that does not hold. HTTP 401."""

    status, code = 401, "unauthenticated"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling.

    Attributes:
        user_id: the token's `sub`.
        scopes: what the token allows.
    """

    user_id: str
    scopes: frozenset[str]


def prepare() -> None:
    """Check at start that tokens can be verified; makes the secret where there is none yet.

    Raises:
        Misconfigured: the secret is too short, or its file cannot be used.
    """
    if settings().jwt_jwks_url:
        _provider(settings().jwt_jwks_url)
    else:
        _own_secret()


def mint(user_id: str, scopes: Iterable[str], ttl_s: int) -> str:
    """A token of our own.

    Args:
        user_id: whose it is.
        scopes: values of `Scope`.
        ttl_s: seconds until it expires, one at least.

    Raises:
        InvalidInput: the user id, a scope or the time to live is wrong.
        Misconfigured: tokens come from an OIDC provider here.
    """
    if settings().jwt_jwks_url:
        raise Misconfigured("tokens come from the provider of ECHO_JWT_JWKS_URL: ask it, or unset the variable")
    if not USER_ID.fullmatch(user_id):
        raise InvalidInput("a user id is 1 to 128 of A-Z a-z 0-9 . _ : @ -", field="user")
    wanted = sorted(set(scopes))
    if unknown := set(wanted) - set(Scope):
        raise InvalidInput("unknown scope", field="scopes", unknown=len(unknown), allowed=[str(s) for s in Scope])
    if ttl_s < 1:
        raise InvalidInput("a token lives one second at least", field="ttl")
    now = int(time.time())
    claims = {
        "sub": user_id,
        "scope": " ".join(wanted),
        "iss": settings().jwt_issuer,
        "aud": settings().jwt_audience,
        "iat": now,
        "exp": now + ttl_s,
    }
    return jwt.encode(claims, _own_secret(), algorithm="HS256")


def check(token: str) -> Principal:
    """Who a token speaks for.

    Raises:
        Unauthenticated: it does not hold; the message says why, never what it says.
        StoreUnavailable: the OIDC provider's keys cannot be read.
    """
    try:
        claims = _claims(token)
    except jwt.PyJWKClientConnectionError as error:
        raise StoreUnavailable("the OIDC provider does not hand out its keys: try again") from error
    except jwt.ExpiredSignatureError as error:
        raise Unauthenticated("the token has expired: get a new one") from error
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise Unauthenticated(
            "the token does not hold: wrong signature, issuer or audience, or a required claim is missing",
            required=_REQUIRED,
        ) from error
    subject = claims["sub"]
    if not isinstance(subject, str) or not USER_ID.fullmatch(subject):
        raise Unauthenticated("the token's `sub` is no user id: 1 to 128 of A-Z a-z 0-9 . _ : @ -")
    return Principal(subject, _scopes(claims))


def _claims(token: str) -> dict[str, Any]:
    jwks = settings().jwt_jwks_url
    key = _provider(jwks).get_signing_key_from_jwt(token) if jwks else _own_secret()
    return jwt.decode(
        token,
        key,
        algorithms=["RS256", "ES256"] if jwks else ["HS256"],
        issuer=settings().jwt_issuer,
        audience=settings().jwt_audience,
        leeway=LEEWAY_S,
        options={"require": _REQUIRED, "enforce_minimum_key_length": True},
    )


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    """Scopes as a string (RFC 8693) or a list (some providers, there also called `scp`)."""
    said = claims.get("scope", claims.get("scp"))
    if isinstance(said, str):
        said = said.split()
    return frozenset(scope for scope in said if isinstance(scope, str)) if isinstance(said, list) else frozenset()


@cache
def _provider(url: str) -> jwt.PyJWKClient:
    try:
        return jwt.PyJWKClient(url, timeout=JWKS_TIMEOUT_S)
    except jwt.PyJWKClientError as error:
        raise Misconfigured("ECHO_JWT_JWKS_URL must be an http or https address") from error


def _own_secret() -> bytes:
    return _secret(settings().jwt_secret.get_secret_value(), settings().home / "jwt.secret")


@cache
def _secret(configured: str, file: Path) -> bytes:
    secret = configured.encode() or _from_file(file)
    if len(secret) < SECRET_BYTES:
        source = "ECHO_JWT_SECRET" if configured else str(file)
        raise Misconfigured(f"{source} has fewer than {SECRET_BYTES} bytes: `openssl rand -base64 32` makes a good one")
    return secret


def _from_file(file: Path) -> bytes:
    """The secret in its file, made where there is none; whoever comes second reads the first one's."""
    try:
        if not file.exists():
            put_once(file, secrets.token_urlsafe(SECRET_BYTES).encode())
        return file.read_bytes().strip()
    except OSError as error:
        raise Misconfigured(f"{file} cannot be read or made: check its owner, or set ECHO_JWT_SECRET") from error
