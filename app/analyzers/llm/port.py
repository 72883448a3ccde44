"""The door to language models: what can go wrong with a question, and what a vendor must be able to do.

An analyzer builds a `Request` and hands it to `Context.ask`, which the services provide: consent, budget, breaker,
concurrency, ledger and recording live there. Behind it stands a `Vendor`, one adapter module for each. No vendor's
library is imported here.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from app.asking import Answer, Ask, Request, Usage
from app.errors import EchoError

__all__ = ["PASSING", "Answer", "Ask", "Request", "Usage", "Vendor", "VendorError", "VendorErrorKind"]


class VendorErrorKind(StrEnum):
    """What went wrong with a call."""

    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    SERVER = "server"
    TIMEOUT = "timeout"  #: our deadline, or theirs
    CONNECTION = "connection"
    AUTH = "auth"  #: no, expired or barred key; unpaid account
    NOT_FOUND = "not_found"  #: no such model or address
    REFUSED = "refused"  #: the model or its guards would not answer
    CUT_OFF = "cut_off"  #: the answer ended before it was complete
    INVALID_ANSWER = "invalid_answer"  #: not the protocol that was agreed
    TOO_LARGE = "too_large"  #: more than the vendor takes, or than we do
    INVALID_REQUEST = "invalid_request"  #: the vendor does not take what we ask: our fault
    CANCELLED = "cancelled"  #: somebody here no longer wants the answer


#: Worth another try later, with the same question.
PASSING = frozenset(
    {
        VendorErrorKind.RATE_LIMITED,
        VendorErrorKind.OVERLOADED,
        VendorErrorKind.SERVER,
        VendorErrorKind.TIMEOUT,
        VendorErrorKind.CONNECTION,
    }
)


class VendorError(EchoError):
    """A call that gave no answer. Its message is ours alone: vendors repeat the question in theirs.

    Args:
        kind: what went wrong.
        message: the likely cause and the next step.
        retry_after_s: how long the vendor asks to be left alone; None where it does not say.
        request_id: the vendor's, where there is one.

    Attributes:
        usage: tokens that are billed all the same; the adapter sets it.
        model: which model they were spent on, where it is known.
    """

    status, code = 503, "vendor_error"

    def __init__(
        self,
        kind: VendorErrorKind,
        message: str,
        *,
        retry_after_s: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message, kind=str(kind))
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.usage = Usage()
        self.model = ""
        self.request_id = request_id

    @property
    def passing(self) -> bool:
        """Whether the same question may be answered later."""
        return self.kind in PASSING


class Vendor(Protocol):
    """A vendor's language models."""

    @property
    def name(self) -> str:
        """As in its consent scope: "anthropic"."""

    @property
    def model(self) -> str:
        """Which model is asked."""

    def complete(self, request: Request, deadline_s: float, cancelled: Callable[[], bool] | None = None) -> Answer:
        """Ask, and wait no longer than the deadline, whatever the other side does.

        Args:
            request: the question.
            deadline_s: seconds for the whole call.
            cancelled: asked about twice a second; true ends the call.

        Raises:
            VendorError: there is no answer.
        """

    def count_tokens(self, request: Request, deadline_s: float = 20.0) -> int:
        """How many tokens the question has.

        Raises:
            VendorError: the vendor does not say.
        """
