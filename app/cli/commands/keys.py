"""`echosphere keys`: which master key wraps the packages' keys, and its rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.console import emit, out, say
from app.cli.options import as_json, quiet_logging
from app.cli.progress import Bar

if TYPE_CHECKING:
    from app.vault.rotation import Rotation


@click.group()
def keys() -> None:
    """Look at the master key and rotate it."""


@keys.command()
@as_json
def status(*, as_json: bool) -> None:
    """Show how many packages are under which key."""
    quiet_logging()
    from app.vault import master_keyring, rotation  # noqa: PLC0415 - `--help` needs neither keys nor a database driver

    current, counted = master_keyring().name, rotation.under_each_key()
    counted.setdefault(current, 0)
    listed = [
        {"key": str(name), "packages": count, "current": name == current} for name, count in sorted(counted.items())
    ]
    if as_json:
        emit({"keys": listed})
        return
    from rich.table import Table  # noqa: PLC0415 - `--json` needs no rich

    table = Table("Key", "Packages", "")
    for row in listed:
        table.add_row(str(row["key"]), str(row["packages"]), "wraps" if row["current"] else "")
    out().print(table)


@keys.command()
@click.option("--to", default="", metavar="URL", help="Another key ring of ECHO_KEYS_URL; without it, the first.")
@click.option("--retire", is_flag=True, help="Make no further local key; remove those that nothing is under any more.")
@as_json
@click.pass_context
def rotate(context: click.Context, *, to: str, retire: bool, as_json: bool) -> None:
    """Wrap every package's key anew: under a new local key, or under the key that ECHO_KEYS_URL names.

    Objects are not encrypted again: only their packages' keys, 32 bytes each, are under the master key. Everything
    stays readable meanwhile. Interrupted, it goes on where it was; exit status 1 where something is left.
    """
    quiet_logging()
    from app.vault import rotation  # noqa: PLC0415 - `--help` needs neither keys nor a database driver

    with Bar(1.0) as bar:
        done = rotation.rotate(
            to,
            renewing=not (retire and rotation.older_local_keys()),
            show=lambda count, of: bar.show(count / of, f"{count} of {of} packages"),
        )
    if retire:
        done.retired = rotation.retire()
        done.kept = [name for name in done.kept if name not in done.retired]
    if as_json:
        emit(done.as_json())
    else:
        _tell(done, retire=retire)
    context.exit(1 if done.left else 0)


def _tell(done: Rotation, *, retire: bool) -> None:
    if done.renewed:
        say(f"There is a new local key, {done.key}: back up master.key.")
    say(f"{done.rewrapped} of {done.packages} packages were wrapped anew, {done.unchanged} were under it before.")
    if done.unreadable:
        say(f"{done.unreadable} cannot be opened: restore their rows, or the keys that `echosphere keys status` names.")
    if done.left > done.unreadable:
        say(f"{done.left - done.unreadable} were added meanwhile: run it again.")
    if done.retired:
        say(f"Removed {', '.join(done.retired)}.")
    elif retire and done.kept:
        say(
            f"Older keys stay ({', '.join(done.kept)}): they are in use, or uploads of the last hour may be under them."
        )
    elif done.kept:
        say(f"Older keys stay ({', '.join(done.kept)}) until `echosphere keys rotate --retire`.")
