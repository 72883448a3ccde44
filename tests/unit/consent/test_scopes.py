"""What a scope is, and which one covers which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analyzers.catalog import LOCAL_SCOPES
from app.consent.scopes import MAX_SCOPES, SCOPE, checked, covers
from app.errors import InvalidInput

WORD = st.from_regex(r"[a-z0-9_.-]{1,12}", fullmatch=True)
FIRST = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
SCOPES = st.builds(lambda first, rest: ":".join([first, *rest]), FIRST, st.lists(WORD, min_size=1, max_size=3))


@pytest.mark.parametrize("scope", [*LOCAL_SCOPES, "analyse:*", "share:research.v2-eu", "a:b:c:d", "analyse:*:local"])
def test_a_well_formed_scope_is_taken(scope: str) -> None:
    assert checked([scope]) == {scope}


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "analyse",
        "analyse:",
        ":text",
        "Analyse:text",
        "analyse:text:local:model:x",
        "analyse text",
        "an4lyse:text",
        "analyse:text\n",
        "*:text",
        "analyse:tex*",
        "analyse:" + "x" * 121,
        "analyse:té",
    ],
)
def test_what_is_no_scope_is_refused_by_its_place(scope: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked(["analyse:text:local", scope])
    assert refused.value.details == {"field": "scopes", "index": 1}


def test_a_refused_scope_is_not_repeated_in_the_error() -> None:
    with pytest.raises(InvalidInput) as refused:
        checked(["My Private Words"])
    assert "Private" not in f"{refused.value.message} {refused.value.details}"


@pytest.mark.parametrize("number", [0, MAX_SCOPES + 1])
def test_none_and_too_many_scopes_are_refused(number: int) -> None:
    with pytest.raises(InvalidInput):
        checked([f"analyse:s{index}" for index in range(number)])


def test_the_greatest_number_of_scopes_is_taken() -> None:
    assert len(checked([f"analyse:s{index}" for index in range(MAX_SCOPES)])) == MAX_SCOPES


@given(SCOPES)
def test_a_scope_covers_itself(scope: str) -> None:
    assert SCOPE.fullmatch(scope)
    assert covers([scope], scope)


@given(SCOPES, SCOPES)
def test_without_a_star_only_the_same_scope_is_covered(granted: str, required: str) -> None:
    assert covers([granted], required) == (granted == required)


@given(SCOPES, st.data())
def test_a_star_stands_for_exactly_one_word(scope: str, data: st.DataObject) -> None:
    words = scope.split(":")
    place = data.draw(st.integers(1, len(words) - 1))
    granted = ":".join([*words[:place], "*", *words[place + 1 :]])
    assert covers([granted], scope)
    assert not covers([granted], f"{scope}:more")
    assert not covers([granted], scope.rpartition(":")[0])


def test_local_consent_does_not_cover_a_vendor() -> None:
    assert not covers(["analyse:*:local"], "analyse:text:openai")


def test_asking_for_a_star_is_not_covered_by_one_of_what_it_means() -> None:
    assert not covers(["analyse:text:local"], "analyse:text:*")


def test_nothing_covers_nothing() -> None:
    assert not covers([], "analyse:text:local")
