"""SQLAlchemy tables, nothing else."""

from app.models.access import AccessLogEntry
from app.models.base import Base
from app.models.concepts import Concept, ConceptRelation
from app.models.consent import ConsentLedgerEntry
from app.models.erasure import Erasure
from app.models.features import RawAnalysisFeatures
from app.models.graph import GraphEdge, GraphNode, GraphOutbox
from app.models.intake import PackageKey, TextLayerRecord, UserDataPackage
from app.models.llm import LlmBatch, LlmBatchItem, LlmBreaker, LlmCall
from app.models.runs import Run, Step
from app.models.traits import (
    CandidateContribution,
    CommunicationStyles,
    EvidenceSnippet,
    ExtractedTraitCandidate,
    SettledTrait,
    UserRefinedTrait,
)

__all__ = [
    "AccessLogEntry",
    "Base",
    "CandidateContribution",
    "CommunicationStyles",
    "Concept",
    "ConceptRelation",
    "ConsentLedgerEntry",
    "Erasure",
    "EvidenceSnippet",
    "ExtractedTraitCandidate",
    "GraphEdge",
    "GraphNode",
    "GraphOutbox",
    "LlmBatch",
    "LlmBatchItem",
    "LlmBreaker",
    "LlmCall",
    "PackageKey",
    "RawAnalysisFeatures",
    "Run",
    "SettledTrait",
    "Step",
    "TextLayerRecord",
    "UserDataPackage",
    "UserRefinedTrait",
]
