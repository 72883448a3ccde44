"""Bytes of a text file to text, in whatever encoding, and which one it was."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from app.errors import Refusal
from app.perception.sniff import text_encoding
from app.vocabulary import ReasonCode

#: What the letters beyond ASCII are in Western European text and typography, in Windows-1252.
_WESTERN = frozenset("ÀÁÂÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüÿœŒ“”‘’„‚«»‹›–—…•·€£§°©®¡¿ªº´½¼ž\xa0")  # noqa: RUF001 - meant
#: Bytes that a statistical detector looks at; more changes nothing.
_SAMPLE = 20_000
#: Broken bytes are read singly where so many good characters stand beside each.
_GOOD_FOR_EACH_BAD = 3

_NAMES = {"cp1252": "windows-1252", "latin-1": "iso-8859-1", "utf_8": "utf-8"}
_LONE = re.compile("[\udc80-\udcff]")
_LINE_END = re.compile(r"\r\n?")


@dataclass(frozen=True, slots=True)
class Decoded:
    r"""A text file's text.

    Attributes:
        text: line breaks are `\n`, the byte order mark is gone, nothing else is changed.
        encoding: IANA name in lower case.
        repaired: bytes that were wrong in that encoding and were read singly as Windows-1252.
    """

    text: str
    encoding: str
    repaired: int = 0


def decode(data: bytes) -> Decoded:
    """Decode a text file.

    UTF-8 is exact: but for line ends the text is the file's. Order of trials: byte order mark, UTF-16 without one,
    UTF-8, UTF-8 with single broken bytes, Western European, then statistics for the rest.

    Raises:
        Refusal: corrupt; the bytes are no text.
    """
    codec = text_encoding(data[:8192])
    if codec is None:
        raise Refusal(
            ReasonCode.CORRUPT, "The file looks like text but holds binary data: save it again as UTF-8 text."
        )
    if codec.startswith("utf-"):
        decoded = _unicode(data, codec)
        if decoded is not None:
            return decoded
    text, name = _eight_bit(data)
    return Decoded(_LINE_END.sub("\n", text), name)


def _unicode(data: bytes, codec: str) -> Decoded | None:
    bom = next((bom for bom in (codecs.BOM_UTF8, *_wide_boms(codec)) if data.startswith(bom)), b"")
    data = data[len(bom) :]
    if codec != "utf-8":
        text = data.decode(codec, "replace")
        return Decoded(_LINE_END.sub("\n", text), codec, text.count("\ufffd"))
    try:
        text, repaired = data.decode(), 0
    except UnicodeDecodeError:
        text = data.decode(errors="surrogateescape")
        repaired = len(_LONE.findall(text))
        good = sum(1 for char in text if char > "\x7f") - repaired
        if good < _GOOD_FOR_EACH_BAD * repaired:
            return None
        text = _LONE.sub(lambda m: bytes([ord(m.group()) - 0xDC00]).decode("cp1252", "replace"), text)
    return Decoded(_LINE_END.sub("\n", text) if "\r" in text else text, codec, repaired)


def _wide_boms(codec: str) -> tuple[bytes, ...]:
    return {
        "utf-16-le": (codecs.BOM_UTF16_LE,),
        "utf-16-be": (codecs.BOM_UTF16_BE,),
        "utf-32-le": (codecs.BOM_UTF32_LE,),
        "utf-32-be": (codecs.BOM_UTF32_BE,),
    }.get(codec, ())


def _eight_bit(data: bytes) -> tuple[str, str]:
    """Western European where nearly all of its letters are; a statistical guess otherwise."""
    codec = "cp1252" if re.search(rb"[\x80-\x9f]", data) else "latin-1"
    western = data.decode(codec, "replace")
    beyond = [char for char in western[: 4 * _SAMPLE] if char > "\x7f"]
    letters = sum(map(str.isalpha, western[: 4 * _SAMPLE]))
    if sum(char in _WESTERN for char in beyond) >= 0.95 * len(beyond) and len(beyond) <= 0.4 * max(letters, 50):
        return western, _NAMES[codec]
    from charset_normalizer import from_bytes  # noqa: PLC0415 - slow to import, and few files need it

    best = from_bytes(data[:_SAMPLE]).best()
    if best is None:
        return western, _NAMES[codec]
    return data.decode(best.encoding, "replace"), _NAMES.get(best.encoding, best.encoding.replace("_", "-"))
