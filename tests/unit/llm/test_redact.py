"""Redaction: what leaves holds nobody else's name or number, one thing has one placeholder, and recall is known."""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analyzers.llm.analyse import requests
from app.analyzers.llm.prompts import TASKS
from app.analyzers.llm.redact import VERSION, Redactor, entities, iban, luhn
from app.analyzers.llm.windows import windows
from app.layers import TextLayer
from benchmarks.redaction import Case, ours, own_set, score
from benchmarks.redaction import sets as sets_to_measure
from tests.unit.llm.texts import own, whole

#: Least recall, whole entities only, a little below what docs/reference/redaction.md publishes; and most that may be
#: taken of other words. Addresses of all countries and names without capitals are the weak places.
EASY = dict.fromkeys(("CARD", "EMAIL", "IBAN", "ID", "IP", "URL"), 1.0)
FLOORS: dict[str, tuple[dict[str, float], float]] = {
    "development": ({**EASY, "PHONE": 0.98, "PERSON": 0.98, "ADDRESS": 0.96}, 0.01),
    "held out": ({**EASY, "PHONE": 0.98, "PERSON": 0.95, "ADDRESS": 0.87}, 0.02),
    "requests": ({**EASY, "PHONE": 0.98, "PERSON": 0.91, "ADDRESS": 0.89}, 0.012),
    "tweets": ({"PERSON": 0.50}, 0.01),
}


def redacted(layer: TextLayer) -> str:
    text = layer.text
    for redaction in reversed(Redactor(layer, layer.segments).redactions):
        text = text[: redaction.start] + redaction.placeholder + text[redaction.end :]
    return text


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("Write to ann.lee+x@mail.example.org, please.", "Write to [EMAIL_1], please."),
        ("My card is 4532 2766 4457 7020 or so.", "My card is [CARD_1] or so."),
        ("Pay to DE89 3704 0044 0532 0130 00 today.", "Pay to [IBAN_1] today."),
        ("Call me on +44 20 7946 0958.", "Call me on [PHONE_1]."),
        ("Call (96) 627-277 now.", "Call [PHONE_1] now."),
        ("I live at 12 Mill Road now.", "I live at [ADDRESS_1] now."),
        ("Es war Lindenstraße 7.", "Es war [ADDRESS_1]."),
        ("See https://example.org/u/annlee for it.", "See [URL_1] for it."),
        ("I met Dr. Isted and Mrs. Isted.", "I met Dr. [PERSON_1] and Mrs. [PERSON_1]."),
        ("My wife Ottilie sings.", "My wife [PERSON_1] sings."),
        ("Thomas Wright called; then Thomas left.", "[PERSON_1] called; then [PERSON_1] left."),
        ("Krylova said so. I like Krylova.", "[PERSON_1] said so. I like [PERSON_1]."),
        ("In May I will go, and mark the rose with grace.", "In May I will go, and mark the rose with grace."),
        ("I was born in 1987 and paid 1,200 pounds on 12/27/1986.",) * 2,
        ("Ludlow, 14 January 2024",) * 2,
        ("Ludlow, 14 March 2024",) * 2,
        ("I love Paris, Java and English tea on Sunday.",) * 2,
        ("I love Yoga, 3 times a week, and Tennis 2 times.",) * 2,
        ("It took 3 days on the road and 20 minutes by bus.",) * 2,
        ("Pay gb82 west 1234 5698 7654 32 in May.", "Pay [IBAN_1] in May."),
        ("We met @annlee99 there.", "We met [HANDLE_1] there."),
        ("My NINO is QQ 12 34 56 C.", "My NINO is [NUMBER_1]."),
        ("DNI 61017694M, por favor.", "DNI [NUMBER_1], por favor."),
        ("Sort code 12-34-56, account 876543.", "Sort code [NUMBER_1], account [NUMBER_2]."),
        ("Server 2001:db8::7334 at 12:30:15.", "Server [IP_1] at 12:30:15."),
        ("I grew up at 9 rue de la Paix, 75002 Paris, in a flat.", "I grew up at [ADDRESS_1], in a flat."),
        ("Send it to ul. Długa 7/3, 00-238 Warszawa.", "Send it to [ADDRESS_1]."),
        ("Liebe Waltraut, danke.", "Liebe [PERSON_1], danke."),
        ("hey aadhya, ask wiktor about it", "hey [PERSON_1], ask [PERSON_2] about it"),
        ("All the best wishes,\nLily Lund", "All the best wishes,\n[PERSON_1]"),
        ("Mr. and Mrs. Isted came.", "Mr. and Mrs. [PERSON_1] came."),
        ("Thanks, Ottilie Braithwaite W1A 1AA", "Thanks, [PERSON_1] [ADDRESS_1]"),
        ("Ottilie Braithwaite AB123456C is her number", "[PERSON_1] [NUMBER_1] is her number"),
        ("My wife Ottilie Isted@gmail.com", "My wife [PERSON_1] [EMAIL_1]"),
    ],
)
def test_what_identifies_others_becomes_a_placeholder_and_the_rest_stays(said: str, sent: str) -> None:
    assert redacted(whole(said)) == sent


def test_one_thing_has_one_placeholder_in_the_whole_layer() -> None:
    layer = own("I saw Anna Smith. Her mail is a@b.example.", "Anna wrote from A@B.example.", "Bob Jones did not.")
    assert redacted(layer).split("\n\n") == [
        "I saw [PERSON_1]. Her mail is [EMAIL_1].",
        "[PERSON_1] wrote from [EMAIL_1].",
        "[PERSON_2] did not.",
    ]


def test_a_thing_has_the_same_placeholder_however_the_text_is_cut_and_whatever_is_asked() -> None:
    said = "I met Ann Lee at 12 Mill Road, Bath. ", "Ann wrote from ann@b.example. ", "Bo Ek rang +44 20 7946 0958. "
    layer = own(*(part * 4 for part in said), "Ann Lee and Bo Ek moved to 12 Mill Road, Bath.")
    stood: dict[str, set[str]] = {}
    for size in (40, 100, 4000):
        for window in windows(layer, size):
            for piece in (piece for piece in window.pieces if not piece.literal):
                placeholder = window.document.text[piece.start : piece.end]
                stood.setdefault(layer.text[piece.origin : piece.origin_end], set()).add(placeholder)
    assert {name: len(placeholders) for name, placeholders in stood.items()} == dict.fromkeys(stood, 1)
    assert stood["Ann Lee"] == stood["Ann"] != stood["Bo Ek"]
    for one, other in pairwise(requests(layer, {"task": task}) for task in TASKS):
        assert [request.document for request in one] == [request.document for request in other]


def test_check_digits_tell_cards_and_accounts_from_other_numbers() -> None:
    assert luhn("4532276644577020")
    assert not luhn("4532276644577021")
    assert iban("GB82 WEST 1234 5698 7654 32")
    assert not iban("GB82 WEST 1234 5698 7654 33")


@given(st.text(st.sampled_from("aA1 @.-+()[]\n,0'ßé"), max_size=200))
def test_entities_are_in_order_apart_and_inside(text: str) -> None:
    position = 0
    for start, end, _ in entities(text):
        assert position <= start < end <= len(text)
        position = end


@pytest.mark.parametrize(
    "text", ["1 ", "a", "A. ", "Ann ", "1-", "@.", "my address is ", "12 Mill Road, ", "Apt 3, ", "van der ", "Dear "]
)
@pytest.mark.timeout(60)
def test_no_text_makes_it_slow(text: str) -> None:
    assert len(redacted(whole((text * 30_000)[:30_000]))) > 0


@pytest.mark.parametrize("text", ["1", "A", " ", "1 A "], ids=["digits", "capitals", "spaces", "numbers and capitals"])
@pytest.mark.timeout(120)
def test_a_megabyte_of_anything_takes_seconds(text: str) -> None:
    assert all(start < end for start, end, _ in entities((text * 1_000_000)[:1_000_000]))


@pytest.mark.timeout(60)
def test_many_different_people_are_told_apart() -> None:
    names = [f"Ann{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}lia Lee" for n in range(17_576)]
    sent = redacted(whole(" ".join(f"My friend {name} came." for name in names)))
    assert len(set(re.findall(r"PERSON_\d+", sent))) > 17_000


@pytest.fixture(scope="module")
def sets() -> dict[str, list[Case]]:
    return dict(sets_to_measure(4))


@pytest.mark.parametrize("name", FLOORS)
def test_recall_stays_where_it_was_published(name: str, sets: dict[str, list[Case]]) -> None:
    if name not in sets:
        pytest.skip("the shared samples are not beside this checkout")
    result = score(sets[name], ours)
    floors, most = FLOORS[name]
    recall = {kind: result.recall(kind) for kind in result.there}
    assert all(recall[kind] >= floors[kind] for kind in recall), recall
    assert result.too_much <= most


def test_the_halves_of_the_own_set_share_no_template_and_repeat() -> None:
    one, other = own_set(held_out=False, copies=1), own_set(held_out=True, copies=1)
    assert len(one) + len(other) >= 120
    assert not {case.text for case in one} & {case.text for case in other}
    assert own_set(held_out=True, copies=1) == other


def test_a_change_of_what_is_taken_is_a_new_version() -> None:
    # A new digest means that other text is sent: raise VERSION with it.
    cases = [case for half in (False, True) for case in own_set(held_out=half, copies=2)]
    taken = "\n".join(repr((case.text, ours(case))) for case in cases)
    assert (VERSION, hashlib.sha256(taken.encode()).hexdigest()[:12]) == ("r3", "1e1d08a04981")
