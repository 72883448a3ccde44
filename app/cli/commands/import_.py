"""`echosphere import`: an operator's command, which writes to the stores directly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.console import emit, out, say
from app.cli.options import as_json, quiet_logging, user_option
from app.cli.progress import step

if TYPE_CHECKING:
    from app.services.bundle import Restored

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("file", type=_FILE)
@user_option("Whose it must be; without it, whoever's it is.")
@click.option("--trust", type=_FILE, help="Refuse it unless this public key (a public-key.json) signed it.")
@as_json
def import_(file: Path, user_id: str | None, trust: Path | None, *, as_json: bool) -> None:
    """Bring the bundle FILE back: signature and hashes are checked first, and all evidence is proven again."""
    quiet_logging()
    from app.services import bundle  # noqa: PLC0415 - `--help` needs no database driver

    key = _key(trust) if trust else None
    with step("checking and restoring"):
        restored = bundle.restore(file, user_id=user_id, trust=key)
    if as_json:
        emit(restored.as_json())
    else:
        _show(restored)


def _key(file: Path) -> dict[str, Any]:
    try:
        key = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.BadParameter(
            "the key must be a JWK: the public-key.json of a bundle", param_hint="--trust"
        ) from error
    if not isinstance(key, dict):
        raise click.BadParameter("the key must be a JWK: the public-key.json of a bundle", param_hint="--trust")
    return key


def _show(restored: Restored) -> None:
    signed = restored.signed
    doubt = "" if signed.trusted else ", which nobody here vouches for: its consents are recorded as ended"
    by = "this installation" if signed.ours else f"key {signed.key_id}"
    say(f"Signed by {by}{doubt}.")
    if restored.unchanged:
        out().print(f"{restored.user_id}: everything was here already", markup=False, soft_wrap=True)
    else:
        counts = ", ".join(f"{number} {name}" for name, number in restored.counts.items() if number)
        out().print(f"{restored.user_id}: {counts or 'nothing'}", markup=False, soft_wrap=True)
    if restored.graph_digest is None:
        say("The graph store does not answer: the graph follows when it does.")
    elif restored.graph_digest != restored.expected_digest:
        say("The graph is another one than when it was exported: evidence was dropped, or things were decided since.")
