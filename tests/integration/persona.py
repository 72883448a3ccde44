"""A person with consent, packages in the real vault, and analyses whose findings a test states.

Findings travel the real way: as features in the store, read by a rule that is registered for the test's own analyzer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, select

from app.consent import grant
from app.database import AnyRow, stable_id, transaction
from app.errors import Reason
from app.features import FeatureDocument, feature_set_id, feature_store, fence
from app.layers import Segment, Span, TextLayer, digest
from app.models import (
    Base,
    CandidateContribution,
    Concept,
    ConceptRelation,
    EvidenceSnippet,
    ExtractedTraitCandidate,
    GraphOutbox,
    PackageKey,
    Run,
    Step,
    TextLayerRecord,
    UserDataPackage,
)
from app.traits import rules_concepts
from app.traits.concepts import Concepts
from app.traits.signals import Measured, Signal
from app.vault import new_package
from app.vocabulary import ClaimKind, Modality, Phase, ReasonCode, RunStatus, StepStatus, TraitCategory

ANALYZER = "text.stated_by_test"
RULE, CONCEPTS = f"{__name__}:signals", f"{__name__}:concepts"
SCOPE = "analyse:text:local"

WORDS = (
    "I work as a printer in a small town. Do you ask as many questions as I do? Why would anybody not ask? "
    "I never miss a morning by the river. Perhaps I think too much about chess. Who would not love the game? "
    "When did you last write to me? I thank you for the book. I was born in Boston, and I miss it. "
)


def signals(measured: Measured) -> Iterator[Signal]:
    """The rule: what the test stated."""
    for stated in measured.features["signals"]:
        yield Signal(
            **{
                "analyzer": measured.analyzer,
                "feature_set_id": measured.feature_set_id,
                **stated,
                "category": TraitCategory(stated["category"]),
                "claim_kind": ClaimKind(stated["claim_kind"]),
                "evidence": tuple(_span(measured.layer, quote) for quote in stated["evidence"]),
                "counter": tuple(_span(measured.layer, quote) for quote in stated["counter"]),
            }
        )


def concepts(measured: Measured) -> Concepts:
    """The rule for concepts, where the test stated any."""
    return rules_concepts.concepts(measured) if measured.features.get("findings") else Concepts()


def about(name: str, places: int = 3, *, general: Iterable[str] = (), near: Iterable[str] = ()) -> dict[str, Any]:
    """A concept as the features of a language model's findings have it."""
    relations = [("is_a_type_of", to) for to in general] + [("associated_with", to) for to in near]
    return {
        "kind": "concept",
        "name": name.capitalize(),
        "object": name,
        "affirmed": True,
        "sensitive": False,
        "places": places,
        "evidence": [],
        "counter": [],
        "relations": [{"relation": relation, "to": to} for relation, to in relations],
    }


def _span(layer: TextLayer | None, quote: str | dict[str, Any]) -> Span:
    if isinstance(quote, dict):
        return Span.from_json(quote)
    start = layer.text.find(quote) if layer else 0
    return Span(start, start + len(quote), digest(quote))


def finding(
    key: str = "habit:questions:high", name: str = "Asks a lot of questions", **changed: object
) -> dict[str, Any]:
    """One signal as JSON."""
    return {
        "key": key,
        "name": name,
        "description": "30 questions in 100 sentences.",
        "category": "CommunicationStyle",
        "claim_kind": "observed",
        "evidence": ["Why would anybody not ask?", "Who would not love the game?", "When did you last write to me?"],
        "counter": [],
        "certainty": 0.9,
        "distance": 2.0,
        "specificity": 0.7,
        "occurrences": 4,
        "own_words": 2000,
        **changed,
    }


@dataclass
class Person:
    """Somebody new, with consent to local text analysis."""

    user_id: str = field(default_factory=lambda: f"person-{uuid4().hex[:12]}")
    consent: UUID = field(init=False)

    def __post_init__(self) -> None:
        with transaction() as connection:
            self.consent = grant(connection, self.user_id, [SCOPE], "test", None).consent_token_id

    def package(self, words: str = WORDS, *, layer: TextLayer | None = None, **details: str) -> UUID:
        """Upload a text that was read already."""
        package_id = uuid4()
        vault = new_package(self.user_id, package_id)
        layer = layer or TextLayer(words, segments=(Segment(0, len(words)),))
        layer_id = stable_id("layer", package_id, "text.read", "1", 0)
        object_key = vault.put(f"layer-{layer_id}", json.dumps(layer.as_json()).encode())
        with transaction() as connection:
            connection.execute(
                insert(UserDataPackage),
                {
                    "package_id": package_id, "user_id": self.user_id, "consent_token_id": self.consent,
                    "source_description": "letters", "file_name": "letters.txt", "data_type": "text",
                    "media_type": "text/plain", "size_bytes": len(words), "sha256": digest(words),
                    "object_key": object_key, "request_fingerprint": "", "details": details,
                },
            )  # fmt: skip
            connection.execute(
                insert(PackageKey),
                {"package_id": package_id, "user_id": self.user_id, "wrapped_key": vault.wrapped_key},
            )
            connection.execute(
                insert(TextLayerRecord),
                {
                    "text_layer_id": layer_id, "package_id": package_id, "user_id": self.user_id, "kind": layer.kind,
                    "language": "en", "characters": len(layer.text), "own_characters": len(layer.text),
                    "sha256": digest(layer.text), "object_key": object_key, "made_by": "text.read 1",
                    "created_at": datetime.now(UTC),
                },
            )  # fmt: skip
        return package_id

    def analysed(
        self,
        package_id: UUID,
        *findings: dict[str, Any],
        steps: Iterable[dict[str, Any]] = (),
        concepts: Iterable[dict[str, Any]] = (),
        features: dict[str, Any] | None = None,
        phase: Phase = Phase.INTERPRET,
    ) -> UUID:
        """A run of the package whose steps have ended, ready to be merged."""
        run_id = uuid4()
        moment = datetime.now(UTC)
        step = {"run_id": run_id, "package_id": package_id, "user_id": self.user_id, "scope": SCOPE, "modality": "text",
                "queue": "text", "lane": "text", "version": "1", "state": str(StepStatus.DONE), "reason": None,
                "phase": str(Phase.INTERPRET), "feature_set_id": None}  # fmt: skip
        mine = feature_set_id(package_id, ANALYZER, "1")
        rows = [
            {**step, "analyzer": "text.read", "phase": str(Phase.PERCEIVE)},
            {**step, "analyzer": ANALYZER, "feature_set_id": mine},
            *({**step, **other} for other in steps),
        ]
        rows = [*{row["analyzer"]: row for row in rows}.values()]
        run = {"run_id": run_id, "package_id": package_id, "user_id": self.user_id, "consent_token_id": self.consent}
        run |= {"state": str(RunStatus.RUNNING), "phase": str(phase), "moved_at": moment}
        with transaction() as connection:
            sequence = connection.execute(insert(Run).values(**run).returning(Run.sequence)).scalar_one()
            connection.execute(insert(Step), [{**row, "step_id": uuid4()} for row in rows])
            document = FeatureDocument(
                feature_set_id=mine,
                user_id=self.user_id,
                source_package_id=package_id,
                modality=Modality.TEXT,
                analyzer=ANALYZER,
                version="1",
                model_name_or_type="test-model",
                extracted_features=features
                or {"signals": [*findings], "findings": [*concepts], "firstPersonRate": 5.0},
                timestamp=moment,
                processing_time_ms=1,
                fence=fence(sequence, 1),
            )
            feature_store().put_many([document], connection)
        return run_id

    def candidates(self) -> dict[str, AnyRow]:
        """Rows of all candidates, archived ones too, by key."""
        return {row.trait_key: row for row in self._rows(ExtractedTraitCandidate)}

    def contributions(self, candidate: AnyRow) -> list[UUID]:
        """Packages that contribute to a candidate."""
        rows = self._rows(CandidateContribution)
        return [row.package_id for row in rows if row.candidate_id == candidate.candidate_id]

    def evidence(self) -> list[AnyRow]:
        """Rows of all evidence."""
        return self._rows(EvidenceSnippet)

    def concepts(self) -> set[tuple[UUID, str, int]]:
        """Package, name and places of all concepts."""
        return {(row.package_id, row.name, row.places) for row in self._rows(Concept)}

    def relations(self) -> set[tuple[UUID, str, str, str]]:
        """Package, source, relation and target of all relations between concepts."""
        return {(row.package_id, row.source, row.relation, row.target) for row in self._rows(ConceptRelation)}

    def outbox(self) -> list[str]:
        """Causes for which the graph is to be drawn again."""
        return [row.cause for row in self._rows(GraphOutbox)]

    def run(self, run_id: UUID) -> AnyRow:
        """The row of a run."""
        with transaction() as connection:
            return connection.execute(select(Run.__table__).where(Run.run_id == run_id)).one()

    def _rows(self, table: type[Base]) -> list[AnyRow]:
        with transaction() as connection:
            return [*connection.execute(select(table.__table__).where(table.__table__.c.user_id == self.user_id))]


def failed(analyzer: str, code: ReasonCode, **changed: object) -> dict[str, Any]:
    """A step that failed."""
    reason = Reason(code, "a test said so").as_json()
    return {"analyzer": analyzer, "state": str(StepStatus.FAILED), "reason": reason, **changed}


def dump() -> str:
    """Every value of every table, to look for words in."""
    tables = Base.metadata.sorted_tables
    with transaction() as connection:
        return "\n".join(str(row) for table in tables for row in connection.execute(select(table)))
