"""`provenance.jsonld`: where everything comes from, in W3C PROV-O.

Packages, text layers, feature sets, candidates and settled traits are entities; runs, steps and decisions are
activities; the person, the analyzers and this software are agents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import Connection, distinct, func, select

from app.models import (
    CandidateContribution,
    ExtractedTraitCandidate,
    Run,
    SettledTrait,
    Step,
    TextLayerRecord,
    UserRefinedTrait,
)
from app.services.bundle.linked import VOCABULARY, XSD, document, moment, person_urn, urn
from app.services.bundle.tables import BATCH, DECISIONS, PACKAGES, RUNS
from app.vocabulary import Phase, StepStatus

SOFTWARE = "urn:echosphere:software"
_LINKS = (
    "wasAttributedTo", "wasDerivedFrom", "wasGeneratedBy", "used", "wasAssociatedWith", "wasInformedBy",
    "wasInfluencedBy",
)  # fmt: skip
_TIMES = ("startedAtTime", "endedAtTime", "generatedAtTime")
CONTEXT: dict[str, Any] = {
    "prov": "http://www.w3.org/ns/prov#",
    "echo": VOCABULARY,
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": XSD,
    "id": "@id",
    "type": "@type",
    "label": "rdfs:label",
    **{name: f"prov:{name}" for name in ("Entity", "Activity", "Agent", "Person", "SoftwareAgent")},
    **{name: {"@id": f"prov:{name}", "@type": "@id"} for name in _LINKS},
    **{name: {"@id": f"prov:{name}", "@type": "xsd:dateTime"} for name in _TIMES},
    "status": "echo:status",
    "dataType": "echo:dataType",
    "sha256": "echo:sha256",
    "analyzer": "echo:analyzer",
    "userDecision": "echo:userDecision",
    "traitName": "echo:traitName",
    "partOfRun": {"@id": "echo:partOfRun", "@type": "@id"},
}
#: The newest run counts where several made the same thing.
_NEWEST = Run.sequence.desc()


def provenance(connection: Connection, user_id: str) -> Iterator[str]:
    """The document, piece by piece."""
    yield from document(CONTEXT, _items(connection, user_id))


def _items(connection: Connection, user_id: str) -> Iterator[dict[str, Any]]:
    yield from _agents(connection, user_id)
    for package in PACKAGES.rows(connection, user_id):
        yield {
            "id": urn(package.package_id),
            "type": ["Entity", "echo:UserDataPackage"],
            "dataType": package.data_type,
            "sha256": package.sha256,
            "generatedAtTime": moment(package.created_at),
            "wasAttributedTo": person_urn(user_id),
        }
    yield from _layers(connection, user_id)
    for run in RUNS.rows(connection, user_id):
        yield {
            "id": urn(run.run_id),
            "type": ["Activity", "echo:Run"],
            "used": urn(run.package_id),
            "wasAssociatedWith": SOFTWARE,
            "status": run.state,
            "startedAtTime": moment(run.created_at),
            "endedAtTime": moment(run.finished_at),
        }
    yield from _steps(connection, user_id)
    yield from _feature_sets(connection, user_id)
    yield from _candidates(connection, user_id)
    yield from _decisions(connection, user_id)
    yield from _traits(connection, user_id)


def _agents(connection: Connection, user_id: str) -> Iterator[dict[str, Any]]:
    yield {"id": person_urn(user_id), "type": ["Agent", "Person"]}
    yield {"id": SOFTWARE, "type": ["Agent", "SoftwareAgent"], "label": f"EchoSphere {version('echosphere')}"}
    query = select(Step.analyzer, Step.version).where(Step.user_id == user_id).distinct()
    for name, number in connection.execute(query.order_by(Step.analyzer, Step.version)):
        yield {
            "id": _analyzer(name, number),
            "type": ["Agent", "SoftwareAgent"],
            "label": f"{name} {number}",
        }


def _analyzer(name: str, number: str) -> str:
    return f"urn:echosphere:analyzer:{quote(name, safe='')}:{quote(number, safe='')}"


def _layers(connection: Connection, user_id: str) -> Iterator[dict[str, Any]]:
    layer = TextLayerRecord
    maker = (
        select(Step.step_id)
        .join(Run, Run.run_id == Step.run_id)
        .where(
            Step.package_id == layer.package_id,
            Step.state == str(StepStatus.DONE),
            func.concat(Step.analyzer, " ", Step.version) == layer.made_by,
        )
        .order_by(_NEWEST)
        .limit(1)
        .scalar_subquery()
    )
    query = select(layer.__table__, maker.label("maker")).where(layer.user_id == user_id)
    query = query.order_by(layer.text_layer_id).execution_options(yield_per=BATCH)
    for row in connection.execute(query):
        yield {
            "id": urn(row.text_layer_id),
            "type": ["Entity", "echo:TextLayer"],
            "sha256": row.sha256,
            "wasDerivedFrom": urn(row.package_id),
            "wasGeneratedBy": urn(row.maker) if row.maker else None,
            "generatedAtTime": moment(row.created_at),
        }


def _steps(connection: Connection, user_id: str) -> Iterator[dict[str, Any]]:
    """Analyses; those that interpret read the text layers of their package, the others its bytes."""
    layers: dict[UUID, list[UUID]] = defaultdict(list)
    known = select(TextLayerRecord.package_id, TextLayerRecord.text_layer_id).where(TextLayerRecord.user_id == user_id)
    for package_id, layer_id in connection.execute(known.order_by(TextLayerRecord.text_layer_id)):
        layers[package_id].append(layer_id)
    query = select(Step.__table__).where(Step.user_id == user_id).order_by(Step.run_id, Step.analyzer)
    for step in connection.execute(query.execution_options(yield_per=BATCH)):
        interprets = step.phase == str(Phase.INTERPRET) and layers[step.package_id]
        began = step.state in {str(StepStatus.DONE), str(StepStatus.FAILED)}
        read = layers[step.package_id] if interprets else [step.package_id]
        yield {
            "id": urn(step.step_id),
            "type": ["Activity", "echo:AnalyzerRun"],
            "partOfRun": urn(step.run_id),
            "analyzer": step.analyzer,
            "status": step.state,
            "used": [urn(identity) for identity in read] if began else None,
            "wasAssociatedWith": _analyzer(step.analyzer, step.version),
            "startedAtTime": moment(step.started_at),
            "endedAtTime": moment(step.finished_at),
        }


def _feature_sets(connection: Connection, user_id: str) -> Iterator[dict[str, Any]]:
    query = (
        select(
            Step.feature_set_id,
            func.array_agg(distinct(Step.package_id)).label("packages"),
            # The newest run's step, without a second query: arrays keep the order they are aggregated in.
            func.array_agg(Step.step_id).aggregate_order_by(_NEWEST).label("makers"),
            func.min(Step.analyzer).label("analyzer"),
            func.min(Step.version).label("version"),
        )
        .join(Run, Run.run_id == Step.run_id)
        .where(Step.user_id == user_id, Step.feature_set_id.is_not(None))
        .group_by(Step.feature_set_id)
        .order_by(Step.feature_set_id)
    )
    for row in connection.execute(query.execution_options(yield_per=BATCH)):
        yield {
            "id": urn(row.feature_set_id),
            "type": ["Entity", "echo:RawAnalysisFeatures"],
            "wasDerivedFrom": [urn(identity) for identity in row.packages],
            "wasGeneratedBy": urn(row.makers[0]),
            "wasAttributedTo": _analyzer(row.analyzer, row.version),
        }


def _candidates(connection: Connection, user_id: str) -> Iterator[dict[str, Any]]:
    table = ExtractedTraitCandidate
    packages = (
        select(func.array_agg(CandidateContribution.package_id))
        .where(CandidateContribution.candidate_id == table.candidate_id)
        .scalar_subquery()
    )
    query = select(table.__table__, packages.label("packages")).where(table.user_id == user_id)
    for row in connection.execute(query.order_by(table.candidate_id).execution_options(yield_per=BATCH)):
        yield {
            "id": urn(row.candidate_id),
            "type": ["Entity", "echo:ExtractedTraitCandidate"],
            "traitName": row.trait_name,
            "status": row.status,
            "wasDerivedFrom": [urn(identity) for identity in [*row.feature_set_ids, *sorted(row.packages or [])]],
            "wasAttributedTo": SOFTWARE,
            "generatedAtTime": moment(row.created_at),
        }


def _decisions(connection: Connection, user_id: str) -> Iterator[dict[str, Any]]:
    for row in DECISIONS.rows(connection, user_id):
        yield {
            "id": urn(row.refinement_action_id),
            "type": ["Activity", "echo:UserRefinedTrait"],
            "userDecision": row.user_decision,
            "used": urn(row.original_candidate_id) if row.original_candidate_id else None,
            "wasInformedBy": urn(row.undoes) if row.undoes else None,
            "wasAssociatedWith": person_urn(user_id),
            "startedAtTime": moment(row.action_timestamp),
            "endedAtTime": moment(row.action_timestamp),
        }


def _traits(connection: Connection, user_id: str) -> Iterator[dict[str, Any]]:
    """Settled traits: generated by the first decision about them, and influenced by those that followed."""
    decision = UserRefinedTrait
    log = (
        select(func.array_agg(decision.refinement_action_id).aggregate_order_by(decision.sequence))
        .where(decision.trait_id_in_pkg == SettledTrait.trait_id)
        .scalar_subquery()
    )
    query = select(SettledTrait.__table__, log.label("log")).where(SettledTrait.user_id == user_id)
    for row in connection.execute(query.order_by(SettledTrait.trait_id).execution_options(yield_per=BATCH)):
        first, *later = row.log or [None]
        yield {
            "id": urn(row.trait_id),
            "type": ["Entity", "echo:Trait"],
            "traitName": row.trait_name,
            "status": row.status,
            "wasDerivedFrom": urn(row.candidate_id) if row.candidate_id else None,
            "wasGeneratedBy": urn(first) if first else None,
            "wasInfluencedBy": [urn(identity) for identity in later],
            "wasAttributedTo": person_urn(user_id),
        }
