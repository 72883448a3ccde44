"""What is particular to objects in S3."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from uuid import uuid4

import pytest

from app.errors import Misconfigured, NotFound, StoreUnavailable
from app.vault import object_store
from app.vault.aws import address, client
from app.vault.objects import ObjectStore
from app.vault.s3 import PART, S3Store
from config.settings import settings
from scripts.stores.aws import BUCKET, REGION, Aws
from scripts.stores.server import free_port
from tests.aws_servers import answering

MIB = 2**20


def store_at(url: str) -> S3Store:
    return S3Store(address("ECHO_OBJECTS_URL", url, "s3"))


@pytest.fixture
def prefix() -> str:
    return f"vault/{uuid4()}"


@pytest.fixture
def store(aws_server: Aws, prefix: str) -> S3Store:
    return store_at(aws_server.objects_url(prefix=prefix))


def at(endpoint: str) -> S3Store:
    return store_at(f"s3://{BUCKET}/p?region={REGION}&endpoint={endpoint}")


def test_it_is_chosen_by_its_url(aws_server: Aws, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_OBJECTS_URL", aws_server.objects_url(prefix=prefix))
    settings.cache_clear()
    try:
        chosen: ObjectStore = object_store()
        chosen.put("o/p/a", [b"x"])
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    listed = aws_server.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
    assert [found["Key"] for found in listed] == [f"{prefix}/o/p/a"]


def test_large_objects_go_in_and_out_in_parts_and_bounded_memory(store: S3Store, aws_server: Aws, prefix: str) -> None:
    piece, count = os.urandom(MIB), 52
    store.put("o/p/warm", [b"x"])  # what the libraries keep is loaded by now
    tracemalloc.start()
    try:
        store.put("o/p/a", (piece for _ in range(count)))
        _, put_peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        with store.get("o/p/a") as source:
            matches = sum(source.read(MIB) == piece for _ in range(count))
            assert source.read(1) == b""
        _, get_peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert matches == count
    head = aws_server.client("s3").head_object(Bucket=BUCKET, Key=f"{prefix}/o/p/a", PartNumber=1)
    assert head["PartsCount"] == 7
    assert put_peak < 4 * PART
    assert get_peak < 8 * MIB


def test_every_read_is_full_until_the_end(store: S3Store) -> None:
    content = os.urandom(3 * MIB + 17)
    store.put("o/p/a", [content])
    with store.get("o/p/a") as source:
        pieces = [source.read(700_001) for _ in range(5)]
    assert [len(piece) for piece in pieces] == [700_001, 700_001, 700_001, 700_001, len(content) - 4 * 700_001]
    assert b"".join(pieces) == content


class Interrupted(BaseException):
    """As a signal would end it."""


@pytest.mark.parametrize("error", [ValueError, Interrupted, KeyboardInterrupt])
def test_a_put_that_breaks_off_between_parts_leaves_nothing(
    store: S3Store, aws_server: Aws, error: type[BaseException], prefix: str
) -> None:
    def pieces() -> Iterator[bytes]:
        yield bytes(3 * PART)
        assert len(open_uploads(aws_server, prefix)) == 1
        raise error

    with pytest.raises(error):
        store.put("o/p/a", pieces())
    assert list(store.list("o")) == []
    assert open_uploads(aws_server, prefix) == []


def open_uploads(server: Aws, prefix: str) -> list[str]:
    found = server.client("s3").list_multipart_uploads(Bucket=BUCKET, Prefix=prefix).get("Uploads", [])
    return [upload["UploadId"] for upload in found]


def test_a_process_that_dies_leaves_an_upload_that_nobody_sees_and_the_sweep_ends(
    store: S3Store, aws_server: Aws, prefix: str
) -> None:
    program = (
        "import os, sys; from app.vault.aws import address; from app.vault.s3 import PART, S3Store\n"
        "store = S3Store(address('X', sys.argv[1], 's3'))\n"
        "store.put('o/p/a', (os._exit(9) if i == 3 else bytes(PART) for i in range(4)))"
    )
    command = [sys.executable, "-c", program, aws_server.objects_url(prefix=prefix)]
    assert subprocess.run(command, check=False).returncode == 9
    assert list(store.list("o")) == []
    assert len(open_uploads(aws_server, prefix)) == 1
    neighbour = aws_server.client("s3").create_multipart_upload(Bucket=BUCKET, Key=f"{prefix}-other/a")
    assert store.sweep(60) == 1
    assert open_uploads(aws_server, prefix) == [neighbour["UploadId"]]
    assert store.sweep(60) == 0


def test_an_upload_of_now_is_not_swept() -> None:
    listing = b"""<?xml version="1.0" encoding="UTF-8"?>
    <ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>b</Bucket>
    <IsTruncated>false</IsTruncated><Upload><Key>p/o/p/a</Key><UploadId>u</UploadId>
    <Initiated>%s</Initiated></Upload></ListMultipartUploadsResult>"""
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - 10)).encode()
    with answering(200, listing % now, "application/xml") as endpoint:
        assert at(endpoint).sweep(60) == 0
        assert at(endpoint).sweep(5) == 1


def test_a_long_listing_comes_page_by_page(store: S3Store, aws_server: Aws, prefix: str) -> None:
    server = aws_server.client("s3")
    for number in range(1005):
        server.put_object(Bucket=BUCKET, Key=f"{prefix}/o/p/{number:04}", Body=b"")
    assert list(store.list("o")) == [f"o/p/{number:04}" for number in range(1005)]


def test_a_server_that_is_away_is_said_in_bounded_time() -> None:
    store = at(f"http://127.0.0.1:{free_port()}")
    for action in (
        lambda: store.put("o/p/a", [b"x"]),
        lambda: store.put("o/p/a", [bytes(2 * PART)]),
        lambda: store.get("o/p/a").__enter__(),
        lambda: store.delete("o/p/a"),
        lambda: list(store.list("o")),
        lambda: store.sweep(1),
    ):
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable, match="does not answer"):
            action()
        assert time.monotonic() - begun < 15


def test_a_server_that_goes_away_in_the_middle_is_said_and_nothing_is_seen_when_it_is_back(
    aws_server: Aws, prefix: str, store: S3Store
) -> None:
    half = b"half of it" * 100
    with (
        answering(200, half, "application/octet-stream", cut=True) as endpoint,
        at(endpoint).get("o/p/a") as source,
        pytest.raises(StoreUnavailable),
    ):
        source.read()
    with pytest.raises(StoreUnavailable):
        at(endpoint).put("o/p/a", [b"x"])
    assert list(store.list("o")) == []


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "AccessDenied", "s3:PutObject"),
        (403, "InvalidAccessKeyId", "credentials"),
        (404, "NoSuchBucket", "does not exist"),
        (409, "SomethingElse", "SomethingElse"),
    ],
)
def test_a_refusal_says_what_is_missing_and_nothing_of_the_answer(status: int, code: str, said: str) -> None:
    body = f"<Error><Code>{code}</Code><Message>the secret of anna</Message><Key>o/p/anna</Key></Error>"
    with (
        answering(status, body.encode(), "application/xml") as endpoint,
        pytest.raises(StoreUnavailable, match=said) as refused,
    ):
        at(endpoint).put("o/p/a", [b"x"])
    assert "anna" not in f"{refused.value.message} {refused.value.details}"
    assert "o/p" not in refused.value.message


def test_a_denied_reading_is_not_taken_for_a_missing_object() -> None:
    with answering(403, b"<Error><Code>AccessDenied</Code></Error>", "application/xml") as endpoint:
        with pytest.raises(StoreUnavailable, match="s3:GetObject"), at(endpoint).get("o/p/a"):
            pass
        with pytest.raises(StoreUnavailable, match="s3:GetObject"):
            at(endpoint).delete("o/p/a")
        with pytest.raises(StoreUnavailable, match="s3:ListBucket"):
            list(at(endpoint).list("o"))


def test_without_credentials_it_says_so(aws_server: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StoreUnavailable, match="credentials"):
        store_at(aws_server.objects_url(prefix=str(uuid4()), bucket="without")).put("o/p/a", [b"x"])


@pytest.mark.parametrize(
    "url",
    ["s3://", "s3:///prefix", "s3://AKIA:hidden@bucket/p", "s3://bucket?secret=hidden", "s3://bucket?regionhidden"],
)
def test_a_url_that_is_none_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(Misconfigured, match="ECHO_OBJECTS_URL") as refused:
        store_at(url)
    assert "hidden" not in refused.value.message


def test_a_bucket_without_prefix_is_one(aws_server: Aws) -> None:
    aws_server.client("s3").create_bucket(Bucket="whole", CreateBucketConfiguration={"LocationConstraint": REGION})
    store = store_at(aws_server.objects_url(bucket="whole", prefix=""))
    store.put("o/p/a", [b"x"])
    assert list(store.list("o")) == ["o/p/a"]
    assert store.delete("o/p/a")
    with pytest.raises(NotFound), store.get("o/p/a"):
        pass


def test_a_forked_child_has_a_client_of_its_own(store: S3Store) -> None:
    ours = client(store._where)
    assert client(store._where) is ours
    child = os.fork()
    if child == 0:
        os._exit(0 if client(store._where) is not ours else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
