"""What S3 and KMS have in common: their URLs, one client per process, and their errors in plain words.

Errors are translated by hooks of the client, so that they come out of every library that uses it (s3transfer, the
Encryption SDK) as ours. They name the permission that is missing, and nothing of what the service answered.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from app.errors import EchoError, Misconfigured, NotFound, StoreUnavailable

if TYPE_CHECKING:
    from botocore.model import OperationModel

#: Seconds to connect, seconds between two answers of a connection, and attempts in all.
CONNECT_S, READ_S, ATTEMPTS = 3, 30, 3

#: Permission by operation, where it is not "service:Operation".
_PERMISSIONS = {
    "HeadObject": "s3:GetObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "ListObjectsV2": "s3:ListBucket",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "Forbidden", "403"}
_NO_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
#: What is said of a key or a bucket in a state that lets nothing through.
_STATES = {
    "DisabledException": "is disabled: enable it",
    "KMSInvalidStateException": "is not enabled (pending deletion or import): cancel that, or restore it",
    "NotFoundException": "does not exist in this region: check ECHO_KEYS_URL",
    "NoSuchBucket": "does not exist: check ECHO_OBJECTS_URL",
    "PermanentRedirect": "is in another region: name it in ECHO_OBJECTS_URL (?region=)",
    "AuthorizationHeaderMalformed": "is in another region: name it in ECHO_OBJECTS_URL (?region=)",
}
#: For who asked to make sense of: the Encryption SDK says it of a wrapped key, `S3Store.sweep` of a finished upload.
_ANSWERS = {"InvalidCiphertextException", "IncorrectKeyException", "NoSuchUpload"}


@dataclass(frozen=True, slots=True)
class Address:
    """What a URL of a service names.

    Attributes:
        service: as boto3 calls it.
        name: of bucket or key, as in the URL.
        path: below the bucket; empty for a key.
        region: empty for boto3's own search (AWS_REGION, profile).
        endpoint: of another server than Amazon's; empty for boto3's own search (AWS_ENDPOINT_URL).
    """

    service: str
    name: str
    path: str = ""
    region: str = ""
    endpoint: str = ""

    @property
    def spoken(self) -> str:
        """How errors call it: a key by its tail alone."""
        return "the bucket" if self.service == "s3" else f"the key {tail(self.name)}"


def tail(key: str) -> str:
    """The end of a key's id, by which its owner knows it."""
    return f"…{key[-12:]}"


def address(variable: str, url: str, service: str) -> Address:
    """Read the URL of a setting: `scheme://name/path?region=…&endpoint=…`.

    Raises:
        Misconfigured: it names nothing, holds credentials, or has other parameters.
    """
    try:
        parts = urlsplit(url)
        found = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise Misconfigured(f"{variable} is no URL: write it as in docs/how-to, scheme://name?region=...") from None
    if "@" in parts.netloc:
        raise Misconfigured(f"{variable} must hold no credentials: set AWS_ACCESS_KEY_ID, or give the machine a role")
    if not parts.netloc:
        raise Misconfigured(f"{variable} names nothing after {parts.scheme}://")
    if unknown := sorted(found.keys() - {"region", "endpoint"}):
        raise Misconfigured(f"{variable} has unknown parameters ({', '.join(unknown)}); there are region and endpoint")
    name, path = unquote(parts.netloc), unquote(parts.path)
    if service == "kms":  # "arn:...:key/id" and "alias/name" hold a slash of their own
        name, path = name + path, ""
    return Address(service, name, path.strip("/"), found.get("region", ""), found.get("endpoint", ""))


def client(where: Address) -> Any:  # noqa: ANN401 - boto3 makes its clients' types at run time
    """This process's client; a forked child gets its own."""
    return _client(os.getpid(), where)


@cache
def _client(_pid: int, where: Address) -> Any:  # noqa: ANN401 - as above
    import boto3  # noqa: PLC0415 - half a second that only those who use it pay
    from botocore.config import Config  # noqa: PLC0415 - as above
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - as above

    config = Config(
        connect_timeout=CONNECT_S,
        read_timeout=READ_S,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        tcp_keepalive=True,
    )
    try:
        # A session of its own: boto3's shared one must not be used by two threads at once.
        made = boto3.session.Session().client(
            where.service, region_name=where.region or None, endpoint_url=where.endpoint or None, config=config
        )
    except (BotoCoreError, ValueError) as error:
        raise Misconfigured(
            f"{where.spoken} cannot be asked ({type(error).__name__}): check region and endpoint of its URL"
        ) from None

    def answered(*, parsed: dict[str, Any], model: OperationModel, **_: object) -> None:
        if (failed := _failed(where, parsed.get("Error", {}).get("Code", ""), model.name)) is not None:
            raise failed

    def unanswered(*, exception: Exception, **_: object) -> None:
        raise lost(where, exception) from exception

    made.meta.events.register(f"after-call.{where.service}", answered)
    made.meta.events.register(f"after-call-error.{where.service}", unanswered)
    return made


def _failed(where: Address, code: str, operation: str) -> EchoError | None:
    """What an answer's error code means; None where there is no error, or one that the caller knows better."""
    if not code or code in _ANSWERS:
        return None
    if where.service == "s3" and code in {"NoSuchKey", "404"}:
        return NotFound("no such object: it was erased, or never stored")
    if code in _DENIED:
        return StoreUnavailable(
            f"{where.spoken} refuses us: allow {permission(where.service, operation)} (deploy/aws); nothing was lost"
        )
    if code in _NO_CREDENTIALS:
        return StoreUnavailable(f"{where.spoken} does not know us: the credentials are wrong or have expired")
    if code in _STATES:
        return StoreUnavailable(f"{where.spoken} {_STATES[code]}")
    return StoreUnavailable(f"{where.spoken} does not answer as it should ({code}): try again")


def permission(service: str, operation: str) -> str:
    """What a policy must allow for an operation."""
    return _PERMISSIONS.get(operation, f"{service}:{operation}")


def lost(where: Address, error: Exception) -> StoreUnavailable:
    """What it means that no answer came."""
    kind = type(error).__name__
    if "Credential" in kind or "Token" in kind:
        return StoreUnavailable(
            f"there are no credentials for {where.spoken} ({kind}): set AWS_ACCESS_KEY_ID, or give the machine a role"
        )
    return StoreUnavailable(f"{where.spoken} does not answer ({kind}): is the network or the service away?")
