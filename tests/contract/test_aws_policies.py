"""The policies in deploy/aws allow what the fleet does, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.errors import NotFound
from app.vault.aws import address, client, permission
from app.vault.kms import _keyring, keyring_of
from app.vault.s3 import PART, S3Store
from scripts.stores.aws import BUCKET, REGION, Aws

DEPLOY = Path(__file__).resolve().parent.parent.parent / "deploy" / "aws"
SECRETS = "secretsmanager:GetSecretValue"


def statements(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((DEPLOY / name).read_text())["Statement"]
    return found


def allowed(name: str, principal: str = "") -> set[str]:
    """Actions that the statements allow; those of one principal where it is given."""
    found: set[str] = set()
    for statement in statements(name):
        if statement["Effect"] == "Allow" and principal in str(statement.get("Principal", "")):
            actions = statement["Action"]
            found |= {actions} if isinstance(actions, str) else set(actions)
    return found


def everything(server: Aws) -> set[str]:
    """Use all that store and key ring do; the permissions it took."""
    asked: set[str] = set()

    def heard(*, model: Any, **_: object) -> None:
        asked.add(permission(model.service_model.service_name, model.name))

    bucket = address("ECHO_OBJECTS_URL", server.objects_url(prefix=str(uuid4())), "s3")
    key = address("ECHO_KEYS_URL", server.keys_url(server.new_key()), "kms")
    for where in (bucket, key):
        client(where).meta.events.register("before-call", heard)

    def broken() -> Iterator[bytes]:
        yield bytes(3 * PART)
        raise ValueError

    store = S3Store(bucket)
    store.put("o/p/a", [b"x"])
    store.put("o/p/b", [bytes(2 * PART)])
    with pytest.raises(ValueError, match=r"^$"):
        store.put("o/p/c", broken())
    with store.get("o/p/a") as source:
        assert source.read() == b"x"
    with pytest.raises(NotFound), store.get("o/p/none"):
        pass
    assert [store.delete(found) for found in store.list("o")] == [True, True]
    store.sweep(60)
    _keyring.cache_clear()
    ring = keyring_of(key)
    assert ring.unwrap(ring.wrap(bytes(32), {"user": "anna"}), {"user": "anna"}) == bytes(32)
    return asked


def test_the_role_may_do_what_the_fleet_does_and_nothing_else(aws_server: Aws) -> None:
    used = everything(aws_server)
    assert allowed("iam-policy.json") == used | {SECRETS}
    assert allowed("key-policy.json", "role/ROLE") == {name for name in used if name.startswith("kms:")}


def test_who_administers_the_key_cannot_open_anything_with_it() -> None:
    administering = allowed("key-policy.json", ":root")
    assert {"kms:PutKeyPolicy", "kms:DisableKey", "kms:ScheduleKeyDeletion"} <= administering
    assert not administering & {"kms:*", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant"}


def test_the_policies_are_taken_by_the_service(aws_server: Aws) -> None:
    buckets = aws_server.client("s3")
    buckets.put_bucket_policy(
        Bucket=BUCKET, Policy=(DEPLOY / "bucket-policy.json").read_text().replace("BUCKET", BUCKET)
    )
    buckets.delete_bucket_policy(Bucket=BUCKET)
    rules = json.loads((DEPLOY / "lifecycle.json").read_text())
    buckets.create_bucket(Bucket="ruled", CreateBucketConfiguration={"LocationConstraint": REGION})
    buckets.put_bucket_lifecycle_configuration(Bucket="ruled", LifecycleConfiguration=rules)
    aws_server.client("kms").create_key(Policy=(DEPLOY / "key-policy.json").read_text())
    policy = (DEPLOY / "iam-policy.json").read_text().replace("REGION", REGION).replace("ACCOUNT", "123456789012")
    aws_server.client("iam").create_policy(PolicyName="echosphere", PolicyDocument=policy)
