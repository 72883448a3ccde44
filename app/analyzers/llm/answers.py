"""The one shape of all answers, whatever the task.

Vendors cache the beginning of a question together with the schema of its answer: one schema for all tasks is what lets
the second task read the document for a tenth of the price, and keeps the code behind it one.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

Text = Annotated[str, StringConstraints(max_length=4000)]
#: Steps of a place in the schema that are named when an answer is sent back.
_DEEP = 4


class Relation(BaseModel):
    """What one concept is to another."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    relation: Literal["is_a_type_of", "associated_with"]
    to: Text


class Found(BaseModel):
    """One finding, with the words that show it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: Text
    name: Text
    object: Text
    affirmed: bool
    sensitive: bool
    quotes: Annotated[list[Text], Field(max_length=24)]
    counter_quotes: Annotated[list[Text], Field(max_length=24)]
    relations: Annotated[list[Relation], Field(max_length=24)]


class Findings(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    findings: Annotated[list[Found], Field(max_length=200)]


def schema() -> dict[str, Any]:
    """JSON schema of an answer, without our limits, which constrained decoding does not know."""
    bare: dict[str, Any] = _without_limits(Findings.model_json_schema())
    return bare


def _without_limits(part: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(part, dict):
        left_out = {"maxItems", "maxLength", "title"}
        return {key: _without_limits(value) for key, value in part.items() if key not in left_out}
    return [_without_limits(value) for value in part] if isinstance(part, list) else part


def read(data: Any) -> Findings | str:  # noqa: ANN401 - whatever a model wrote
    """The answer, or where it departs from the schema: places and kinds of error, no content."""
    if data is None:
        return "the answer is not JSON"
    try:
        return Findings.model_validate(data, strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[:3]
        # A key that does not belong there is content of the answer too.
        places = (".".join(_step(step) for step in found["loc"][:_DEEP]) + f": {found['type']}" for found in first)
        return "; ".join(places)


_KEYS = frozenset({*Findings.model_fields, *Found.model_fields, *Relation.model_fields})


def _step(step: int | str) -> str:
    return str(step) if isinstance(step, int) or step in _KEYS else "(another key)"
