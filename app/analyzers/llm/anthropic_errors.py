"""What the SDK raises, as one of our kinds. The vendor's own messages may repeat the question and are dropped."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime

import anthropic
import httpx2

from app.analyzers.llm.port import VendorError, VendorErrorKind


class TooMuch(Exception):
    """The answer is longer than we take."""


#: What each kind means and what to do about it.
EXPLAINED = {
    VendorErrorKind.RATE_LIMITED: "the vendor's rate limit is used up: it is asked again later",
    VendorErrorKind.OVERLOADED: "the vendor is overloaded: it is asked again later",
    VendorErrorKind.SERVER: "the vendor had an error of its own: it is asked again later",
    VendorErrorKind.TIMEOUT: "the vendor gave no whole answer within the deadline: it is asked again later",
    VendorErrorKind.CONNECTION: "the connection to the vendor failed or broke off: see that its address can be reached",
    VendorErrorKind.AUTH: "the vendor does not accept the key or the account: check ECHO_ANTHROPIC_API_KEY",
    VendorErrorKind.NOT_FOUND: "the vendor knows no such model or address: check ECHO_ANTHROPIC_MODEL",
    VendorErrorKind.REFUSED: "the model refused to answer about this text",
    VendorErrorKind.CUT_OFF: "the answer ended at its limit before it was complete",
    VendorErrorKind.INVALID_ANSWER: "the vendor answered in no form that was agreed: check ECHO_ANTHROPIC_BASE_URL",
    VendorErrorKind.TOO_LARGE: "the question or the answer is larger than allowed: choose smaller windows",
    VendorErrorKind.INVALID_REQUEST: "the vendor does not take what this model was asked: choose another model",
    VendorErrorKind.CANCELLED: "the call was cancelled",
}

_BY_STATUS = {
    400: VendorErrorKind.INVALID_REQUEST,
    401: VendorErrorKind.AUTH,
    402: VendorErrorKind.AUTH,
    403: VendorErrorKind.AUTH,
    404: VendorErrorKind.NOT_FOUND,
    408: VendorErrorKind.TIMEOUT,
    413: VendorErrorKind.TOO_LARGE,
    422: VendorErrorKind.INVALID_REQUEST,
    429: VendorErrorKind.RATE_LIMITED,
    504: VendorErrorKind.TIMEOUT,
    529: VendorErrorKind.OVERLOADED,
}
#: The body's `error.type`: all that tells errors inside a stream apart, whose status is 200.
_BY_TYPE = {
    "authentication_error": VendorErrorKind.AUTH,
    "billing_error": VendorErrorKind.AUTH,
    "permission_error": VendorErrorKind.AUTH,
    "not_found_error": VendorErrorKind.NOT_FOUND,
    "request_too_large": VendorErrorKind.TOO_LARGE,
    "rate_limit_error": VendorErrorKind.RATE_LIMITED,
    "overloaded_error": VendorErrorKind.OVERLOADED,
    "timeout_error": VendorErrorKind.TIMEOUT,
    "api_error": VendorErrorKind.SERVER,
}


def vendor_error(error: Exception) -> VendorError:
    """Whatever came out of a call, in our words."""
    if isinstance(error, VendorError):
        return error
    kind = _kind(error)
    if not isinstance(error, anthropic.APIStatusError):
        return VendorError(kind, EXPLAINED[kind])
    wait = retry_after(error.response.headers)
    return VendorError(kind, EXPLAINED[kind], retry_after_s=wait, request_id=error.request_id or "")


def of_type(name: str) -> VendorErrorKind:
    """The kind of an error that came as part of an answer, by the body's `error.type`."""
    return _BY_TYPE.get(name, VendorErrorKind.INVALID_REQUEST)


def _kind(error: Exception) -> VendorErrorKind:
    if any(isinstance(cause, TooMuch) for cause in _chain(error)):
        return VendorErrorKind.TOO_LARGE
    if isinstance(error, anthropic.APIStatusError):
        return _of_status(error)
    if isinstance(error, (anthropic.APITimeoutError, httpx2.TimeoutException, TimeoutError)):
        return VendorErrorKind.TIMEOUT
    # `APIResponseValidationError` is an `APIError` too: a whole answer, but not the protocol's.
    if isinstance(error, (anthropic.APIConnectionError, httpx2.TransportError, OSError)):
        return VendorErrorKind.CONNECTION
    return VendorErrorKind.INVALID_ANSWER


def _of_status(error: anthropic.APIStatusError) -> VendorErrorKind:
    # The wording is the only sign of it, and a wrong guess costs nothing: neither kind is tried again.
    if error.status_code == 400 and "too long" in (error.api_message or ""):
        return VendorErrorKind.TOO_LARGE
    if error.status_code in _BY_STATUS:
        return _BY_STATUS[error.status_code]
    if error.status_code >= 500:
        return VendorErrorKind.SERVER
    return _BY_TYPE.get(error.type or "", VendorErrorKind.INVALID_ANSWER)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the vendor asks to wait: `retry-after-ms`, `retry-after` as a number or HTTP date (RFC 9110)."""
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    try:
        return max(0.0, parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
