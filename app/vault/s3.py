"""Ciphertext in S3, or in anything that speaks its protocol."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO

from app.errors import NotFound
from app.vault.aws import Address, client, lost
from app.vault.objects import KEY

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from boto3.s3.transfer import TransferConfig

#: Bytes of one part: S3 takes no smaller ones than 5 MiB, and 10,000 of them, so that an object may have 78 GiB.
PART = 8 * 2**20
#: Bytes read from the network at once.
READ = 256 * 1024


class S3Store:
    """`ObjectStore` in a bucket; its folders are prefixes.

    Every part is sent with its SHA-256, which S3 checks. Objects of up to one part go in one request, larger ones as a
    multipart upload: in either case nothing is seen before the last byte has arrived.

    Args:
        where: the bucket, and the prefix of all keys.
    """

    def __init__(self, where: Address) -> None:
        self._where = where
        self._prefix = f"{where.path}/" if where.path else ""

    def _name(self, key: str) -> str:
        if not KEY.fullmatch(key):
            raise ValueError("not an object key")
        return self._prefix + key

    def _client(self) -> Any:  # noqa: ANN401 - boto3 makes its clients' types at run time
        return client(self._where)

    def put(self, key: str, pieces: Iterable[bytes]) -> None:
        """See `ObjectStore.put`."""
        name = self._name(key)
        self._client().upload_fileobj(
            _Source(pieces),
            self._where.name,
            name,
            ExtraArgs={"ChecksumAlgorithm": "SHA256"},
            Config=_one_part_at_a_time(),
        )

    @contextmanager
    def get(self, key: str) -> Iterator[BinaryIO]:
        """See `ObjectStore.get`."""
        found = self._client().get_object(Bucket=self._where.name, Key=self._name(key), ChecksumMode="ENABLED")
        with closing(found["Body"]) as body:
            yield io.BufferedReader(_Body(body, self._where), READ)

    def delete(self, key: str) -> bool:
        """See `ObjectStore.delete`."""
        which = {"Bucket": self._where.name, "Key": self._name(key)}
        try:
            self._client().head_object(**which)
        except NotFound:
            return False
        self._client().delete_object(**which)
        return True

    def list(self, prefix: str) -> Iterator[str]:
        """See `ObjectStore.list`; in the order of their bytes, page by page."""
        return self._listed(f"{self._name(prefix)}/")

    def _listed(self, prefix: str) -> Iterator[str]:
        pages = self._client().get_paginator("list_objects_v2").paginate(Bucket=self._where.name, Prefix=prefix)
        for page in pages:
            for found in page.get("Contents", ()):
                yield found["Key"].removeprefix(self._prefix)

    def sweep(self, older_than_s: float) -> int:
        """See `ObjectStore.sweep`; these are multipart uploads that nobody finished and nobody sees."""
        horizon = datetime.now(UTC) - timedelta(seconds=older_than_s)
        pages = self._client().get_paginator("list_multipart_uploads")
        begun = [
            upload
            for page in pages.paginate(Bucket=self._where.name, Prefix=self._prefix)
            for upload in page.get("Uploads", ())
            if upload["Initiated"] < horizon
        ]
        return sum(map(self._aborted, begun))

    def _aborted(self, upload: dict[str, Any]) -> bool:
        """End an upload; whether it was still there."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - the client is made by now

        try:
            self._client().abort_multipart_upload(
                Bucket=self._where.name, Key=upload["Key"], UploadId=upload["UploadId"]
            )
        except ClientError:  # the one that is left to us: NoSuchUpload
            return False
        return True


@cache
def _one_part_at_a_time() -> TransferConfig:
    """Without threads: a step has one part in memory, and no thread of it outlives a fork or a time limit."""
    from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - at first need, as the client

    return TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, use_threads=False)


class _Source:
    """Pieces of any sizes as a file that is read part by part."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = bytearray()

    def read(self, amount: int = PART) -> bytes:
        """That many bytes unless it ends; s3transfer says no amount only where it has seen the end already."""
        while len(self._rest) < amount and (piece := next(self._pieces, None)) is not None:
            self._rest += piece
        with memoryview(self._rest) as held:
            given = bytes(held[:amount])
        del self._rest[:amount]
        return given


class _Body(io.RawIOBase):
    """The body of an answer as a raw file, whose failures are a store that does not answer."""

    def __init__(self, body: Any, where: Address) -> None:  # noqa: ANN401 - botocore ships no types
        self._body, self._where = body, where

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - the client is made by now

        target = memoryview(buffer).cast("B")
        try:
            piece = self._body.read(len(target))
        except (BotoCoreError, OSError) as error:
            raise lost(self._where, error) from error
        target[: len(piece)] = piece
        return len(piece)
