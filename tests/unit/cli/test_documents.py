"""What the documents list is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from app.cli import COMMANDS, cli
from app.cli.procfile import read_procfile
from app.vocabulary import Queue
from config.settings import Settings

ROOT = Path(__file__).resolve().parents[3]


def commands() -> list[tuple[str, click.Command]]:
    context = click.Context(cli)
    found = []
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found += [(f"{name} {sub}", command.commands[sub]) for sub in command.commands]
        else:
            found.append((name, command))
    return found


@pytest.mark.parametrize(("name", "command"), commands(), ids=[name for name, _ in commands()])
def test_the_reference_names_every_command_and_option(name: str, command: click.Command) -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith((f"| `{name} ", f"| `{name}`")))
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert max(parameter.opts, key=len) in row


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_the_reference_names_every_setting(field: str) -> None:
    assert f"`ECHO_{field.upper()}`" in (ROOT / "docs" / "reference" / "settings.md").read_text()


def test_the_reference_gives_the_defaults_of_plain_settings() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    for name, value in re.findall(r"^\| `ECHO_([A-Z_]+)` \| ([0-9.]+) \|", page, re.MULTILINE):
        assert float(Settings.model_fields[name.lower()].default) == float(value)


def test_the_procfile_has_a_worker_for_every_queue_and_what_else_runs() -> None:
    kinds = set(read_procfile(ROOT / "Procfile"))
    assert kinds == {f"worker-{queue}" for queue in Queue} | {"web", "beat", "flower", "release"}


def test_flower_listens_to_this_machine_alone_and_changes_nothing() -> None:
    line = read_procfile(ROOT / "Procfile")["flower"]
    assert {"--address=127.0.0.1", "--read_only"} <= set(line.split())
    assert re.search(r"--max_tasks=\d+", line)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/quickstart.md", "docs/reference/cli.md"])
def test_links_lead_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / page).read_text()):
        assert target.startswith("https://") or (folder / target).exists()


def test_make_help_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert targets is not None
    assert set(targets[1].split()) == set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))
