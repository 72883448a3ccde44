"""S3, KMS and Secrets Manager by the moto server: the same HTTP interfaces, kept in memory."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, ClassVar

from scripts.stores.server import LocalServer, MissingToolchain

#: Moto asks for no credentials, but boto3 signs every request with some.
REGION = "eu-central-1"
BUCKET = "echosphere"
PREFIX = "vault"
ALIAS = "alias/echosphere"
SECRET = "echosphere/settings"  # noqa: S105 - a name, not a secret


class Aws(LocalServer):
    """The moto server; what it holds is gone when it stops."""

    name: ClassVar[str] = "aws"

    def lacking(self) -> None:
        """See `LocalServer.lacking`."""
        if find_spec("moto") is None or find_spec("flask_cors") is None:
            raise MissingToolchain("moto[server] is not installed: pip install -r requirements-dev.txt")

    def command(self) -> list[str]:
        """See `LocalServer.command`."""
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]

    @property
    def endpoint(self) -> str:
        """Where all its services are."""
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> bool:
        """See `LocalServer.ready`."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients' types at run time
        """A boto3 client of one of its services."""
        import boto3  # noqa: PLC0415 - heavy; needed only where the server runs

        return boto3.session.Session().client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 - moto looks at none
        )

    def furnish(self) -> None:
        """See `LocalServer.furnish`: a bucket, a key with an alias, a secret that holds no settings."""
        buckets = self.client("s3")
        if BUCKET not in [bucket["Name"] for bucket in buckets.list_buckets()["Buckets"]]:
            buckets.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        keys = self.client("kms")
        if ALIAS not in [alias["AliasName"] for alias in keys.list_aliases()["Aliases"]]:
            self.new_key(ALIAS)
        secrets = self.client("secretsmanager")
        if SECRET not in [secret["Name"] for secret in secrets.list_secrets()["SecretList"]]:
            secrets.create_secret(Name=SECRET, SecretString=json.dumps({}))

    def new_key(self, alias: str = "") -> str:
        """Make a symmetric key; its ARN."""
        keys = self.client("kms")
        made: dict[str, str] = keys.create_key(Description="EchoSphere, package keys")["KeyMetadata"]
        if alias:
            keys.create_alias(AliasName=alias, TargetKeyId=made["KeyId"])
        return made["Arn"]

    def objects_url(self, bucket: str = BUCKET, prefix: str = PREFIX) -> str:
        """`ECHO_OBJECTS_URL` for a bucket of this server."""
        return f"s3://{bucket}/{prefix}?region={REGION}&endpoint={self.endpoint}"

    def keys_url(self, key: str = ALIAS) -> str:
        """`ECHO_KEYS_URL` for a key of this server."""
        return f"aws-kms://{key}?region={REGION}&endpoint={self.endpoint}"

    def settings(self) -> Mapping[str, str]:
        """See `LocalServer.settings`."""
        return {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            "ECHO_OBJECTS_URL": self.objects_url(),
            "ECHO_KEYS_URL": self.keys_url(),
        }
