"""Rotation of the master key: package keys are wrapped anew, and objects stay as they are.

This is what an envelope is for. An object is encrypted under its package's key, and only that key, 32 bytes of it, is
wrapped by the master key. Whoever wants the object needs the package's key, whoever wants that needs the master key: so
with every wrapped key replaced, the old master key opens nothing that is still stored here, and not one byte of a
recording was read, decrypted or moved. (It still opens what backups of the database hold.)
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select, update

from app.database import AnyRow, transaction
from app.errors import Misconfigured
from app.models import PackageKey
from app.vault.errors import VaultError
from app.vault.keyring import (
    LOCAL,
    KeyChain,
    KeyName,
    LocalKeyring,
    master_keyring,
    urls,
    wrapped_by,
)
from app.vault.localkey import UNNAMED, local_name, older_files, older_keys, renew
from app.vault.package import package_context
from config.settings import settings

#: Rows read at once.
BATCH = 200
#: Seconds that a key is kept after it was replaced: an upload that began under it may take so long to be accepted.
IN_FLIGHT_S = 3600.0

#: What nobody can name: its header is damaged.
DAMAGED = KeyName("damaged", "damaged")


@dataclass(slots=True)
class Rotation:
    """What a rotation did.

    Attributes:
        key: under which everything is now.
        renewed: whether it is a new local key.
        packages: looked at.
        rewrapped: were under another key.
        unchanged: were under this key already.
        gone: were erased, or wrapped anew by another rotation, in the meantime.
        unreadable: could not be opened, and were left as they are.
        left: are under another key now, counted at the end.
        retired: files of older keys that were removed.
        kept: files of older keys that are still there.
    """

    key: KeyName
    renewed: bool = False
    packages: int = 0
    rewrapped: int = 0
    unchanged: int = 0
    gone: int = 0
    unreadable: int = 0
    left: int = 0
    retired: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The shape of `echosphere keys rotate --json`."""
        counts = ("renewed", "packages", "rewrapped", "unchanged", "gone", "unreadable", "left", "retired", "kept")
        return {"key": str(self.key), **{name: getattr(self, name) for name in counts}}


def under_each_key() -> Counter[KeyName]:
    """How many packages' keys are wrapped by which key."""
    return Counter(_name(row.wrapped_key) for row in _rows())


def older_local_keys() -> list[str]:
    """Files of the local keys that were replaced and are still there."""
    return [path.name for path in older_files(settings().master_key_file)]


def rotate(
    to: str = "", *, renewing: bool = True, show: Callable[[int, int], None] = lambda _done, _of: None
) -> Rotation:
    """Wrap every package's key anew under the current master key, or under the key ring `to`.

    A local master key is replaced by a new one first, unless an earlier rotation has not come to its end: then that one
    is continued. Every package stays readable at every moment; interrupted anywhere, the next call goes on.

    Args:
        to: one of the key rings in `ECHO_KEYS_URL`; the first where it is empty. It keeps its key.
        renewing: whether to make a new local key.
        show: called with how many are done, of how many.

    Raises:
        Misconfigured: `to` is none of the fleet's key rings.
        StoreUnavailable: database or key service do not answer; call it again to go on.
    """
    target, file = _target(to), settings().master_key_file
    if to or not renewing or not isinstance(target.first, LocalKeyring):
        return _rewrapped(target, show)
    if older_files(file) and (continued := _rewrapped(target, show)).rewrapped:
        return continued
    renew(file, replacing=target.first.key)
    done = _rewrapped(_target(to), show)
    done.renewed = True
    return done


def _rewrapped(target: KeyChain, show: Callable[[int, int], None]) -> Rotation:
    done = Rotation(target.name)
    with transaction() as connection:
        total = connection.execute(select(func.count()).select_from(PackageKey)).scalar_one()
    for row in _rows():
        _one(row, target, done)
        done.packages += 1
        show(done.packages, max(total, done.packages))
    done.left = sum(count for name, count in under_each_key().items() if name != target.name)
    done.kept = older_local_keys()
    return done


def retire(grace_s: float = IN_FLIGHT_S) -> list[str]:
    """Remove the older local keys that nothing is wrapped by; which ones.

    Not before an upload that began under them has been accepted, or given up.

    Args:
        grace_s: seconds since the last rotation.
    """
    file, in_use = settings().master_key_file, under_each_key()
    # A damaged or unnamed one may be wrapped by any of them.
    if DAMAGED in in_use or KeyName(LOCAL, UNNAMED) in in_use:
        return []
    if not file.exists() or time.time() - file.stat().st_mtime < grace_s:
        return []
    unused = [path for path, key in older_keys(file).items() if KeyName(LOCAL, local_name(key)) not in in_use]
    for path in unused:
        path.unlink()
    return [path.name for path in unused]


def _target(to: str) -> KeyChain:
    """The chain with the key ring in front that wraps."""
    known = urls()
    if not to:
        return master_keyring()
    if to not in known:
        raise Misconfigured(
            "the fleet could not open what is wrapped by that key: add its URL to ECHO_KEYS_URL after the current one, "
            "with a comma between, restart, and rotate then"
        )
    return KeyChain([to, *(url for url in known if url != to)])


def _one(row: AnyRow, target: KeyChain, done: Rotation) -> None:
    """Wrap one package's key anew, in a transaction of its own: no lock is held while a key service is asked."""
    if _name(row.wrapped_key) == target.name:
        done.unchanged += 1
        return
    context = package_context(row.user_id, row.package_id)
    try:
        wrapped = target.wrap(target.unwrap(row.wrapped_key, context), context)
    except VaultError:
        done.unreadable += 1
        return
    with transaction() as connection:
        replaced = connection.execute(
            update(PackageKey)
            .where(PackageKey.package_id == row.package_id, PackageKey.wrapped_key == row.wrapped_key)
            .values(wrapped_key=wrapped)
        ).rowcount
    done.rewrapped += replaced
    done.gone += 1 - replaced


def _name(wrapped: bytes) -> KeyName:
    try:
        return wrapped_by(wrapped)
    except VaultError:
        return DAMAGED


def _rows() -> Iterator[AnyRow]:
    """All wrapped keys, in batches, none of which holds a transaction open while its rows are worked on."""
    after: UUID | None = None
    while True:
        with transaction() as connection:
            batch = _batch(connection, after)
        yield from batch
        if len(batch) < BATCH:
            return
        after = batch[-1].package_id


def _batch(connection: Connection, after: UUID | None) -> list[AnyRow]:
    query = select(PackageKey.package_id, PackageKey.user_id, PackageKey.wrapped_key).order_by(PackageKey.package_id)
    if after is not None:
        query = query.where(PackageKey.package_id > after)
    return [*connection.execute(query.limit(BATCH))]
