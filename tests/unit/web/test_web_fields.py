"""Fields: what can be stored comes through unchanged, what cannot is refused without being repeated."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields

from app.web.errors import _flat
from app.web.fields import MAX_VALUES, Body, Free, Id, Text, Time
from app.web.resources.packages.schemas import JsonText


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=100))
def test_any_text_that_can_be_stored_comes_through_unchanged(text: str) -> None:
    assert Text(100).deserialize(text) == text


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x\udfff", "\udc00\ud800"])
def test_nul_and_half_surrogates_are_refused_in_text_and_in_objects(text: str) -> None:
    for field, value in ((Text(10), text), (Free(), {"a": [{"b": text}]}), (Free(), {text: 1})):
        with pytest.raises(ValidationError) as refusal:
            field.deserialize(value)
        assert text not in str(refusal.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (Text(3), "four"),
        (Text(10, filled=True), " \n"),
        (Text(10), 7),
        (Text(10), None),
        (Id(), "not-an-id"),
        (Id(), 7),
        (Time(), "2031-01-01T00:00:00"),
        (Time(), "2431-01-01T00:00:00Z"),
        (Time(), "9999-12-31T23:59:59-12:00"),
        (Time(), "0001-01-01T00:00:00+12:00"),
        (Time(), "tomorrow"),
        (Free(), []),
        (Free(), {str(number): number for number in range(MAX_VALUES)}),
        (Free(), {"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}}),
        (JsonText(), "[1]"),
        (JsonText(), "{"),
        (JsonText(), "[" * 100_000),
        (JsonText(), "9" * 10_000),
    ],
)
def test_what_is_wrong_is_refused(field: fields.Field[Any], value: object) -> None:
    with pytest.raises(ValidationError):
        field.deserialize(value)


def test_an_id_comes_out_in_its_usual_form() -> None:
    plain = "6f2b7a53-6a1c-5c0e-9a53-2f7d1c1f4e11"
    assert Id().deserialize(plain.upper()) == plain
    assert Id().serialize("x", {"x": UUID(plain)}) == plain


def test_times_come_out_as_text_whether_a_service_gives_text_or_a_time() -> None:
    moment = datetime(2031, 1, 1, tzinfo=UTC)
    assert (
        Time().serialize("x", {"x": moment}) == Time().serialize("x", {"x": moment.isoformat()}) == moment.isoformat()
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda e: st.lists(e) | st.dictionaries(st.text(max_size=3), e),
        max_leaves=60,
    )
)
def test_any_json_is_taken_or_refused_by_a_free_object_and_never_crashes(value: object) -> None:
    try:
        said = JsonText().deserialize(json.dumps({"a": value}))
    except ValidationError:
        return
    assert said == {"a": value}


class Inner(Body):
    name = Text(3)


class Outer(Body):
    given = fields.List(fields.Nested(Inner))
    one = fields.Nested(Inner)
    free = fields.Dict(keys=fields.String(), values=fields.Integer())


@given(st.text(min_size=1, max_size=12), st.text(min_size=4, max_size=12))
def test_details_name_known_fields_only(name: str, value: str) -> None:
    known = {"given", "one", "free", "name", "0", "1"}
    schema: Schema = Outer()
    with pytest.raises(ValidationError) as refusal:
        schema.load(
            {"given": [{"name": "ok"}, {name: value}], "one": {"name": value}, "free": {value: value}, name: value}
        )
    for path, _ in _flat(refusal.value.messages, schema):
        assert {*path.split(".")} <= {*known, "?"}
