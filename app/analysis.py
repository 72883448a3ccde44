"""The contract of an analyzer: a pure function from an artifact to features.

An analyzer is a callable `(artifact, context) -> Result`, named in `catalog.py` as "module:function". It opens no file,
no socket and no database; it raises `Refusal` where its input cannot be analysed and lets any other error out, which
the fleet records as a failed step. The heavy libraries it needs are imported by its module, and its module is imported
only by the worker (or the sandboxed child) that runs it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypeVar

from app.asking import Ask, Foresee
from app.errors import Reason
from app.layers import TextLayer
from app.vocabulary import Authorship, FeatureStatus


@dataclass(frozen=True, slots=True)
class Blob:
    """The decrypted bytes of an upload, in memory only.

    Attributes:
        data: the whole file.
        media_type: found by content (`app.perception.sniff`), for instance "application/pdf".
    """

    data: bytes
    media_type: str


Artifact = Blob | TextLayer
A_contra = TypeVar("A_contra", Blob, TextLayer, contravariant=True)


@dataclass(frozen=True, slots=True)
class Context:
    """What an analyzer may know besides its artifact.

    Attributes:
        authorship: who wrote it, as the person says.
        options: the row's settings from the environment, for instance {"model": "/models/sentiment"}; no user content.
        ask: puts a question to the language model of the step's vendor; all that is impure about it (consent, budget,
            limits, ledger, recording) happens inside. None where no vendor is set up.
        foresee: is told of questions that are going to be asked, so that those of a bulk run travel together.
    """

    authorship: Authorship = Authorship.UNKNOWN
    options: dict[str, Any] = field(default_factory=dict)
    ask: Ask | None = None
    foresee: Foresee | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What an analyzer found.

    Attributes:
        features: JSON: counts, scores and locators (`Span.as_json`), never passages.
        status: success, or partial_success together with a reason.
        reason: why the result is partial.
        layers: text layers, from perceiving analyzers only.
        model: what is recorded as `modelNameOrType`; the analyzer's name where empty.
    """

    features: dict[str, Any]
    status: FeatureStatus = FeatureStatus.SUCCESS
    reason: Reason | None = None
    layers: tuple[TextLayer, ...] = ()
    model: str = ""

    def as_json(self) -> dict[str, Any]:
        """The shape that passes the sandbox pipe."""
        return {
            "features": self.features,
            "status": str(self.status),
            "reason": self.reason.as_json() if self.reason else None,
            "layers": [layer.as_json() for layer in self.layers],
            "model": self.model,
        }

    @classmethod
    def from_json(cls, doc: dict[str, Any]) -> Self:
        """Read back what `as_json` wrote."""
        return cls(
            features=doc["features"],
            status=FeatureStatus(doc["status"]),
            reason=Reason.from_json(doc["reason"]) if doc["reason"] else None,
            layers=tuple(TextLayer.from_json(layer) for layer in doc["layers"]),
            model=doc["model"],
        )


class Analyzer(Protocol[A_contra]):
    """A pure function from an artifact to features."""

    def __call__(self, artifact: A_contra, context: Context) -> Result:
        """Analyse.

        Raises:
            Refusal: the input cannot be analysed, and why.
        """
