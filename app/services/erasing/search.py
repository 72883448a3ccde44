"""The search that ends an erasure: canaries and ids in every store, every message and every log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import UUID

from sqlalchemy import Text, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from app.database import AnyRow, transaction
from app.errors import StoreUnavailable
from app.features import feature_store
from app.models import Base, Concept, SettledTrait, UserDataPackage
from app.pkg import graph_store
from app.services.erasing.state import among
from app.vault import objects_of
from config.settings import settings

#: Tables that stay: proof of what was allowed, who read what, and what was erased; they name ids only.
STAYING = frozenset({"consent_ledger", "access_log", "erasures"})
#: Characters that a needle needs to be looked for where everybody's data is.
MARKED = 12
#: Bytes of a log read at once, and of all logs.
_BLOCK, _MOST_BYTES = 2**20, 2**30
#: Ids looked for as words; of more packages, these stand for all.
_MOST_IDS = 500


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to.

    Attributes:
        store: where.
        searched: texts and ids looked for.
        found: places that hold one of them.
    """

    store: str
    searched: int
    found: int

    def as_json(self) -> dict[str, str | int]:
        """The shape in a receipt."""
        return {"store": self.store, "searched": self.searched, "found": self.found}


class Messages(Protocol):
    """What waits in the broker and what the result backend keeps; the tasks know how to look into them."""

    def forget(self, run_ids: Sequence[UUID]) -> int:
        """Remove results that mention one of these runs; how many there were.

        Raises:
            StoreUnavailable: the result backend does not answer.
        """

    def search(self, needles: Sequence[str]) -> list[Found]:
        """Look for texts in messages and results.

        Raises:
            StoreUnavailable: one of them does not answer.
        """


@dataclass(frozen=True, slots=True)
class Needles:
    """What is looked for.

    Attributes:
        words: canaries.
        ids: of the packages.
    """

    words: Sequence[str] = field(repr=False)
    ids: Sequence[str]

    @property
    def all(self) -> list[str]:
        """Words and ids."""
        return [*self.words, *self.ids]

    @property
    def marked(self) -> list[str]:
        """Words that can hardly be anybody else's."""
        return [word for word in self.words if len(word) >= MARKED]


def needles_of(erasure: AnyRow, words: Sequence[str]) -> Needles:
    """What to look for after an erasure: not what the person settled on, and nothing that another package has too."""
    settled = select(SettledTrait.trait_name, SettledTrait.trait_description, SettledTrait.customization_notes)
    others = select(UserDataPackage.file_name, UserDataPackage.source_description)
    elsewhere = ~among(UserDataPackage.package_id, erasure.package_ids)
    about = select(Concept.name).where(Concept.user_id == erasure.user_id)
    with transaction() as connection:
        kept = [
            *connection.execute(settled.where(SettledTrait.user_id == erasure.user_id)),
            *connection.execute(others.where(UserDataPackage.user_id == erasure.user_id, elsewhere)),
            *connection.execute(about.where(~among(Concept.package_id, erasure.package_ids))),
        ]
    own = "\n".join(part for row in kept for part in row if part)
    ids = [str(package_id) for package_id in erasure.package_ids[:_MOST_IDS]]
    return Needles([word for word in words if word not in own], ids)


def search(erasure: AnyRow, words: Sequence[str], messages: Messages) -> list[Found]:
    """Look everywhere.

    Args:
        erasure: its row.
        words: its canaries.
        messages: broker and result backend.

    Raises:
        StoreUnavailable: a store does not answer.
    """
    needles = needles_of(erasure, words)
    user_id = erasure.user_id
    every = len(needles.all)
    return [
        Found("postgresql", every, _rows(user_id, needles.all)),
        Found("features", every, feature_store().search(user_id, needles.all)),
        Found("graph", every, graph_store().search(user_id, needles.all)),
        Found("objects", len(erasure.package_ids), sum(1 for _ in _objects(user_id, erasure.package_ids))),
        *messages.search([*needles.marked, *needles.ids]),
        Found("logs", len(needles.marked), _logs(needles.marked)),
    ]


def _rows(user_id: str, needles: Sequence[str]) -> int:
    """The person's rows that hold a needle, in every table that knows persons and does not stay."""
    names = [name for name, table in Base.metadata.tables.items() if "user_id" in table.columns and name not in STAYING]
    found = 0
    with transaction() as connection:
        for name in sorted(names):
            # The name comes from our own tables; a row as text holds all its columns.
            holding = text(
                f"SELECT count(*) FROM {name} AS held WHERE user_id = :user AND EXISTS "  # noqa: S608 - see above
                "(SELECT 1 FROM unnest(:needles) AS needle WHERE strpos(held::text, needle) > 0)"
            ).bindparams(bindparam("needles", type_=ARRAY(Text)))
            found += connection.execute(holding, {"user": user_id, "needles": [*needles]}).scalar_one()
    return found


def _objects(user_id: str, package_ids: Iterable[UUID]) -> Iterator[str]:
    for package_id in package_ids:
        yield from objects_of(user_id, package_id)


def _logs(needles: Sequence[str]) -> int:
    """Log files of this home that hold a needle."""
    folder = settings().home / "logs"
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    wanted = [needle.encode() for needle in needles]
    return sum(_holds(path, wanted) for path in files)


def _holds(path: Path, wanted: Sequence[bytes]) -> bool:
    """Whether a file holds any of these, its last GiB read block by block, with an overlap."""
    longest = max((len(needle) for needle in wanted), default=0)
    try:
        with path.open("rb") as source:
            source.seek(max(0, path.stat().st_size - _MOST_BYTES))
            rest = b""
            while block := source.read(_BLOCK):
                window = rest + block
                if any(needle in window for needle in wanted):
                    return True
                rest = window[-longest:] if longest else b""
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreUnavailable("a log file of the home cannot be read: let the workers' account read it") from error
    return False
