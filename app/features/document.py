"""RawAnalysisFeatures as a value: its identity, its fence, its JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.database import UNSTORABLE, stable_id
from app.errors import InvalidInput
from app.vocabulary import FeatureStatus, Modality

#: Attempts of one run that a fence can tell apart.
_ATTEMPTS = 1000


def feature_set_id(package_id: UUID, analyzer: str, version: str) -> UUID:
    """The id of what one version of one analyzer says about one package."""
    return stable_id("feature-set", package_id, analyzer, version)


def fence(run_sequence: int, attempt: int) -> int:
    """The order of writers of one document: by run, and within a run by attempt."""
    return run_sequence * _ATTEMPTS + min(attempt, _ATTEMPTS - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDocument:
    """What one analyzer found in one package: counts, scores and locators, never passages.

    Attributes:
        feature_set_id: `feature_set_id(source_package_id, analyzer, version)`.
        user_id: whose.
        source_package_id: of the upload.
        modality: what it was measured on.
        analyzer: catalog name.
        version: of the analyzer; `modelVersion` in JSON.
        model_name_or_type: the model behind it, or the analyzer's name.
        extracted_features: JSON; empty for a failure.
        timestamp: when it was measured; stores keep milliseconds at least.
        processing_time_ms: of the analyzer alone.
        status: success, partial_success or failure.
        error_details: `{code, message, details}` where it is not a success.
        fence: `fence(run sequence, attempt)`; a document is replaced only by one with the same or a higher fence.
    """

    feature_set_id: UUID
    user_id: str
    source_package_id: UUID
    modality: Modality
    analyzer: str
    version: str
    model_name_or_type: str
    extracted_features: dict[str, Any]
    timestamp: datetime
    processing_time_ms: int
    status: FeatureStatus = FeatureStatus.SUCCESS
    error_details: dict[str, Any] | None = None
    fence: int = 0

    def as_json(self) -> dict[str, Any]:
        """`RawAnalysisFeatures` as design.md section 2 names it, and the analyzer."""
        return {
            "featureSetID": str(self.feature_set_id),
            "userID": self.user_id,
            "sourceUserDataPackageID": str(self.source_package_id),
            "modality": str(self.modality),
            "analyzer": self.analyzer,
            "modelNameOrType": self.model_name_or_type,
            "modelVersion": self.version,
            "extractedFeatures": self.extracted_features,
            "timestamp": self.timestamp.astimezone(UTC).isoformat(),
            "processingTimeMs": self.processing_time_ms,
            "status": str(self.status),
            "errorDetails": self.error_details,
        }


def newest(documents: Iterable[FeatureDocument]) -> list[FeatureDocument]:
    """Of each document the one with the highest fence, of equal ones the last.

    In the order of their ids, so that two writers of the same documents cannot wait for each other in a circle.
    """
    found = {document.feature_set_id: document for document in sorted(documents, key=lambda document: document.fence)}
    return [found[key] for key in sorted(found)]


def mentions(document: FeatureDocument, needles: Sequence[str]) -> bool:
    """Whether any of the texts is part of any text, key or number of the document; an empty one is of none."""
    wanted = [needle for needle in needles if needle]
    return any(needle in text for text in _texts(document.as_json()) for needle in wanted)


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    match value:
        case dict():
            for key, item in value.items():
                yield str(key)
                yield from _texts(item)
        case list() | tuple():
            for item in value:
                yield from _texts(item)
        case _:
            yield str(value)


def storable(analyzer: str, document: dict[str, Any]) -> dict[str, Any]:
    """A JSON document as every store can hold it: NUL and half surrogates become U+FFFD, in keys and values.

    Such characters come from broken input and carry no meaning, so they are no reason to lose the other measurements.
    NaN and infinity are: no JSON reader takes them, and only the analyzer knows what it meant.

    Raises:
        InvalidInput: the document is no JSON.
    """
    try:
        dumped = json.dumps(document, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(
            f"features of {analyzer} are no JSON ({type(error).__name__}): return numbers, texts, lists and objects, "
            "and null where something cannot be measured",
            analyzer=analyzer,
        ) from None
    # Both kinds of character appear in ASCII JSON as an escape, so that the walk is needed only where one is seen.
    if "\\u0000" in dumped or "\\ud" in dumped:
        cleaned: dict[str, Any] = _cleaned(document)
        return cleaned
    return document


def _cleaned(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    match value:
        case str():
            return UNSTORABLE.sub("\ufffd", value)
        case dict():
            return {UNSTORABLE.sub("\ufffd", str(key)): _cleaned(item) for key, item in value.items()}
        case list() | tuple():
            return [_cleaned(item) for item in value]
        case _:
            return value
