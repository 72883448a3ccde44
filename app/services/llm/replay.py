"""Recorded answers used again: what a package's vendors were sent, and a run repeated from what they answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from app.analysis import Context, Result
from app.analyzers.catalog import analyzer
from app.analyzers.llm.port import VendorError
from app.asking import Answer, Ask, Request
from app.database import AnyRow, engine, transaction
from app.errors import EchoError, NotFound
from app.features import feature_store
from app.layers import TextLayer
from app.models import PackageKey, Run, Step, UserDataPackage
from app.services.layers import load_main_layer
from app.services.llm import recordings, vendors
from app.services.llm.asking import Door
from app.vault import PackageVault, open_package
from app.vocabulary import Authorship, Queue, StepStatus
from config.settings import settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One analyzer of a run, repeated.

    Attributes:
        analyzer: its name.
        model: that answered the repetition.
        equal: whether the features are the stored ones, bit for bit.
        gained: findings, as (kind, name), that only the repetition has.
        lost: those that only the stored features have.
        trouble: why it could not be repeated; empty where it was.
    """

    analyzer: str
    model: str = ""
    equal: bool = False
    gained: tuple[tuple[str, str], ...] = ()
    lost: tuple[tuple[str, str], ...] = ()
    trouble: str = ""

    def as_json(self) -> dict[str, Any]:
        """As `echosphere replay --json` shows it."""
        return {
            "analyzer": self.analyzer,
            "model": self.model,
            "equal": self.equal,
            "gained": [{"kind": kind, "name": name} for kind, name in self.gained],
            "lost": [{"kind": kind, "name": name} for kind, name in self.lost],
            "trouble": self.trouble or None,
        }


def sent(package_id: UUID) -> list[dict[str, Any]]:
    """What left of a package, oldest first: the text as it was sent, redacted, and who was asked what about it.

    Raises:
        NotFound: no such package, or its key is gone.
    """
    with transaction() as connection:
        vault = _vault(connection, package_id)
    found = sorted(recordings.all_of(vault), key=lambda one: (one.asked_at, one.analyzer))
    return [
        {
            "runID": str(one.run_id),
            "analyzer": one.analyzer,
            "model": one.model,
            "askedAt": one.asked_at.isoformat(),
            "prompt": one.request.prompt,
            "window": one.request.window,
            "windows": one.request.windows,
            "attempt": one.request.attempt,
            "system": one.request.system,
            "document": one.request.document,
            "instruction": one.request.instruction,
        }
        for one in found
    ]


def replay(run_id: UUID, model: str = "") -> list[Replayed]:
    """Repeat what a run asked: from its recordings, or of another model, which is asked and costs what it costs.

    The stored features that it is compared with are those of the package's newest run.

    Args:
        run_id: of the run.
        model: the other model; empty to repeat offline.

    Raises:
        NotFound: no such run, or it asked nobody.
    """
    with engine().connect() as connection:
        with connection.begin():
            steps = connection.execute(_ASKED.where(Step.run_id == run_id)).all()
            if not steps:
                raise NotFound("this run asked no language model, or there is no such run")
            vault = _vault(connection, steps[0].package_id)
            layer = load_main_layer(connection, steps[0].user_id, steps[0].package_id)
        if layer is None:
            raise NotFound("the package has no text layer any more")
        stored = {
            one.analyzer: one.extracted_features for one in feature_store().of_package(vault.user_id, vault.package_id)
        }
        return [_replayed(_ask(connection, step, vault, model), step, layer[1], stored) for step in steps]


_ASKED = (
    select(Step.__table__, Run.consent_token_id.label("consent"), UserDataPackage.details)
    .join(Run, Run.run_id == Step.run_id)
    .join(UserDataPackage, UserDataPackage.package_id == Step.package_id)
    .where(Step.queue == str(Queue.LLM), Step.state == str(StepStatus.DONE))
    .order_by(Step.analyzer)
)


def _vault(connection: Connection, package_id: UUID) -> PackageVault:
    found = connection.execute(
        select(UserDataPackage.user_id, PackageKey.wrapped_key)
        .join(PackageKey, PackageKey.package_id == UserDataPackage.package_id)
        .where(UserDataPackage.package_id == package_id)
    ).one_or_none()
    if found is None:
        raise NotFound("no such package")
    return open_package(found.user_id, package_id, found.wrapped_key)


def _ask(connection: Connection, step: AnyRow, vault: PackageVault, model: str) -> Ask:
    if model:
        return Door(connection, step, step, vault, vendors.vendor(model), again=True).ask

    def recorded(request: Request) -> Answer:
        found = recordings.find(vault, step.run_id, request)
        if found is None:
            raise NotFound("no answer to this question is recorded: text, prompt or windows are not those of the run")
        return found.answer

    return recorded


def _replayed(ask: Ask, step: AnyRow, layer: TextLayer, stored: dict[str, dict[str, Any]]) -> Replayed:
    row = analyzer(step.analyzer)
    options = {**row.options, **settings().analyzer_options.get(row.name, {})}
    authorship = Authorship(step.details.get("authorship", Authorship.UNKNOWN))
    try:
        result: Result = row.load()(layer, Context(authorship, options, ask))
    except (VendorError, EchoError) as error:
        return Replayed(analyzer=row.name, trouble=error.message)
    before, after = _findings(stored.get(row.name, {})), _findings(result.features)
    return Replayed(
        analyzer=row.name,
        model=result.model,
        equal=result.features == stored.get(row.name),
        gained=tuple(sorted(after - before)),
        lost=tuple(sorted(before - after)),
    )


def _findings(features: dict[str, Any]) -> set[tuple[str, str]]:
    return {(finding["kind"], finding["name"]) for finding in features.get("findings", [])}
