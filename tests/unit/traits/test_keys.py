"""What is one trait and what is not."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.traits.keys import fold, fold_name, identity, lemma, near, opposite


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("habit:questions:high", "habit:Question:often"),
        ("habit:questions:high", "habit:asking:many"),
        ("habit:hedges:high", "habit:hedging:frequent"),
        ("habit:questions:low", "habit:questions:rarely"),
        ("fact:occupation:printer", "fact:job:Printers"),
        ("topic:chess", "topic:Chess"),
        ("topic:caf\u00e9", "topic:CAF\u00c9"),
        ("topic:ﬁsh", "topic:fish"),
    ],
)
def test_keys_that_mean_the_same_fold_to_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("habit:questions:high", "habit:questions:low"),
        ("habit:questions:high", "topic:questions"),
        ("fact:occupation:printer", "topic:printer"),
        ("topic:university", "topic:universe"),
        ("topic:printing", "topic:printer"),
        ("topic:passion", "topic:hobby"),
        ("topic:love", "topic:enjoyment"),
        ("topic:art", "topic:arts-and-crafts"),
        ("fact:occupation:sure", "fact:occupation:certain"),
    ],
)
def test_keys_that_differ_stay_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Asks a lot of questions", "Often asks questions"),
        ("Asks a lot of questions", "Asks many questions"),
        ("Rarely asks questions", "Asks few questions"),
        ("Works as a printer", "Is a printer"),
        ("Interested in chess", "Likes chess"),
        ("Hedges statements", "Is cautious with statements"),
        ("Thanks people", "Grateful to people"),
        ("WRITES SHORT SENTENCES", "Uses brief sentences when writing"),
    ],
)
def test_names_that_mean_the_same_are_synonyms(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Asks a lot of questions", "Asks few questions"),
        ("Writes long sentences", "Writes short sentences"),
        ("Interested in chess", "Interested in music"),
        ("Works as a printer", "Works as a nurse"),
        ("Lives in Paris", "Lives in Rome"),
        ("Plays chess", "Plays no chess"),
    ],
)
def test_names_that_differ_are_no_synonyms(one: str, other: str) -> None:
    assert fold_name(one) != fold_name(other)
    assert not near(one, other)


def test_a_near_repetition_is_seen_and_a_contrary_is_none() -> None:
    assert near("Writes long winding letters", "Writes long winding letters home")
    assert not near("Writes long winding letters home", "Never writes long winding letters home")


@pytest.mark.parametrize(
    ("key", "contrary"),
    [
        ("habit:question:high", "habit:question:low"),
        ("habit:question:low", "habit:question:high"),
        ("fact:interest:grammar", "fact:interest:grammar:not"),
        ("fact:interest:grammar:not", "fact:interest:grammar"),
        ("voice:pause:long", None),
        ("high", None),
    ],
)
def test_the_contrary_of_a_trait_is_known(key: str, contrary: str | None) -> None:
    assert opposite(key) == contrary


@pytest.mark.parametrize(
    ("name", "liked"),
    [("Likes grammar", True), ("Fond of grammar", True), ("Hates grammar", False), ("Hated grammar", False),
     ("Does not like grammar", False), ("Doesn\u2019t like grammar", False), ("Cannot stand grammar", False)],
)  # fmt: skip
def test_liking_and_disliking_one_thing_are_two_traits(name: str, liked: bool) -> None:
    assert identity("fact:like:grammar", name) == ("fact:interest:grammar" if liked else "fact:interest:grammar:not")


def test_a_habit_is_itself_however_it_is_named() -> None:
    assert identity("habit:questions:low", "Never asks") == "habit:question:low"


def test_a_hat_is_no_hatred() -> None:
    assert identity("fact:like:hat", "Likes hats") == "fact:interest:hat"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("asks", "ask"), ("asked", "ask"), ("stopping", "stop"), ("telling", "tell"), ("families", "family"),
        ("boxes", "box"), ("hedges", "hedg"), ("hedging", "hedg"), ("string", "string"), ("need", "need"),
        ("chess", "chess"), ("virus", "virus"), ("analysis", "analysis"), ("printer", "printer"), ("a", "a"),
    ],
)  # fmt: skip
def test_inflection_is_taken_off_and_nothing_more(word: str, expected: str) -> None:
    assert lemma(word) == expected


@given(st.text(max_size=40))
def test_folding_takes_any_text_and_folding_again_changes_nothing(text: str) -> None:
    assert isinstance(fold_name(text), frozenset)
    assert near(text, text)
    assert fold(fold(f"habit:{text}:high")).endswith(":high")


def test_no_two_of_our_own_habits_are_taken_for_one() -> None:
    from app.traits.rules_habits import HABITS

    keys = [fold(f"habit:{habit.key}:{'low' if habit.low else 'high'}") for habit in HABITS]
    names = [fold_name(habit.name) for habit in HABITS]
    assert len(set(keys)) == len(set(names)) == len(HABITS)
    assert not [(a.name, b.name) for a, b in combinations(HABITS, 2) if near(a.name, b.name)]
