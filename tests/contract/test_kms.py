"""What is particular to keys in KMS."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from uuid import uuid4

import pytest

from app.database import stable_id
from app.errors import Misconfigured, StoreUnavailable
from app.vault import VaultError
from app.vault.aws import Address, address, client
from app.vault.keyring import KMS, KeyChain, wrapped_by
from app.vault.kms import KmsKeyring, keyring_of
from scripts.stores.aws import REGION, Aws
from scripts.stores.server import free_port
from tests.aws_servers import answering

KEY = bytes(range(32))
CONTEXT = {"user": "anna@example.org", "package": "1"}
ARN = f"arn:aws:kms:{REGION}:123456789012:key/00000000-0000-4000-8000-0123456789ab"


def where(server: Aws, key: str) -> Address:
    return address("ECHO_KEYS_URL", server.keys_url(key), "kms")


def test_a_wrapped_key_names_the_key_behind_an_alias(aws_server: Aws) -> None:
    arn = aws_server.new_key(alias := f"alias/{uuid4()}")
    ring = keyring_of(where(aws_server, alias))
    wrapped = ring.wrap(KEY, CONTEXT)
    assert wrapped_by(wrapped) == (KMS, arn)
    assert keyring_of(where(aws_server, arn)).unwrap(wrapped, CONTEXT) == KEY
    assert ring.unwrap(wrapped, CONTEXT) == KEY


def test_kms_is_told_no_name_of_the_person(aws_server: Aws) -> None:
    ring = keyring_of(where(aws_server, aws_server.new_key()))
    asked: list[str] = []
    kms = client(where(aws_server, wrapped_by(ring.wrap(KEY, CONTEXT)).key))

    def heard(*, params: dict[str, object], **_: object) -> None:
        asked.append(str(params["body"]))

    kms.meta.events.register("before-call.kms", heard)
    own = KmsKeyring(ring.key, where(aws_server, ring.key))
    wrapped = own.wrap(KEY, CONTEXT)
    assert own.unwrap(wrapped, CONTEXT) == KEY
    assert len(asked) == 2
    assert all(str(stable_id("vault", CONTEXT["user"])) in body for body in asked)
    assert not any("anna" in body for body in asked)
    assert b"anna" not in wrapped


def test_a_disabled_key_is_refused_at_the_start(aws_server: Aws) -> None:
    arn = aws_server.new_key()
    aws_server.client("kms").disable_key(KeyId=arn.rpartition("/")[2])
    with pytest.raises(StoreUnavailable, match="not enabled") as refused:
        keyring_of(where(aws_server, arn))
    assert arn[-12:] in refused.value.message
    assert arn not in refused.value.message


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("DisabledException", "disabled"),
        ("KMSInvalidStateException", "not enabled"),
        ("AccessDeniedException", r"allow kms:(GenerateDataKey|Decrypt)"),
        ("NotFoundException", "does not exist"),
        ("ExpiredTokenException", "credentials"),
    ],
)
def test_a_key_that_lets_nothing_through_fails_closed_and_says_why(aws_server: Aws, code: str, said: str) -> None:
    wrapped = keyring_of(where(aws_server, aws_server.new_key())).wrap(KEY, CONTEXT)
    arn = wrapped_by(wrapped).key
    answer = json.dumps({"__type": code, "message": f"{arn} of anna"}).encode()
    with answering(400, answer, "application/x-amz-json-1.1") as endpoint:
        ring = KmsKeyring(arn, Address("kms", arn, region=REGION, endpoint=endpoint))
        actions: list[Callable[[], bytes]] = [lambda: ring.wrap(KEY, CONTEXT), lambda: ring.unwrap(wrapped, CONTEXT)]
        for action in actions:
            with pytest.raises(StoreUnavailable, match=said) as refused:
                action()
            assert arn not in refused.value.message
            assert "anna" not in refused.value.message


def test_what_kms_calls_invalid_is_a_vault_error(aws_server: Aws) -> None:
    wrapped = keyring_of(where(aws_server, aws_server.new_key())).wrap(KEY, CONTEXT)
    arn = wrapped_by(wrapped).key
    answer = json.dumps({"__type": "InvalidCiphertextException"}).encode()
    with answering(400, answer, "application/x-amz-json-1.1") as endpoint:
        ring = KmsKeyring(arn, Address("kms", arn, region=REGION, endpoint=endpoint))
        with pytest.raises(VaultError):
            ring.unwrap(wrapped, CONTEXT)


def test_a_key_that_the_fleet_does_not_name_is_said_by_its_tail(aws_server: Aws) -> None:
    other = keyring_of(where(aws_server, aws_server.new_key())).wrap(KEY, CONTEXT)
    chain = KeyChain([aws_server.keys_url(aws_server.new_key())])
    with pytest.raises(VaultError, match="ECHO_KEYS_URL") as refused:
        chain.unwrap(other, CONTEXT)
    assert wrapped_by(other).key[-12:] in refused.value.message
    assert wrapped_by(other).key not in refused.value.message


def test_what_the_second_key_ring_wrapped_is_opened_and_the_first_wraps(aws_server: Aws) -> None:
    old, new = (aws_server.keys_url(aws_server.new_key()) for _ in range(2))
    wrapped = KeyChain([old]).wrap(KEY, CONTEXT)
    chain = KeyChain([new, old])
    assert chain.unwrap(wrapped, CONTEXT) == KEY
    assert wrapped_by(chain.wrap(KEY, CONTEXT)) == chain.name != wrapped_by(wrapped)


def test_a_second_key_ring_that_is_away_does_not_disturb_the_first(aws_server: Aws) -> None:
    away = f"aws-kms://{ARN}?region={REGION}&endpoint=http://127.0.0.1:{free_port()}"
    chain = KeyChain(["local:", away])
    assert chain.unwrap(chain.wrap(KEY, CONTEXT), CONTEXT) == KEY


def test_a_server_that_is_away_is_said_in_bounded_time(aws_server: Aws) -> None:
    ring = KmsKeyring(ARN, Address("kms", ARN, region=REGION, endpoint=f"http://127.0.0.1:{free_port()}"))
    begun = time.monotonic()
    with pytest.raises(StoreUnavailable, match="does not answer"):
        ring.wrap(KEY, CONTEXT)
    assert time.monotonic() - begun < 15


def test_an_arn_is_read_whole_from_the_url() -> None:
    found = address("ECHO_KEYS_URL", f"aws-kms://{ARN}?region={REGION}", "kms")
    assert (found.name, found.region, found.endpoint) == (ARN, REGION, "")
    assert address("ECHO_KEYS_URL", "aws-kms://alias/echosphere", "kms").name == "alias/echosphere"


@pytest.mark.parametrize("urls", [["aws-kms://"], ["aws-kms://id:hidden@key"], ["local:", "vault9://hidden"]])
def test_a_url_that_is_none_is_refused_without_its_secrets(aws_server: Aws, urls: list[str]) -> None:
    with pytest.raises(Misconfigured, match="ECHO_KEYS_URL") as refused:
        KeyChain(urls)
    assert "hidden" not in refused.value.message
