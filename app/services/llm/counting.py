"""Tokens as the vendor counts them, for a price beforehand: the questions leave for it, and no answer is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from app.asking import Request
from app.errors import Misconfigured
from app.services.llm import vendors
from config.settings import settings


def count(requests: Sequence[Request]) -> Mapping[str, int]:
    """Have questions counted, as many at a time as may be asked.

    Whoever calls it has seen to it that the person's scopes cover the vendor. Counting is free of charge, and enters no
    ledger.

    Args:
        requests: the questions.

    Returns:
        Tokens by `Request.key`; empty, and nobody asked, where there is no question.

    Raises:
        Misconfigured: no key is set.
        VendorError: the vendor does not say.
    """
    if not requests:
        return {}
    if not settings().anthropic_api_key.get_secret_value():
        raise Misconfigured("ECHO_ANTHROPIC_API_KEY is not set, so that nobody can count: leave --count out")
    distinct = {request.key: request for request in requests}
    with ThreadPoolExecutor(min(len(distinct), settings().llm_concurrency)) as pool:
        return dict(zip(distinct, pool.map(vendors.vendor().count_tokens, distinct.values()), strict=True))
