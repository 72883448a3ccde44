"""The command line as a shell sees it: exit status, streams, one sentence for an error."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def run(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ECHO_")}
    return subprocess.run(
        [sys.executable, "-c", "from app.cli import main; main()", *arguments],
        cwd=ROOT, env={**clean, "ECHO_HOME": str(home), **environment}, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_help_loads_nothing_of_the_application(tmp_path: Path) -> None:
    program = (
        "import sys; from app.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules}"
        " & {'celery', 'sqlalchemy', 'pydantic', 'httpx', 'rich', 'flask', 'numpy'}))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("analyze",),
        ("analyze", "/no/such/file"),
        ("analyze", "/"),
        ("analyze", __file__, "--user", "no spaces"),
        ("analyze", __file__, "--authorship", "nobody"),
        ("analyze", __file__, "--consent", ","),
        ("text", "no-uuid"),
        ("token", "--ttl", "0"),
        ("token", "--scopes", "everything"),
        ("traits", "--limit", "0"),
        ("scale",),
        ("scale", "nothing=1"),
        ("up", "--scale", "text=many"),
        ("analyze", __file__, "--count"),
        ("costs", "--limit", "0"),
    ],
)
def test_wrong_usage_is_two_and_says_why(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    told = run(*arguments, home=tmp_path)
    assert told.returncode == 2
    assert told.stdout == ""
    assert "Traceback" not in told.stderr
    assert told.stderr.strip()


@pytest.mark.parametrize(
    "arguments", [("traits",), ("traits", "--json"), ("review",), ("analyze", __file__), ("scale", "text=2")]
)
def test_without_a_fleet_it_fails_with_the_command_that_starts_one(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    told = run(*arguments, home=tmp_path)
    assert told.returncode == 1
    assert told.stdout == ""
    assert "echosphere up" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("text", str(uuid.uuid4())),
        ("features", str(uuid.uuid4())),
        ("sent", str(uuid.uuid4())),
        ("costs",),
        ("verify-evidence",),
    ],
)
def test_without_a_database_an_operator_is_told_what_to_start(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    told = run(*arguments, home=tmp_path)
    assert (told.returncode, told.stdout) == (1, "")
    assert "ECHO_DATABASE_URL" in told.stderr


def test_status_of_nothing_is_json_and_not_ready(tmp_path: Path) -> None:
    told = run("status", "--json", home=tmp_path)
    assert told.returncode == 1
    assert '"ready": false' in told.stdout
    assert told.stderr == ""


def test_a_wrong_setting_is_named_and_its_value_is_not(tmp_path: Path) -> None:
    told = run("traits", home=tmp_path, ECHO_WEB_PORT="my-password")
    assert told.returncode == 1
    assert "ECHO_WEB_PORT" in told.stderr
    assert "my-password" not in told.stderr
    assert "Traceback" not in told.stderr


def test_a_traceback_is_shown_when_asked_for(tmp_path: Path) -> None:
    assert "Traceback" in run("traits", home=tmp_path, ECHO_DEBUG="1").stderr


def test_a_token_is_printed_alone_and_holds(tmp_path: Path) -> None:
    told = run("token", "--user", "anna", "--scopes", "persona:read_traits", home=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    program = (
        "import sys; from app.services.tokens import check; p = check(sys.argv[1]); print(p.user_id, *sorted(p.scopes))"
    )
    checked = subprocess.run(
        [sys.executable, "-c", program, told.stdout.strip()],
        cwd=ROOT, env={**os.environ, "ECHO_HOME": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert checked.stdout == "anna persona:read_traits\n"


def test_doctor_finds_a_key_that_others_can_read(tmp_path: Path) -> None:
    (tmp_path / "master.key").touch(mode=0o644)
    told = run("doctor", "--json", home=tmp_path)
    assert told.returncode == 1
    assert f"chmod 600 {tmp_path / 'master.key'}" in told.stdout


def test_the_shim_runs_from_anywhere_and_says_when_it_is_not_set_up(tmp_path: Path) -> None:
    (tmp_path / "echosphere").write_bytes((ROOT / "echosphere").read_bytes())
    (tmp_path / "echosphere").chmod(0o755)
    (tmp_path / "link").symlink_to(tmp_path / "echosphere")
    told = subprocess.run([tmp_path / "link", "status"], cwd="/", capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert f"make run` (or `make install`) in {tmp_path}" in told.stderr
