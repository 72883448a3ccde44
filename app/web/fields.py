"""Fields that keep out what neither PostgreSQL nor JSON can hold, and that dump what services return."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from app.database import UNSTORABLE

#: Levels and values of a free JSON object.
MAX_DEPTH, MAX_VALUES = 6, 500
#: Beyond this a time cannot be told in every time zone.
LATEST = timedelta(days=36525)


class Body(Schema):
    """Base of what is read: unknown names are errors."""

    class Meta:
        """marshmallow's options."""

        unknown = RAISE


class Text(fields.String):
    """Text that can be stored, of a bounded length.

    Args:
        length: characters at most.
        filled: whether it must hold more than white space.
    """

    default_error_messages = {  # noqa: RUF012 - marshmallow's own shape
        "characters": "Holds NUL or half of a surrogate pair.",
        "blank": "Must not be blank.",
    }

    def __init__(self, length: int, *, filled: bool = False, **more: Any) -> None:  # noqa: ANN401 - marshmallow's own
        super().__init__(validate=validate.Length(max=length), **more)
        self.filled = filled

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> str:  # noqa: ANN401
        text = super()._deserialize(value, attr, data, **more)
        if UNSTORABLE.search(text):
            raise self.make_error("characters")
        if self.filled and not text.strip():
            raise self.make_error("blank")
        return text


class Id(fields.UUID):
    """An id: a UUID in, its usual text out."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> Any:  # noqa: ANN401
        return str(super()._deserialize(value, attr, data, **more))


class Time(fields.AwareDateTime):
    """A time with its zone, ISO 8601. Services give datetimes or their text."""

    default_error_messages = {"far": "Must be within a hundred years."}  # noqa: RUF012 - marshmallow's own shape

    def _serialize(self, value: Any, attr: str | None, obj: Any, **more: Any) -> str | float | None:  # noqa: ANN401
        return value if isinstance(value, str) else super()._serialize(value, attr, obj, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> datetime:  # noqa: ANN401
        when: datetime = super()._deserialize(value, attr, data, **more)
        try:
            far = abs(when - datetime.now(UTC)) > LATEST
        except OverflowError:
            far = True
        if far:
            raise self.make_error("far")
        return when


class Free(fields.Dict):
    """A JSON object of the client's own, bounded in depth and number, that can be stored."""

    default_error_messages = {  # noqa: RUF012 - marshmallow's own shape
        "characters": "Holds NUL or half of a surrogate pair.",
        "large": f"Has more than {MAX_VALUES} values or {MAX_DEPTH} levels.",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> dict[Any, Any]:  # noqa: ANN401
        found: dict[Any, Any] = super()._deserialize(value, attr, data, **more)  # type: ignore[no-untyped-call]
        for count, (depth, leaf) in enumerate(_walk(found)):
            if depth > MAX_DEPTH or count > MAX_VALUES:
                raise self.make_error("large")
            if isinstance(leaf, str) and UNSTORABLE.search(leaf):
                raise self.make_error("characters")
        return found


def _walk(value: Any) -> Iterator[tuple[int, Any]]:  # noqa: ANN401 - JSON
    """Every key and value with its depth, without recursion."""
    stack = [(0, value)]
    while stack:
        depth, here = stack.pop()
        yield depth, here
        if depth > MAX_DEPTH:
            return
        if isinstance(here, dict):
            stack += [(depth + 1, part) for pair in here.items() for part in pair]
        elif isinstance(here, list):
            stack += [(depth + 1, part) for part in here]
