from __future__ import annotations

from email.message import EmailMessage

import pytest

from app.errors import Refusal
from app.layers import TextLayer
from app.perception import mail
from app.vocabulary import ReasonCode, SegmentKind

HEAD = (
    b"From: Anna <anna@a.example>\nTo: Paul <p@a.example>\nDate: Wed, 21 Dec 2022 10:28:53 -0600\nSubject: Family day\n"
)
OWN = "I am looking forward to Saturday, and I shall bring the cake myself."
QUOTED = "Are you coming on Saturday? Everybody asks for you."


def read(body: str, headers: bytes = HEAD) -> TextLayer:
    return mail.read(headers + b"Content-Type: text/plain; charset=utf-8\n\n" + body.encode())[0]


def kinds(layer: TextLayer) -> list[tuple[str, str]]:
    return [(str(s.kind), layer.text[s.start : s.end]) for s in layer.segments]


def test_subject_greeting_body_farewell_and_signature_are_told_apart() -> None:
    layer = read(f"Hi Paul,\n\n{OWN}\n\nBest,\nAnna\n\n-- \nAnna Ward\nExample Works\n")
    assert kinds(layer) == [
        ("heading", "Family day"),
        ("salutation", "Hi Paul,"),
        ("paragraph", OWN),
        ("salutation", "Best,"),
        ("salutation", "Anna"),
        ("boilerplate", "-- \nAnna Ward\nExample Works"),
    ]


def test_the_date_of_the_header_dates_everything_and_the_writer_is_not_named() -> None:
    layer = read(OWN)
    assert {s.date for s in layer.segments} == {"2022-12-21T10:28:53-06:00"}
    assert {s.author for s in layer.segments} == {None}
    assert layer.facts["register"] == "letters_diaries"


@pytest.mark.parametrize(
    "introduction",
    [
        "On Wed, Dec 21, 2022 at 10:28 AM Paul Grey <p@a.example> wrote:",
        "On Wed, Dec 21, 2022 at 10:28 AM\nPaul Grey <p@a.example> wrote:",
        "Am 21.12.2022 um 10:28 schrieb Paul Grey:",
        "Le 21 déc. 2022 à 10:28, Paul a écrit :",
    ],
)
def test_what_is_answered_below_is_a_quotation(introduction: str) -> None:
    layer = read(f"{OWN}\n\n{introduction}\n> {QUOTED}\n")
    assert [layer.text[start:end] for start, end in layer.own_spans()] == [OWN]
    assert layer.segments[-1].kind is SegmentKind.QUOTATION


def test_answers_between_quoted_lines_stay_the_writer_s() -> None:
    layer = read(f"On Wed, Paul wrote:\n> {QUOTED}\n{OWN}\n> And the cat?\nShe stays at home.\n")
    assert [layer.text[start:end] for start, end in layer.own_spans()] == [OWN, "She stays at home."]


def test_the_head_that_outlook_writes_begins_a_quotation() -> None:
    below = f"From: Paul Grey\nSent: Wednesday, December 21, 2022\nTo: Anna Ward\nSubject: RE: Family day\n\n{QUOTED}"
    layer = read(f"{OWN}\n\n-----Original Message-----\n{below}\n")
    assert [layer.text[start:end] for start, end in layer.own_spans()] == [OWN]


def test_forwarded_mail_is_forwarded() -> None:
    layer = read(f"{OWN}\n\n---------- Forwarded message ---------\nFrom: Paul <p@a.example>\n\n{QUOTED}\n")
    assert kinds(layer)[-1][0] == "forwarded"
    assert QUOTED in kinds(layer)[-1][1]


def test_the_line_of_a_telephone_is_boilerplate() -> None:
    assert kinds(read(f"{OWN}\n\nSent from my iPhone\n"))[-1] == ("boilerplate", "Sent from my iPhone")


def message(plain: str | None, markup: str | None) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["Subject"], made["Date"] = "anna@a.example", "s", "Wed, 21 Dec 2022 10:28:53 -0600"
    if plain is not None:
        made.set_content(plain)
    if markup is not None and plain is not None:
        made.add_alternative(markup, subtype="html")
    elif markup is not None:
        made.set_content(markup, subtype="html")
    return made


def test_the_body_is_read_once_and_which_part_is_said() -> None:
    layer, _ = mail.read(bytes(message("The plain part.", "<p>The marked part.</p>")))
    assert "marked" not in layer.text
    assert layer.facts["part"] == "text/plain"


def test_a_body_in_html_alone_is_read_with_its_quotation_apart() -> None:
    markup = f'<div>{OWN}</div><div class="gmail_quote">On Wed, Paul wrote:<blockquote>{QUOTED}</blockquote></div>'
    layer, _ = mail.read(bytes(message(None, markup)))
    assert layer.facts["part"] == "text/html"
    assert [layer.text[start:end] for start, end in layer.own_spans()] == [OWN]


def test_attachments_are_counted_and_stay_closed() -> None:
    made = message("See the file.", None)
    made.add_attachment("secret words", filename="notes.txt")
    layer, _ = mail.read(bytes(made))
    assert layer.facts["attachments"] == 1
    assert "secret" not in layer.text


def test_a_message_of_attachments_alone_has_no_text() -> None:
    made = message(None, None)
    made.add_attachment(b"\x00\x01", maintype="application", subtype="octet-stream", filename="x.bin")
    with pytest.raises(Refusal) as caught:
        mail.read(bytes(made))
    assert caught.value.reason.code is ReasonCode.NO_TEXT


@pytest.mark.parametrize(
    "headers",
    [
        b"From: a@b.example\nDate: not a date\nSubject: =?utf-8?q?broken?=\n",
        b"From: a@b.example\nSubject: =?nope?b?////?=\nDate: Wed, 99 Dec 2022\n",
        b"From: \xff\xfe\nTo: x\nSubject: \xe9t\xe9\n",
    ],
)
def test_broken_headers_do_not_stop_the_reading(headers: bytes) -> None:
    assert OWN in read(OWN, headers).text


def test_an_unknown_or_wrong_charset_is_guessed() -> None:
    layer, _ = mail.read(
        HEAD + b"Content-Type: text/plain; charset=x-nonsense\n\n" + "Grüße aus Köln".encode("latin-1")
    )
    assert "Grüße aus Köln" in layer.text
