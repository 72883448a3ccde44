"""Recorded answers: question and answer in the package's vault, under its key, gone with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Connection, select

from app.asking import Answer, Request
from app.errors import NotFound
from app.models import PackageKey, UserDataPackage
from app.vault import PackageVault, objects_of, open_package

PREFIX = "llm-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One question and its answer.

    Attributes:
        run_id: of the run that asked.
        analyzer: that asked.
        model: that was asked.
        asked_at: when the answer had come.
        request: the question; its document is what left.
        answer: as it came back.
    """

    run_id: UUID
    analyzer: str
    model: str
    asked_at: datetime
    request: Request
    answer: Answer

    def as_json(self) -> dict[str, Any]:
        """The shape in the vault."""
        return {
            "runID": str(self.run_id),
            "analyzer": self.analyzer,
            "model": self.model,
            "askedAt": self.asked_at.isoformat(),
            "request": asdict(self.request),
            "answer": self.answer.as_json(),
        }

    @classmethod
    def from_json(cls, doc: dict[str, Any]) -> Self:
        """Read back what `as_json` wrote."""
        return cls(
            run_id=UUID(doc["runID"]),
            analyzer=doc["analyzer"],
            model=doc["model"],
            asked_at=datetime.fromisoformat(doc["askedAt"]),
            request=Request(**doc["request"]),
            answer=Answer.from_json(doc["answer"]),
        )


def vault(connection: Connection, package_id: UUID) -> PackageVault:
    """The vault of a package, where its recordings are.

    Raises:
        NotFound: no such package, or its key is gone.
    """
    found = connection.execute(
        select(UserDataPackage.user_id, PackageKey.wrapped_key)
        .join(PackageKey, PackageKey.package_id == UserDataPackage.package_id)
        .where(UserDataPackage.package_id == package_id)
    ).one_or_none()
    if found is None:
        raise NotFound("no such package")
    return open_package(found.user_id, package_id, found.wrapped_key)


def keep(vault: PackageVault, recording: Recording) -> None:
    """Put a recording into the package's vault; one of the same question and run is replaced.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    raw = json.dumps(recording.as_json()).encode()
    vault.put(_name(recording.run_id, recording.request.key), raw)


def find(vault: PackageVault, run_id: UUID, request: Request) -> Recording | None:
    """What a run was answered to a question, if it asked and answers are kept.

    Raises:
        VaultError: it cannot be opened.
        StoreUnavailable: the store does not answer.
    """
    return named(vault, run_id, request.key)


def named(vault: PackageVault, run_id: UUID, question: str) -> Recording | None:
    """What a run was answered to the question of that `Request.key`; raises as `find` does."""
    try:
        return _read(vault.named(_name(run_id, question)))
    except NotFound:
        return None


def all_of(vault: PackageVault, run_id: UUID | None = None) -> Iterator[Recording]:
    """The package's recordings, of one run or of all, by name."""
    start = f"{PREFIX}{run_id.hex}-" if run_id else PREFIX
    for key in objects_of(vault.user_id, vault.package_id):
        if key.rpartition("/")[2].startswith(start):
            yield _read(vault.get(key))


def _name(run_id: UUID, question: str) -> str:
    """A run's recordings are its own: a later run of the package leaves them for `replay`."""
    return f"{PREFIX}{run_id.hex}-{question}"


def _read(raw: bytes) -> Recording:
    return Recording.from_json(json.loads(raw))
