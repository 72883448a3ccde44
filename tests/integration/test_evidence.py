"""Evidence is cut from the text when it is shown, and shown only while the text still says it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, update

from app.database import transaction
from app.errors import NotFound
from app.layers import Segment, TextLayer
from app.models import EvidenceSnippet, PackageKey
from app.services.candidates import list_candidates, one_candidate
from app.services.evidence import AROUND, leading, passage, trailing
from app.services.layers import forget
from app.services.merge import merge
from app.vocabulary import SegmentKind
from tests.integration.persona import WORDS, Person, finding


def shown(person: Person) -> dict[str, Any]:
    (row,) = list_candidates(person.user_id)[0]
    return row


def pieces(person: Person) -> list[UUID]:
    return [piece.evidence_id for piece in sorted(person.evidence(), key=lambda piece: piece.position)]


def test_a_passage_is_shown_in_its_surroundings(person: Person) -> None:
    merge(person.analysed(person.package(), finding()))
    found = passage(person.user_id, pieces(person)[0])
    assert found["content"] == "Why would anybody not ask?"
    assert found["before"] + found["content"] + found["after"] in WORDS
    assert found["before"].endswith("questions as I do? ")
    assert found["after"].startswith(" I never miss a morning")
    assert found["candidateID"] == shown(person)["candidateID"]
    assert found["counter"] is False


def test_a_passage_of_a_picture_has_its_page_and_box_and_one_of_speech_its_seconds(person: Person) -> None:
    words = tuple((n, n + 4, 1, (float(n), 0.0, n + 4.0, 9.0), 0.9) for n in range(0, len(WORDS) - 4, 5))
    picture = TextLayer(WORDS, kind="ocr", segments=(Segment(0, len(WORDS), page=1),), words=words)
    merge(person.analysed(person.package(layer=picture), finding(evidence=["Why would anybody not ask?"])))
    seen = passage(person.user_id, pieces(person)[0])
    assert (seen["type"], seen["locator"]["page"], seen["sourceDetail"]) == ("image_region", 1, "letters.txt, page 1")
    start, end = seen["locator"]["charStart"], seen["locator"]["charEnd"]
    assert start - 4 <= seen["locator"]["box"][0] <= seen["locator"]["box"][2] <= end + 4

    speaker = Person()
    spoken = Segment(0, len(WORDS), SegmentKind.UTTERANCE, start_time=65.0, end_time=90.0)
    speech = TextLayer(WORDS, kind="transcript", segments=(spoken,))
    merge(speaker.analysed(speaker.package(layer=speech), finding(evidence=["Why would anybody not ask?"])))
    heard = passage(speaker.user_id, pieces(speaker)[0])
    assert (heard["type"], heard["sourceDetail"]) == ("audio_segment", "letters.txt, 1:05")
    assert (heard["locator"]["startTime"], heard["locator"]["endTime"]) == (65.0, 90.0)


def test_seconds_alone_are_shown_without_words(person: Person) -> None:
    pause = {"start": -1, "end": -1, "start_time": 2.0, "end_time": 3.5, "label": "long pause"}
    merge(person.analysed(person.package(), finding("voice:pauses:long", "Leaves long pauses", evidence=[pause])))
    found = passage(person.user_id, pieces(person)[0])
    assert (found["content"], found["before"], found["after"], found["label"]) == ("", "", "", "long pause")
    assert found["locator"] == {"startTime": 2.0, "endTime": 3.5}
    assert shown(person)["supportingEvidenceSnippets"][0]["label"] == "long pause"


def test_words_in_any_script_are_shown_literally(person: Person) -> None:
    quote = "\U0001f600 \u05d0\u05e0\u05d9 e\u0301 \u201cja\u201d\u00a0\u0627."
    words = f"{quote} {WORDS}"
    merge(person.analysed(person.package(words), finding(evidence=[quote])))
    (snippet,) = shown(person)["supportingEvidenceSnippets"]
    assert snippet["content"] == quote
    assert (snippet["locator"]["charStart"], snippet["locator"]["charEnd"]) == (0, len(quote))


def test_another_persons_evidence_is_not_found(person: Person) -> None:
    merge(person.analysed(person.package(), finding()))
    for user_id, evidence_id in ((Person().user_id, pieces(person)[0]), (person.user_id, uuid4())):
        with pytest.raises(NotFound):
            passage(user_id, evidence_id)


def test_evidence_that_the_text_no_longer_says_is_left_out_and_counted(person: Person) -> None:
    merge(person.analysed(person.package(), finding()))
    changed, *rest = pieces(person)
    with transaction() as connection:
        connection.execute(
            update(EvidenceSnippet).where(EvidenceSnippet.evidence_id == changed).values(sha256="0" * 64)
        )
    row = shown(person)
    assert [UUID(snippet["evidenceID"]) for snippet in row["supportingEvidenceSnippets"]] == rest
    assert row["evidenceLeftOut"] == 1
    with pytest.raises(NotFound):
        passage(person.user_id, changed)


def test_once_the_key_is_destroyed_no_word_is_shown_anywhere(person: Person) -> None:
    package = person.package()
    merge(person.analysed(package, finding()))
    identity = UUID(shown(person)["candidateID"])
    with transaction() as connection:
        connection.execute(delete(PackageKey).where(PackageKey.package_id == package))
    forget(person.user_id)
    for row in (shown(person), one_candidate(person.user_id, identity)):
        assert (row["supportingEvidenceSnippets"], row["evidenceLeftOut"]) == ([], 3)
    with pytest.raises(NotFound):
        passage(person.user_id, pieces(person)[0])


@given(st.text(st.sampled_from("ab. \n?\u201d\u3002"), max_size=900), st.integers(0, 900))
def test_surroundings_are_what_stands_there_and_are_bounded(text: str, position: int) -> None:
    position = min(position, len(text))
    before, after = leading(text, position), trailing(text, position)
    assert len(before) <= AROUND
    assert len(after) <= AROUND
    assert text[:position].endswith(before)
    assert text[position:].startswith(after)


def test_surroundings_begin_and_end_with_a_sentence_where_they_can_and_with_a_word_where_not() -> None:
    sentence = "Nobody came to see us that winter. "
    text = sentence * 30
    assert leading(text, 20 * len(sentence)).startswith("Nobody came")
    assert trailing(text, 5 * len(sentence)).endswith("that winter.")
    words = "many words without any end " * 30
    assert leading(words, 400).split()[0] in words.split()
    assert trailing(words, 400).split()[-1] in words.split()
    assert len(leading("x" * 900, 600)) == len(trailing("x" * 900, 100)) == AROUND
