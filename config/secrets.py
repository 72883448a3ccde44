"""Where secrets come from besides the environment: files (`_FILE`) and AWS Secrets Manager. No error holds a value."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    AWSSecretsManagerSettingsSource,
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
)

#: Bytes of the largest secret: a private key in PEM has fewer than 8 KiB.
LARGEST = 64 * 1024
#: Seconds that Secrets Manager may take to be reached, and to answer; tried three times.
CONNECT_S, READ_S, ATTEMPTS = 3, 10, 3


class SecretUnavailable(OSError):
    """A secret cannot be read.

    Args:
        variable: that names where it is.
        why: the cause and the next step, without the secret.
    """

    def __init__(self, variable: str, why: str) -> None:
        super().__init__(errno.EIO, why, variable)


def variable(dotenv: PydanticBaseSettingsSource, name: str) -> str:
    """A variable that says where secrets are, from the environment or the env files; empty where there is none."""
    filed = dotenv.env_vars if isinstance(dotenv, DotEnvSettingsSource) else {}
    return os.environ.get(name) or filed.get(name.lower()) or ""


class SecretFiles(PydanticBaseSettingsSource):
    """`ECHO_DATABASE_URL_FILE=/run/secrets/database-url`, and so for every field that is a secret.

    Args:
        settings_cls: whose fields.
        dotenv: the source of the env files, where such variables may be as well.
    """

    def __init__(self, settings_cls: type[BaseSettings], dotenv: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._dotenv = dotenv

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """See `PydanticBaseSettingsSource`.

        Raises:
            SecretUnavailable: the variable names a file that holds no secret, or cannot be read.
        """
        name = f"{self.config.get('env_prefix', '')}{field_name}_FILE".upper()
        if field.annotation is not SecretStr or not (path := variable(self._dotenv, name)):
            return None, field_name, False
        return _content(name, Path(path)), field_name, False

    def __call__(self) -> dict[str, Any]:
        """The fields that have a file."""
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


def _content(name: str, path: Path) -> str:
    """The file without the line end that editors add."""
    try:
        with path.open("rb") as source:
            content = source.read(LARGEST + 1)
    except OSError as error:
        why = f"the file that it names cannot be read ({error.strerror}): check path and owner"
        raise SecretUnavailable(name, why) from None
    if len(content) > LARGEST:
        raise SecretUnavailable(name, f"the file that it names is larger than {LARGEST} bytes: it is no secret")
    try:
        secret = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretUnavailable(name, "the file that it names is not UTF-8 text") from None
    if not secret.strip():
        raise SecretUnavailable(name, "the file that it names is empty: write the secret into it, or unset it")
    return secret


class AwsSecret(AWSSecretsManagerSettingsSource):
    """A secret of AWS Secrets Manager that is a JSON object of `ECHO_*` variables, asked for within bounded time.

    Args:
        settings_cls: whose fields.
        secret_id: its name or ARN. Region and credentials are boto3's (`AWS_REGION`, a role, a profile).
    """

    #: The variable that chooses it.
    variable = "ECHO_AWS_SECRET"

    def __init__(self, settings_cls: type[BaseSettings], secret_id: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - nothing of AWS unless it is chosen

        try:
            super().__init__(
                settings_cls,
                secret_id,
                region_name=os.environ.get("AWS_REGION"),
                case_sensitive=False,
                env_prefix=settings_cls.model_config.get("env_prefix"),
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise SecretUnavailable(self.variable, f"Secrets Manager refuses ({code}): {_remedy(code)}") from None
        except BotoCoreError as error:
            why = f"Secrets Manager cannot be asked ({type(error).__name__}): check AWS_REGION, credentials and network"
            raise SecretUnavailable(self.variable, why) from None

    def _load_env_vars(self) -> Mapping[str, str | None]:
        import boto3  # noqa: PLC0415 - as above
        from botocore.config import Config  # noqa: PLC0415 - as above

        retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
        # The library's own client would wait for minutes.
        self._secretsmanager_client = boto3.session.Session().client(
            "secretsmanager",
            region_name=os.environ.get("AWS_REGION"),
            config=Config(connect_timeout=CONNECT_S, read_timeout=READ_S, retries=retries),
        )
        try:
            return super()._load_env_vars()
        except (KeyError, ValueError, TypeError, AttributeError):
            # The parser's message, or a traceback with its arguments, would show what the secret holds.
            raise SecretUnavailable(self.variable, "the secret is no JSON object of ECHO_* variables") from None


def _remedy(code: str) -> str:
    if code.startswith("AccessDenied"):
        return "allow secretsmanager:GetSecretValue (deploy/aws)"
    if code == "ResourceNotFoundException":
        return "there is no secret of that name in this region"
    return "check credentials and secret"
