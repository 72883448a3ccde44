"""Packages as their owner sees them: lists, status, analysing again, cancelling, and what was read out of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select, update

from app.analyzers.catalog import interpreting
from app.database import transaction
from app.errors import Conflict, NotFound
from app.features import feature_store
from app.models import PackageKey, Run, Step, TextLayerRecord, UserDataPackage
from app.services import dispatch
from app.services.layers import load_layer, main_layer
from app.services.llm import ledger
from app.services.planning import now
from app.services.ports import Pipeline
from app.services.submit import announce, permitted, start_run
from app.vocabulary import DataType, Phase, RunStatus, StepStatus
from config.settings import settings

#: The newest run of each package.
_NEWEST = (
    select(
        Run.__table__, func.row_number().over(partition_by=Run.package_id, order_by=Run.sequence.desc()).label("age")
    )
).subquery()


def listed(user_id: str, *, limit: int = 50, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """A page of the person's packages, newest first, and how many there are."""
    newest = _NEWEST
    with transaction() as connection:
        total = connection.execute(
            select(func.count()).select_from(UserDataPackage).where(UserDataPackage.user_id == user_id)
        ).scalar_one()
        rows = connection.execute(
            select(UserDataPackage.__table__, newest.c.state, newest.c.reason)
            .join(newest, (newest.c.package_id == UserDataPackage.package_id) & (newest.c.age == 1))
            .where(UserDataPackage.user_id == user_id)
            .order_by(UserDataPackage.created_at.desc(), UserDataPackage.package_id)
            .limit(limit)
            .offset(offset)
        ).mappings()
        return [
            {
                "packageID": row["package_id"],
                "file": row["file_name"],
                "dataType": row["data_type"],
                "mediaType": row["media_type"],
                "sizeBytes": row["size_bytes"],
                "sourceDescription": row["source_description"],
                "runStatus": row["state"],
                "reason": row["reason"],
                "createdAt": row["created_at"],
            }
            for row in rows
        ], total


def status(user_id: str, package_id: UUID) -> dict[str, Any]:
    """State of the package's newest run.

    Raises:
        NotFound: no such package, or somebody else's.
    """
    found = statuses(user_id, [package_id])
    if not found:
        raise NotFound("no such package")
    return found[0]


def statuses(user_id: str, package_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """States of several packages at once, in the order asked for; unknown ones are left out."""
    newest = _NEWEST
    with transaction() as connection:
        packages = (
            connection.execute(
                select(UserDataPackage.file_name, UserDataPackage.data_type, newest)
                .join(newest, (newest.c.package_id == UserDataPackage.package_id) & (newest.c.age == 1))
                .where(UserDataPackage.user_id == user_id, UserDataPackage.package_id.in_(package_ids))
            )
            .mappings()
            .all()
        )
        steps: dict[UUID, list[dict[str, Any]]] = {}
        for row in connection.execute(
            select(Step.__table__)
            .where(Step.run_id.in_([package["run_id"] for package in packages]))
            .order_by(Step.phase.desc(), Step.analyzer)
        ).mappings():
            steps.setdefault(row["run_id"], []).append({**row})
        layers = _layers(connection, [package["package_id"] for package in packages])
        spent = ledger.costs(connection, [package["run_id"] for package in packages])
    place = {package_id: index for index, package_id in enumerate(package_ids)}
    states = [
        _state(
            {**package},
            steps.get(package["run_id"], []),
            layers.get(package["package_id"], []),
            spent.get(package["run_id"], {}),
        )
        for package in packages
    ]
    return sorted(states, key=lambda state: place[state["packageID"]])


def _state(
    run: dict[str, Any],
    steps: list[dict[str, Any]],
    layers: list[dict[str, Any]],
    spent: Mapping[UUID, Decimal],
) -> dict[str, Any]:
    finished = run["finished_at"]
    took = round((finished - run["created_at"]).total_seconds() * 1000) if finished else None
    return {
        "packageID": run["package_id"],
        "runID": run["run_id"],
        "file": run["file_name"],
        "dataType": run["data_type"],
        "runStatus": run["state"],
        "bulk": run["bulk"],
        "reason": run["reason"],
        "progress": _progress(run, steps),
        "durationMs": took,
        "createdAt": run["created_at"],
        "finishedAt": finished,
        "cost": {"amount": float(sum(spent.values())), "currency": "USD"},
        "steps": [
            {
                "analyzer": step["analyzer"],
                "version": step["version"],
                "queue": step["queue"],
                "modality": step["modality"],
                "phase": step["phase"],
                "status": step["state"],
                "reason": step["reason"],
                "attempts": step["attempts"],
                "waits": step["waits"],
                "notBefore": None if StepStatus(step["state"]).final else step["not_before"],
                "cost": float(spent.get(step["step_id"], 0)),
                "processingTimeMs": step["processing_time_ms"],
                "featureSetID": step["feature_set_id"],
            }
            for step in steps
        ],
        "textLayers": layers,
    }


def _progress(run: dict[str, Any], steps: list[dict[str, Any]]) -> float:
    """Share of the steps that have ended; steps not planned yet and the merge count as open."""
    if RunStatus(run["state"]).final:
        return 1.0
    ended = sum(StepStatus(step["state"]).final for step in steps)
    expected = len(steps) + 1
    if run["phase"] == str(Phase.PERCEIVE) and run["data_type"] != str(DataType.AUDIO):
        expected += len(interpreting())
    return round(ended / expected, 3)


def _layers(connection: Connection, package_ids: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in connection.execute(
        select(TextLayerRecord.__table__)
        .where(TextLayerRecord.package_id.in_(package_ids))
        .order_by(TextLayerRecord.own_characters.desc(), TextLayerRecord.text_layer_id)
    ):
        found.setdefault(row.package_id, []).append(
            {
                "textLayerID": row.text_layer_id,
                "kind": row.kind,
                "language": row.language,
                "characters": row.characters,
                "sha256": row.sha256,
            }
        )
    return found


def analyse_again(user_id: str, package_id: UUID, pipeline: Pipeline, *, bulk: bool = False) -> dict[str, Any]:
    """A new run of a package.

    Args:
        user_id: whose.
        package_id: of the package.
        pipeline: where it is published.
        bulk: ask vendors in batches: half the price, and answers within a day.

    Raises:
        NotFound: no such package, or somebody else's.
        Conflict: a run of it is still open, or bulk is asked for where answers are not kept.
    """
    if bulk and not settings().llm_recordings:
        # Answers of a batch come when no analyzer waits for them: they have to be kept until it is there again.
        raise Conflict("answers are not kept here (ECHO_LLM_RECORDINGS), which batches need: analyse without `bulk`")
    with transaction() as connection:
        mine = (UserDataPackage.package_id == package_id, UserDataPackage.user_id == user_id)
        found = connection.execute(select(UserDataPackage.__table__).where(*mine)).mappings().one_or_none()
        if found is None:
            raise NotFound("no such package")
        package = {**found}
        verdicts = permitted(connection, package)
        # A package without its key is being erased.
        readable = select(UserDataPackage.package_id).join(
            PackageKey, PackageKey.package_id == UserDataPackage.package_id
        )
        if connection.execute(readable.where(*mine).with_for_update(of=UserDataPackage)).first() is None:
            raise NotFound("no such package")
        running = select(Run.run_id).where(
            Run.package_id == package_id, Run.state.in_([str(RunStatus.QUEUED), str(RunStatus.RUNNING)])
        )
        if connection.execute(running).first() is not None:
            raise Conflict("an analysis of this package is still open: wait for it or cancel it")
        at_once, _ = dispatch.room_for(connection, user_id)
        run = start_run(connection, package, verdicts, at_once=at_once, bulk=bulk)
    announce(run, pipeline)
    return {"packageID": package_id, "runID": run["run_id"], "runStatus": run["state"]}


def cancel(user_id: str, package_id: UUID) -> dict[str, Any]:
    """End the package's open run; steps in the middle of their work find their token gone and store nothing.

    Raises:
        NotFound: no such package, or somebody else's.
    """
    with transaction() as connection:
        cancelled = connection.execute(
            update(Run)
            .where(
                Run.package_id == package_id,
                Run.user_id == user_id,
                Run.state.in_([str(RunStatus.QUEUED), str(RunStatus.RUNNING)]),
            )
            .values(state=str(RunStatus.CANCELLED), phase=str(Phase.ENDED), cancel_requested=True, finished_at=now())
            .returning(Run.run_id)
        ).all()
        connection.execute(
            update(Step)
            .where(
                Step.run_id.in_([row.run_id for row in cancelled]),
                Step.state.in_([str(StepStatus.PENDING), str(StepStatus.RUNNING)]),
            )
            .values(state=str(StepStatus.CANCELLED), token=None, finished_at=now())
        )
    return status(user_id, package_id)


def owner_of(package_id: UUID) -> str:
    """Whose package it is; for the operator's command line only.

    Raises:
        NotFound: no such package.
    """
    with transaction() as connection:
        owner = connection.execute(
            select(UserDataPackage.user_id).where(UserDataPackage.package_id == package_id)
        ).scalar_one_or_none()
    if owner is None:
        raise NotFound("no such package")
    return owner


def text_layers(user_id: str, package_id: UUID) -> list[dict[str, Any]]:
    """The package's text layers, the main one first."""
    return list(status(user_id, package_id)["textLayers"])


def layer_text(user_id: str, package_id: UUID, text_layer_id: UUID | None = None) -> str:
    """The text of a layer, the main one unless told otherwise.

    Raises:
        NotFound: no such package or layer, or somebody else's.
    """
    with transaction() as connection:
        main = main_layer(connection, package_id)
        if main is None or main.user_id != user_id:
            raise NotFound("this package has no text layer")
        return load_layer(connection, user_id, text_layer_id or main.text_layer_id).text


def features(user_id: str, package_id: UUID) -> list[dict[str, Any]]:
    """RawAnalysisFeatures of the package, as JSON."""
    return [document.as_json() for document in feature_store().of_package(user_id, package_id)]
