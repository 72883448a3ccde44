"""What the vendor's API would not take of a question, as the stub checks it."""

from __future__ import annotations

from typing import Any

from tests.stub_answers import blocks_of

_KNOWN = frozenset(
    {
        "model",
        "messages",
        "max_tokens",
        "system",
        "output_config",
        "stream",
        "metadata",
        "thinking",
        "cache_control",
        "service_tier",
    }
)


def complaint(body: dict[str, Any], *, counting: bool) -> str:
    """What the API would not take; empty where it takes all."""
    if unknown := set(body) - _KNOWN:
        return f"{min(unknown)}: Extra inputs are not permitted"
    if missing := {"model", "messages", *(() if counting else ("max_tokens",))} - set(body):
        return f"{min(missing)}: Field required"
    if not body["messages"] or body["messages"][0]["role"] != "user":
        return "messages: first message must use the user role"
    form = (body.get("output_config") or {}).get("format")
    blocks = [block for message in body["messages"] for block in blocks_of(message["content"])]
    if form and any((block.get("citations") or {}).get("enabled") for block in blocks):
        return "citations cannot be used together with output_config.format"
    return _of_schema(form["schema"]) if form else ""


def _of_schema(part: Any) -> str:
    if isinstance(part, list):
        return next((found for found in map(_of_schema, part) if found), "")
    if not isinstance(part, dict):
        return ""
    if part.get("type") == "object" and part.get("additionalProperties") is not False:
        return "output_config.format.schema: additionalProperties must be false"
    if refused := {"maxItems", "maxLength", "minimum", "maximum", "pattern"} & set(part):
        return f"output_config.format.schema: {min(refused)} is not supported"
    return next((found for found in map(_of_schema, part.values()) if found), "")
