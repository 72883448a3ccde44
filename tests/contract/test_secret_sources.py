"""Where secrets come from, in which order, and that none is ever printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from config.secrets import LARGEST, SecretUnavailable
from config.settings import Settings, load
from scripts.stores.aws import Aws
from scripts.stores.server import free_port
from tests.aws_servers import answering

SECRETS = sorted(name for name, field in Settings.model_fields.items() if field.annotation is SecretStr)
CLI = str(Path(sys.executable).parent / "echosphere")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A home of its own, without any setting."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ECHO_")]:
            patch.delenv(name)
        patch.setenv("ECHO_HOME", str(tmp_path))
        yield tmp_path


@pytest.fixture
def aws(aws_server: Aws, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Store a secret; its name. boto3 finds the server by its own variable."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_server.endpoint)

    def store(content: str) -> str:
        aws_server.client("secretsmanager").create_secret(Name=(name := f"echosphere/{uuid4()}"), SecretString=content)
        return name

    return store


def secret_file(folder: Path, content: str | bytes) -> str:
    file = folder / f"secret-{uuid4()}"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(file)


@pytest.mark.parametrize("field", SECRETS)
def test_every_secret_can_be_in_a_file(folder: Path, field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ECHO_{field.upper()}_FILE", secret_file(folder, "from a file\n"))
    assert getattr(load(), field).get_secret_value() == "from a file"


def test_only_the_line_end_is_taken_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_SIGNING_KEY_FILE", secret_file(folder, " a\nb = c \r\n"))
    assert load().signing_key.get_secret_value() == " a\nb = c "


def test_the_order_of_the_sources(folder: Path, aws: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> str:
        return load().jwt_secret.get_secret_value()

    assert found() == ""
    monkeypatch.setenv("ECHO_AWS_SECRET", aws(json.dumps({"ECHO_JWT_SECRET": "from aws", "ECHO_BROKER_URL": "aws"})))
    assert found() == "from aws"
    (folder / "run.env").write_text("ECHO_JWT_SECRET=from run.env\n")
    assert found() == "from run.env"
    (folder / "mine.env").write_text("ECHO_JWT_SECRET=from the env file\n")
    monkeypatch.setenv("ECHO_ENV_FILE", str(folder / "mine.env"))
    assert found() == "from the env file"
    monkeypatch.setenv("ECHO_JWT_SECRET_FILE", secret_file(folder, "from a file"))
    assert found() == "from a file"
    monkeypatch.setenv("ECHO_JWT_SECRET", "from the environment")
    assert found() == "from the environment"
    assert load().broker_url.get_secret_value() == "aws"


def test_the_env_file_may_say_where_secrets_are(
    folder: Path, aws: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = aws(json.dumps({"ECHO_BROKER_URL": "from aws", "ECHO_MAX_ATTEMPTS": "9"}))
    said = f"ECHO_AWS_SECRET={name}\nECHO_JWT_SECRET_FILE={secret_file(folder, 'from a file')}\n"
    (folder / "mine.env").write_text(said)
    monkeypatch.setenv("ECHO_ENV_FILE", str(folder / "mine.env"))
    assert load().broker_url.get_secret_value() == "from aws"
    assert load().jwt_secret.get_secret_value() == "from a file"
    assert load().max_attempts == 9


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        ("", "empty"),
        ("\n \n", "empty"),
        (b"canary\xff", "UTF-8"),
        ("canary" * LARGEST, "larger"),
    ],
)
def test_a_file_without_a_secret_is_said(
    folder: Path, content: str | bytes | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(folder / "none") if content is None else secret_file(folder, content)
    monkeypatch.setenv("ECHO_JWT_SECRET_FILE", file)
    with pytest.raises(SecretUnavailable, match=said) as refused:
        load()
    assert refused.value.filename == "ECHO_JWT_SECRET_FILE"
    assert "canary" not in str(refused.value)


def test_a_folder_is_no_secret(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_JWT_SECRET_FILE", str(folder))
    with pytest.raises(SecretUnavailable, match="directory"):
        load()


@pytest.mark.parametrize("content", ["canary", '["canary"]', '"canary"', '{"ECHO_JWT_SECRET": "canary"'])
def test_a_secret_that_is_no_object_is_said_without_it(
    folder: Path, aws: Callable[[str], str], content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHO_AWS_SECRET", aws(content))
    done = subprocess.run([CLI, "token"], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "ECHO_AWS_SECRET" in done.stderr
    assert "no JSON object" in done.stderr
    traced = subprocess.run(
        [CLI, "token"], capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "ECHO_DEBUG": "1"}
    )
    assert "canary" not in done.stdout + done.stderr + traced.stdout + traced.stderr


def test_a_secret_that_is_not_there_denied_or_away_is_said(
    folder: Path, aws: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHO_AWS_SECRET", "none/such")
    with pytest.raises(SecretUnavailable, match="no secret of that name"):
        load()
    denied = b'{"__type": "AccessDeniedException", "Message": "arn of anna"}'
    with answering(400, denied, "application/x-amz-json-1.1") as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        with pytest.raises(SecretUnavailable, match="secretsmanager:GetSecretValue") as refused:
            load()
    assert "anna" not in str(refused.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    begun = time.monotonic()
    with pytest.raises(SecretUnavailable, match="cannot be asked"):
        load()
    assert time.monotonic() - begun < 15


def test_nothing_of_aws_is_loaded_unless_it_is_chosen(folder: Path) -> None:
    program = (
        "import sys; from config.settings import settings; settings(); import app.vault; app.vault.object_store()\n"
        "print([name for name in ('boto3', 'botocore', 's3transfer', 'aws_encryption_sdk') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert said.stdout.strip() == "[]"


CANARY = "c4n4ry" * 8


def next_name(wrong: dict[str, str]) -> str:
    return next(iter(wrong))


@pytest.fixture
def full_of_secrets(folder: Path, aws: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every secret is a canary, from one source or another."""
    addresses = {
        "database_url": f"postgresql://anna:{CANARY}@127.0.0.1:{free_port()}/x",
        "broker_url": f"redis://:{CANARY}@127.0.0.1:{free_port()}/0",
        "result_url": f"redis://:{CANARY}@127.0.0.1:{free_port()}/1",
        "features_url": f"mongodb://anna:{CANARY}@127.0.0.1:{free_port()}/x",
        "graph_url": f"bolt://anna:{CANARY}@127.0.0.1:{free_port()}",
    }
    values = {field: addresses.get(field, CANARY) for field in SECRETS}
    rest = {}
    for index, (field, value) in enumerate(values.items()):
        name = f"ECHO_{field.upper()}"
        if index % 3 == 0:
            monkeypatch.setenv(name, value)
        elif index % 3 == 1:
            monkeypatch.setenv(f"{name}_FILE", secret_file(folder, value))
        else:
            rest[name] = value
    monkeypatch.setenv("ECHO_AWS_SECRET", aws(json.dumps(rest)))


def test_no_secret_is_in_the_repr_of_settings(full_of_secrets: None) -> None:
    found = load()
    assert {getattr(found, field).get_secret_value().count(CANARY) for field in SECRETS} == {1}
    assert CANARY not in f"{found!r} {found} {found.model_dump()} {found.model_dump_json()}"


@pytest.mark.parametrize(
    "arguments",
    [["doctor"], ["doctor", "--json"], ["status"], ["status", "--json"], ["keys", "status"], ["token"]],
    ids=" ".join,
)
@pytest.mark.parametrize("wrong", [{"ECHO_DEBUG": "1"}, {"ECHO_MAX_ATTEMPTS": "many", "ECHO_DEBUG": "1"}], ids=len)
def test_no_secret_is_printed_by_a_command_or_its_error(
    full_of_secrets: None, arguments: list[str], wrong: dict[str, str]
) -> None:
    done = subprocess.run(
        [CLI, *arguments], capture_output=True, text=True, check=False, timeout=120, env={**os.environ, **wrong}
    )
    said = done.stdout + done.stderr
    if arguments == ["token"] and not done.returncode:
        said = done.stderr  # what it prints is signed with the secret, and does not show it
        assert CANARY not in done.stdout
    assert said.strip() or arguments == ["token"]
    assert CANARY not in said


@pytest.mark.parametrize("wrong", [{"ECHO_JWT_SECRET": "c4n4ry"}, {"ECHO_RETENTION_DAYS": "c4n4ry"}], ids=next_name)
def test_no_secret_is_printed_by_a_fleet_that_does_not_start(full_of_secrets: None, wrong: dict[str, str]) -> None:
    done = subprocess.run(
        [CLI, "up", "--detach"], capture_output=True, text=True, check=False, timeout=120, env={**os.environ, **wrong}
    )
    assert done.returncode == 1
    assert done.stderr
    assert "c4n4ry" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        {"ECHO_JWT_SECRET": "c4n4ry"},
        {"ECHO_RETENTION_DAYS": "c4n4ry"},
        {"ECHO_JWT_SECRET_FILE": "/nonexistent/file", "ECHO_JWT_SECRET": ""},
        {"ECHO_DATABASE_URL": "c4n4ry"},
        {"ECHO_DATABASE_URL": "nonsense://anna:c4n4ry@host/x"},
        {"ECHO_OBJECTS_URL": "s3://anna:c4n4ry@bucket"},
        {"ECHO_KEYS_URL": "aws-kms://anna:c4n4ry@key"},
    ],
    ids=next_name,
)
def test_no_secret_is_in_the_traceback_of_a_start(full_of_secrets: None, wrong: dict[str, str]) -> None:
    program = (
        "from app.web import create_app\nfrom app.vault import master_keyring, object_store\n"
        "create_app(); master_keyring(); object_store()\nfrom app.database import engine\nengine().connect()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=False, timeout=120, env={**os.environ, **wrong},
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "c4n4ry" not in done.stdout + done.stderr
