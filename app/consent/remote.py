"""A consent service that rules instead of our ledger: `ECHO_CONSENT_URL`, by the contract of our own verify route.

What it can promise is less than the ledger can. Nothing of ours can hold its door shut while a step is claimed or
stored, so a consent that it ends counts here after `ECHO_CONSENT_CACHE_S` seconds at the latest, plus the time of an
answer that is on its way. Silence, in whatever form, is a no: it is never remembered as a yes, and never an exception.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from functools import cache
from typing import Any
from uuid import UUID

import structlog

from app.consent.grants import REASONS, Verdict
from config.settings import settings

log = structlog.get_logger()

#: Below the service's address.
PATH = "/internal/consent/v1/verify"
#: Seconds for all questions that one step asks.
TIMEOUT_S = 2.0
#: Bytes of an answer; ours has 40.
MAX_ANSWER_BYTES = 4096
#: Answers remembered by one process.
REMEMBERED = 10_000
#: Silences in a row after which nobody asks, and seconds until one tries again.
SILENCES, PAUSE_S = 5, 10.0
SILENT = Verdict(is_valid=False, reason="unanswered")

_Key = tuple[str, UUID, str]


def verdicts(user_id: str, consent_token_id: UUID, scopes: Iterable[str]) -> dict[str, Verdict]:
    """What the service says about each scope; `SILENT` where it says nothing. Takes two seconds at most."""
    return _service(os.getpid()).verdicts(user_id, consent_token_id, sorted(scopes))


class _Silence(Exception):
    """No answer by the contract; `args[0]` says how, without a word of what was answered."""


class Breaker:
    """Stops asking somebody who is silent again and again; after a pause one caller tries.

    pybreaker holds its lock during the call, which would line up all threads behind one that waits.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._silences = 0
        self._again = 0.0

    def allows(self) -> bool:
        """Whether to ask now."""
        with self._lock:
            if self._silences < SILENCES:
                return True
            if time.monotonic() < self._again:
                return False
            self._again = time.monotonic() + PAUSE_S  # this caller tries, the others wait for what it finds
            return True

    def heard(self) -> None:
        """There was an answer."""
        with self._lock:
            self._silences = 0

    def silent(self) -> None:
        """There was none."""
        with self._lock:
            self._silences += 1
            self._again = time.monotonic() + PAUSE_S


class _Service:
    """The service as one process sees it: its connections, what it allowed just now, and whether it answers."""

    def __init__(self) -> None:
        import httpx  # noqa: PLC0415 - only where a consent service rules

        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {settings().consent_secret.get_secret_value()}"},
            trust_env=False,  # a proxy of the environment would be shown whose consent is asked for
        )
        self._breaker = Breaker()
        self._lock = threading.Lock()
        self._allowed: OrderedDict[_Key, float] = OrderedDict()

    def verdicts(self, user_id: str, consent_token_id: UUID, scopes: list[str]) -> dict[str, Verdict]:
        until = time.monotonic() + TIMEOUT_S
        found = dict.fromkeys(scopes, SILENT)
        for scope in scopes:
            key = (user_id, consent_token_id, scope)
            if self._remembered(key):
                found[scope] = Verdict(is_valid=True)
            elif time.monotonic() < until and self._breaker.allows():
                try:
                    found[scope] = self._ask(key, until)
                except _Silence as silence:
                    log.warning("consent_service_silent", how=str(silence))
                    self._breaker.silent()
                    until = 0.0  # a step waits for one silence, not for one per scope
                else:
                    self._breaker.heard()
        return found

    def _ask(self, key: _Key, until: float) -> Verdict:
        asked = time.monotonic()
        verdict = _verdict(self._answer(key, until))
        if verdict.is_valid:
            # From when the question was sent: what is taken back after that counts within the promised time.
            self._remember(key, asked + settings().consent_cache_s)
        return verdict

    def _answer(self, key: _Key, until: float) -> bytes:
        import httpx  # noqa: PLC0415 - as above

        user_id, token, scope = key
        params = {"userID": user_id, "consentTokenID": str(token), "requiredScope": scope}
        address = settings().consent_url.rstrip("/") + PATH
        body = b""
        try:
            with self._http.stream("GET", address, params=params, timeout=until - time.monotonic()) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise _Silence(f"status {answer.status_code}")
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise _Silence("too large")
                    if time.monotonic() > until:  # a timeout of httpx is one of silence between two bytes
                        raise _Silence("too slow")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            raise _Silence(type(error).__name__) from error
        return body

    def _remembered(self, key: _Key) -> bool:
        with self._lock:
            return self._allowed.get(key, 0.0) > time.monotonic()

    def _remember(self, key: _Key, until: float) -> None:
        with self._lock:
            self._allowed.pop(key, None)
            self._allowed[key] = until
            if len(self._allowed) > REMEMBERED:
                self._allowed.popitem(last=False)


def _verdict(body: bytes) -> Verdict:
    """An answer that is exactly by the contract; anything else is silence."""
    try:
        said: Any = json.loads(body)
        is_valid, reason = said["isValid"], said["reason"]
    except (ValueError, RecursionError, TypeError, LookupError) as error:
        raise _Silence("malformed") from error
    if is_valid is True and reason is None:
        return Verdict(is_valid=True)
    if is_valid is False and isinstance(reason, str) and reason in REASONS:
        return Verdict(is_valid=False, reason=REASONS[reason])
    raise _Silence("malformed")


@cache
def _service(_pid: int) -> _Service:
    return _Service()
