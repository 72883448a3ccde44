"""The words of EchoSphere as closed sets: every status, kind and code that crosses a boundary.

The values are contracts (JSON over HTTP, rows in PostgreSQL); the member names are Python's.
"""

from __future__ import annotations

from enum import StrEnum


class Modality(StrEnum):
    """What a feature set was measured on."""

    TEXT = "text"
    AUDIO = "audio"
    IMAGE = "image"
    VIDEO = "video"
    FUSED = "multimodal_fused"


class DataType(StrEnum):
    """What an upload is, decided by its bytes and not by its name."""

    TEXT = "text"  #: plain text or Markdown
    DOCUMENT = "document"  #: PDF, DOCX, HTML
    MAIL = "mail"  #: RFC 5322 message
    AUDIO = "audio"
    IMAGE = "image"
    UNKNOWN = "unknown"  #: nothing we can open; the run ends `rejected` with the reason


class Queue(StrEnum):
    """Where a task waits; one worker kind serves one queue."""

    TEXT = "text"
    AUDIO = "audio"
    GPU = "gpu"
    LLM = "llm"  #: waits on remote model APIs, in threads
    CONTROL = "control"  #: interpret, merge, graph projection
    MAINTENANCE = "maintenance"  #: dispatcher and reconciler alone


class Phase(StrEnum):
    """Which chord a step belongs to."""

    PERCEIVE = "perceive"  #: bytes to text layers and tracks
    INTERPRET = "interpret"  #: text layers to features
    MERGE = "merge"  #: features to candidates
    ENDED = "ended"


class RunStatus(StrEnum):
    """State of one analysis of one package."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    PARTIAL = "partial"  #: ended, with failed or denied steps beside done ones
    FAILED = "failed"
    DENIED = "denied"  #: no consent for any step
    REJECTED = "rejected"  #: the input cannot be analysed; the reason says why
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to the run."""
        return self not in {RunStatus.QUEUED, RunStatus.RUNNING}


class StepStatus(StrEnum):
    """State of one analyzer within one run."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"  #: nothing to do here, with the reason; not an error
    FAILED = "failed"
    DENIED = "denied"  #: consent was missing when it counted
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to the step."""
        return self not in {StepStatus.PENDING, StepStatus.RUNNING}


class ReasonCode(StrEnum):
    """Why a run or step did not simply succeed (design, section 10)."""

    UNSUPPORTED_TYPE = "unsupported_type"
    EMPTY = "empty"
    CORRUPT = "corrupt"
    NEEDS_PASSWORD = "needs_password"  # noqa: S105 - a reason code, not a password
    LIMIT_EXCEEDED = "limit_exceeded"
    NO_TEXT = "no_text"
    NO_SPEECH = "no_speech"
    NO_AUDIO = "no_audio"
    TOO_LITTLE_OWN_TEXT = "too_little_own_text"
    AWAITING_SELF = "awaiting_self"
    TIMED_OUT = "timed_out"
    CONSENT_DENIED = "consent_denied"
    MODEL_MISSING = "model_missing"
    VENDOR_UNAVAILABLE = "vendor_unavailable"
    VENDOR_REFUSED = "vendor_refused"
    BUDGET_EXHAUSTED = "budget_exhausted"
    INVALID_ANSWER = "invalid_answer"
    WORKER_LOST = "worker_lost"
    INTERNAL = "internal"


class FeatureStatus(StrEnum):
    """`RawAnalysisFeatures.status`."""

    SUCCESS = "success"
    PARTIAL = "partial_success"
    FAILURE = "failure"


class TraitCategory(StrEnum):
    """`traitCategory`."""

    LINGUISTIC_STYLE = "LinguisticStyle"
    EMOTIONAL_RESPONSE_PATTERN = "EmotionalResponsePattern"
    KNOWLEDGE_DOMAIN = "KnowledgeDomain"
    PHILOSOPHICAL_STANCE = "PhilosophicalStance"
    COMMUNICATION_STYLE = "CommunicationStyle"
    BEHAVIORAL_PATTERN = "BehavioralPattern"
    INTEREST = "Interest"
    SKILL = "Skill"
    OTHER = "Other"


class ClaimKind(StrEnum):
    """What sort of claim a candidate makes."""

    STATED = "stated"  #: the person says so
    OBSERVED = "observed"  #: a counted habit
    INFERRED = "inferred"  #: a disposition, with a published validity
    USER_DEFINED = "user_defined"


class CandidateStatus(StrEnum):
    """Where a candidate stands in review."""

    CANDIDATE = "candidate"
    AWAITING_REFINEMENT = "awaiting_refinement"
    REFINED = "refined_by_user"
    CONFIRMED = "confirmed_by_user"
    REJECTED = "rejected_by_user"
    SUPERSEDED = "archived_auto_superseded"


class UserDecision(StrEnum):
    """`userDecision` of a UserRefinedTrait."""

    CONFIRMED_ASIS = "confirmed_asis"
    CONFIRMED_MODIFIED = "confirmed_modified"
    REJECTED = "rejected"
    USER_ADDED = "user_added_confirmed"
    SUPERSEDED = "superseded"


class TraitStatus(StrEnum):
    """`Trait.status` in the persona knowledge graph."""

    CANDIDATE = "candidate_in_pkg"
    ACTIVE = "active"
    DORMANT = "dormant"
    EXPERIMENTAL = "experimental"
    REJECTED = "rejected_by_user"


class TraitOrigin(StrEnum):
    """`Trait.origin` in the persona knowledge graph."""

    AI_CONFIRMED = "ai_confirmed_user"
    AI_REFINED = "ai_refined_user"
    USER_DEFINED = "user_defined"
    DERIVED = "derived_system"


class Authorship(StrEnum):
    """Who wrote an upload, as the person says (`metadata.authorship`)."""

    SELF = "self"
    OTHER = "other"
    MIXED = "mixed"
    FICTION = "fiction"
    UNKNOWN = "unknown"  #: not said: the text itself must sound like a first person


class SegmentKind(StrEnum):
    """What a stretch of a text layer is. Only the first five can be the person's own words."""

    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    MESSAGE = "message"  #: one chat message
    UTTERANCE = "utterance"  #: transcribed speech
    VERSE = "verse"
    HEADING = "heading"
    QUOTATION = "quotation"  #: block quotation, quoted mail, dialogue of others
    FORWARDED = "forwarded"
    CODE = "code"
    TABLE = "table"
    FRONT_MATTER = "front_matter"
    FURNITURE = "furniture"  #: page headers and footers, numbers, navigation
    BOILERPLATE = "boilerplate"  #: licence texts, disclaimers, signatures
    EDITORIAL = "editorial"  #: remarks by an editor, footnotes, captions
    ANNOTATION = "annotation"  #: comments of reviewers, PDF annotations
    INVISIBLE = "invisible"  #: text that a reader of the page cannot see
    SALUTATION = "salutation"  #: date lines, addresses, greetings and closings of letters


OWN_KINDS = frozenset(
    {SegmentKind.PARAGRAPH, SegmentKind.LIST_ITEM, SegmentKind.MESSAGE, SegmentKind.UTTERANCE, SegmentKind.VERSE}
)


class Register(StrEnum):
    """The kind of language a text is, which chooses its norm group."""

    CHAT = "chat"
    LETTERS_DIARIES = "letters_diaries"
    ESSAY_BLOG = "essay_blog"
    SPEECH = "speech"


class NodeLabel(StrEnum):
    """Labels of the persona knowledge graph. Never user text."""

    USER = "User"
    TRAIT = "Trait"
    CONCEPT = "Concept"
    EMOTION = "Emotion"
    COMMUNICATION_STYLE_ELEMENT = "CommunicationStyleElement"
    SKILL = "Skill"
    INTEREST = "Interest"
    SOURCE = "SourceDataReferenceNode"


class EdgeType(StrEnum):
    """Relationship types of the persona knowledge graph. Never user text."""

    HAS_TRAIT = "HAS_TRAIT"
    HAS_CANDIDATE_TRAIT = "HAS_CANDIDATE_TRAIT"
    EXHIBITS_EMOTIONAL_PATTERN = "EXHIBITS_EMOTIONAL_PATTERN"
    HAS_INTEREST_IN = "HAS_INTEREST_IN"
    POSSESSES_SKILL = "POSSESSES_SKILL"
    ADOPTS_COMMUNICATION_STYLE = "ADOPTS_COMMUNICATION_STYLE"
    MANIFESTED_AS_EVIDENCE = "MANIFESTED_AS_EVIDENCE"
    ASSOCIATED_WITH_CONCEPT = "ASSOCIATED_WITH_CONCEPT"
    DISCUSSED_CONCEPT = "DISCUSSED_CONCEPT"
    IS_A_TYPE_OF = "IS_A_TYPE_OF"
    CAN_INFLUENCE_EMOTION = "CAN_INFLUENCE_EMOTION"


class RelationKind(StrEnum):
    """How a text relates one concept to another."""

    IS_A_TYPE_OF = "is_a_type_of"
    ASSOCIATED_WITH = "associated_with"  #: says the same either way


class AccessAction(StrEnum):
    """What somebody or something did with a person's data."""

    ANALYSE = "analyse"  #: a worker opened the package
    MERGE = "merge"  #: a worker read text layers to prove evidence
    READ_EVIDENCE = "read_evidence"
    READ_TEXT = "read_text"
    READ_FEATURES = "read_features"
    READ_TRAITS = "read_traits"
    READ_GRAPH = "read_graph"
    EXPORT = "export"
    ERASE = "erase"


class ErasureScope(StrEnum):
    """What set an erasure going."""

    PACKAGE = "package"  #: the person deletes one upload
    CONSENT = "consent"  #: a consent was revoked: the packages given under it
    USER = "user"  #: all that is known of the person
    RETENTION = "retention"  #: the time that the purpose allows is over
    RESTORE = "restore"  #: a backup brought back what had been erased


class ErasureState(StrEnum):
    """State of an erasure."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"


class ErasureStage(StrEnum):
    """Stages of an erasure, in order; each may be repeated."""

    KEYS = "keys"  #: destroyed with the request itself
    REST = "rest"  #: no living worker holds a lane of the packages
    OBJECTS = "objects"
    FEATURES = "features"
    TRAITS = "traits"  #: evidence, candidates, settled traits, decisions
    GRAPH = "graph"
    ROWS = "rows"  #: text layers, runs, steps, packages
    RESULTS = "results"  #: broker and result backend
    SEARCH = "search"
    RECEIPT = "receipt"
