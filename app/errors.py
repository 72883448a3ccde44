"""Our errors. Each says what failed, the likely cause and the next step, and never holds user content.

::

    EchoError
    ├── Refusal            an input or step cannot be done; carries a ReasonCode; recorded, never a crash
    ├── InvalidInput       a well-formed request that is wrong           HTTP 422
    ├── NotFound           no such object, or not the caller's           HTTP 404
    ├── Conflict           the object changed in the meantime            HTTP 409
    ├── Forbidden          authenticated, but the scope is missing       HTTP 403
    ├── ConsentDenied      no valid consent covers this                  HTTP 403
    ├── TooLarge           over a documented limit                       HTTP 413
    ├── Busy               a documented rate or capacity is used up      HTTP 429
    ├── StoreUnavailable   a store does not answer                       HTTP 503
    └── Misconfigured      a setting is wrong; start-up says which
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from app.vocabulary import ReasonCode


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a run or step ended as it did: `{code, message, details}` of design.md section 10."""

    code: ReasonCode
    message: str
    details: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The shape stored in rows and shown to people."""
        return {"code": str(self.code), "message": self.message, "details": self.details}

    @classmethod
    def from_json(cls, doc: dict[str, Any]) -> Self:
        """Read back what `as_json` wrote."""
        return cls(ReasonCode(doc["code"]), doc["message"], doc.get("details") or {})


class EchoError(Exception):
    """Base of all errors that EchoSphere raises on purpose.

    Args:
        message: what failed, the likely cause, the next step; no user content.
        details: machine-readable facts for the error envelope; no user content.
    """

    status = 500
    code = "internal"

    def __init__(self, message: str, **details: Any) -> None:  # noqa: ANN401 - details are free-form JSON
        super().__init__(message)
        self.message = message
        self.details = details


class Refusal(EchoError):
    """An input or step that cannot be done. Recorded as the step's reason; never a crash of a worker."""

    status = 422

    def __init__(self, reason: ReasonCode, message: str, **details: Any) -> None:  # noqa: ANN401 - as above
        super().__init__(message, **details)
        self.code = str(reason)
        self.reason = Reason(reason, message, details)


class InvalidInput(EchoError):
    """A well-formed request that is wrong."""

    status, code = 422, "invalid_input"


class NotFound(EchoError):
    """No such object, or it belongs to somebody else: the answer is the same."""

    status, code = 404, "not_found"


class Conflict(EchoError):
    """The object is in a state that does not allow this."""

    status, code = 409, "conflict"


class Forbidden(EchoError):
    """The token is good but lacks the scope."""

    status, code = 403, "forbidden"


class ConsentDenied(EchoError):
    """No valid consent covers what was asked."""

    status, code = 403, "consent_denied"


class TooLarge(EchoError):
    """Over a documented limit."""

    status, code = 413, "too_large"


class Busy(EchoError):
    """A documented rate or capacity is used up; try again later."""

    status, code = 429, "busy"


class StoreUnavailable(EchoError):
    """A store does not answer; nothing was lost, try again."""

    status, code = 503, "store_unavailable"


class Misconfigured(EchoError):
    """A setting is wrong or missing."""

    code = "misconfigured"
