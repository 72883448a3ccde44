"""The Procfile and how many of each kind run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.procfile import MOST, SINGLE, Slot, parse_scale, read_procfile, slots
from app.errors import InvalidInput, Misconfigured

KINDS = ("web", "worker-text", "worker-gpu", "beat", "release")


def test_lines_are_read_in_order_and_comments_left_out(tmp_path: Path) -> None:
    file = tmp_path / "Procfile"
    file.write_text("# what runs\nweb: serve --on $PORT\n\nworker-text:   work: hard\n")
    assert [*read_procfile(file).items()] == [("web", "serve --on $PORT"), ("worker-text", "work: hard")]


@pytest.mark.parametrize("text", ["web serve", "web:", ": serve", "web: a\nweb: b", "we b: a"])
def test_a_line_that_is_no_process_is_named_by_its_number(tmp_path: Path, text: str) -> None:
    file = tmp_path / "Procfile"
    file.write_text(f"ok: fine\n{text}\n")
    with pytest.raises(Misconfigured, match=r"line [23]"):
        read_procfile(file)


def test_a_missing_procfile_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        read_procfile(tmp_path / "Procfile")


def test_both_names_of_a_kind_mean_the_same() -> None:
    assert parse_scale(["text=3,gpu=0"], KINDS) == parse_scale(["worker-text=3", "worker-gpu=0"], KINDS)


@pytest.mark.parametrize(
    "word",
    [
        "text",
        "text=",
        "text=-1",
        "text=x",
        "text=1.5",
        f"text={MOST + 1}",
        "web=2",
        "release=1",
        "nope=1",
        "=1",
        "text=٣x",
    ],
)
def test_a_size_that_makes_no_sense_is_refused(word: str) -> None:
    with pytest.raises(InvalidInput):
        parse_scale([word], KINDS)


@given(st.dictionaries(st.sampled_from(["worker-text", "worker-gpu"]), st.integers(0, MOST)))
def test_there_are_as_many_slots_as_asked_for_and_no_two_share_a_name(scale: dict[str, int]) -> None:
    made = slots(dict.fromkeys(KINDS, "run"), scale)
    assert len({slot.name for slot in made}) == len(made)
    for kind in ("web", "worker-text", "worker-gpu", "beat"):
        assert sum(slot.kind == kind for slot in made) == scale.get(kind, 1)
    assert not any(slot.kind == "release" for slot in made)


@given(st.integers(1, MOST - 1))
def test_growing_by_one_adds_one_and_keeps_the_others(count: int) -> None:
    commands = {"worker-text": "run"}
    before, after = slots(commands, {"worker-text": count}), slots(commands, {"worker-text": count + 1})
    assert set(after) - set(before) == {Slot("worker-text", count + 1, "run")}
    assert set(before) <= set(after)


@pytest.mark.parametrize("kind", sorted(SINGLE))
def test_what_there_can_be_only_one_of_has_no_number(kind: str) -> None:
    assert Slot(kind, 1, "run").name == kind
