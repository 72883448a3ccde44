"""`echosphere export`."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from app.cli.client import Client
from app.cli.console import emit, out
from app.cli.environment import home
from app.cli.fleet import need_up
from app.cli.options import as_json, last_user, quiet_logging, user_option
from app.cli.progress import Bar
from app.errors import StoreUnavailable


@click.command()
@user_option("Whose data; without it, whose the last analysis on this machine was.")
@click.option("--sources", is_flag=True, help="With the uploads and their texts.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to; persona-USER.zip in this folder without it.",
)
@as_json
def export(user_id: str | None, output: Path | None, *, sources: bool, as_json: bool) -> None:
    """Take everything that is known of a person away: one zip of open formats, signed."""
    quiet_logging()
    need_up(home())
    user = last_user(user_id)
    file = output or Path(f"persona-{user.replace(':', '_')}.zip")
    with Client(user) as client, _draft(file) as (sink, draft):
        digest = _fetched(client, sink, sources=sources)
        sink.flush()
        manifest = _manifest(draft)
    result = {
        "userID": manifest["userID"],
        "file": str(file),
        "bytes": file.stat().st_size,
        "sha256": digest,
        "sources": manifest["sources"],
        "counts": manifest["counts"],
        "graphDigest": manifest["graphDigest"],
    }
    if as_json:
        emit(result)
        return
    counts = ", ".join(f"{number} {name}" for name, number in manifest["counts"].items() if number)
    out().print(f"{file}: {counts or 'nothing yet'}", markup=False, soft_wrap=True)


def _fetched(client: Client, sink: BinaryIO, *, sources: bool) -> str:
    """Write the bundle as it comes; the SHA-256 of it."""
    digest, done = hashlib.sha256(), 0
    query = {"sources": "true" if sources else "false"}
    with client.download("/persona/export", **query) as (expected, chunks), Bar(float(expected)) as bar:
        for chunk in chunks:
            sink.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            # What is expected is an estimate: the bar is full when the bundle has ended, and not before.
            bar.show(min(done, 0.99 * expected), f"{done / 1e6:.1f} MB")
        bar.show(expected, f"{done / 1e6:.1f} MB")
    return digest.hexdigest()


@contextmanager
def _draft(file: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A file beside the one that is meant, which takes its place only when it is whole."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as sink:
            yield sink, draft
            sink.flush()
            os.fsync(sink.fileno())
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _manifest(file: Path) -> dict[str, Any]:
    """What came: a bundle that was cut off has none."""
    try:
        with zipfile.ZipFile(file) as archive:
            manifest: dict[str, Any] = json.loads(archive.read("manifest.json"))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise StoreUnavailable("the bundle broke off on its way: export it again") from error
    return manifest
