from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Refusal
from app.perception.encodings import decode
from app.vocabulary import ReasonCode

GERMAN = "„Größe“ und Übermut führen zu Ärger – sagte er…"  # noqa: RUF001 - German typography is meant
#: What stands in text files: letters of all scripts, marks, white space; no controls, no lone surrogates.
TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n\t"))


@given(TEXT)
def test_utf_8_is_decoded_exactly(text: str) -> None:
    decoded = decode(text.encode())
    assert decoded.text == text.removeprefix("\ufeff")
    assert (decoded.encoding, decoded.repaired) == ("utf-8", 0)


@given(TEXT, st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]))
def test_a_byte_order_mark_decides_and_is_gone(text: str, codec: str) -> None:
    assert decode(text.encode(codec)).text == text


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_become_newlines(end: str) -> None:
    assert decode(f"one{end}two{end}{end}three".encode()).text == "one\ntwo\n\nthree"


@pytest.mark.parametrize(
    ("text", "codec", "name"),
    [
        (GERMAN, "cp1252", "windows-1252"),
        ("Wie schön, daß Du da bist, lieber Bär!", "latin-1", "iso-8859-1"),
        ("À gauche, là-bas, Rouen, la vaste ville aux toits bleus.", "latin-1", "iso-8859-1"),
        ("Привет, мир! Это обычный текст на русском языке, каждый день.", "cp1251", "cp1251"),
        ("Привет, мир! Это обычный текст на русском языке, каждый день.", "koi8-r", "koi8-r"),
        ("今日はとても良い天気ですね。明日も晴れるといいです。私は東京に住んでいます。", "shift_jis", "cp932"),
        ("Hello there, this is a test.", "utf-16-le", "utf-16-le"),
        ("Hello there, this is a test.", "utf-16-be", "utf-16-be"),
        ("今日はとても良い天気ですね。明日も晴れるといいです。", "utf-16-be", "utf-16-be"),
    ],
)
def test_other_encodings_are_found_and_named(text: str, codec: str, name: str) -> None:
    decoded = decode((text + "\n").encode(codec) * 6)
    assert decoded.text == (text + "\n") * 6
    assert decoded.encoding == name


def test_single_broken_bytes_in_utf_8_are_read_as_windows_1252_and_counted() -> None:
    decoded = decode(GERMAN.encode() + b" caf\xe9")
    assert decoded.text == GERMAN + " café"
    assert (decoded.encoding, decoded.repaired) == ("utf-8", 1)


def test_binary_data_is_no_text() -> None:
    with pytest.raises(Refusal) as caught:
        decode(bytes(range(256)) * 4)
    assert caught.value.reason.code is ReasonCode.CORRUPT
