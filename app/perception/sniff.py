"""What an upload is, told by its bytes and never by its name.

Light on purpose: the web tier calls it. `filetype` knows the binary formats; here is what it lacks: Office files of all
kinds, encrypted ones, text in any encoding, HTML and mail.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

import filetype  # type: ignore[import-untyped] # it ships no types

from app.vocabulary import DataType

HTML = "text/html"
MAIL = "message/rfc822"
MARKDOWN = "text/markdown"
PDF = "application/pdf"
PLAIN = "text/plain"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
#: An OLE container: an encrypted DOCX, or an old Office file. The reader looks into it.
OLE = "application/x-ole-storage"
#: An OLE container that holds an encrypted Office file.
ENCRYPTED_OFFICE = "application/x-encrypted-office"

_BINARY = "application/octet-stream"
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP_MAGIC = b"PK\x03\x04"
#: Names for what `filetype` calls otherwise.
_NAMES = {
    "audio/x-wav": "audio/wav",
    "audio/x-flac": "audio/flac",
    "application/x-sqlite3": "application/vnd.sqlite3",
}
_READABLE = {
    PDF: DataType.DOCUMENT,
    DOCX: DataType.DOCUMENT,
    "audio/wav": DataType.AUDIO,
    "audio/flac": DataType.AUDIO,
    "audio/mpeg": DataType.AUDIO,
    "audio/ogg": DataType.AUDIO,
    "image/png": DataType.IMAGE,
    "image/jpeg": DataType.IMAGE,
    "image/tiff": DataType.IMAGE,
    "image/webp": DataType.IMAGE,
    "image/gif": DataType.IMAGE,
}
_ZIP_KINDS = (
    (b"word/", DOCX),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: Bytes that no text in any 8-bit encoding holds: controls other than white space, escape and the DOS end mark.
_CONTROLS = bytes({*range(32), 0x7F} - {*b"\t\n\v\f\r\x1a\x1b"})
#: Share of control bytes above which bytes are no text. Broken exports hold a few.
_MAX_CONTROLS = 0.02

_COMMON = re.compile("[\t\n\r -~\u3000-\u30ff\uac00-\ud7a3\uff00-\uff60]")
_HEADER = re.compile(r"[!-9;-~]+:[ \t]|[ \t]+\S")
_MAIL_HEADER = re.compile(
    r"^(from|to|cc|subject|date|message-id|received|mime-version|return-path|delivered-to|content-type|reply-to"
    r"|x-[a-z-]+|dkim-signature|authentication-results):",
    re.IGNORECASE,
)
_HTML_START = re.compile(
    r"\s*(<\?xml[^>]*\?>\s*)?(?:<!--(?:(?!-->).)*+-->\s*+)*+<(!doctype\s+html|html|head|body|title|meta)\b",
    re.IGNORECASE | re.DOTALL,
)
_XML_START = re.compile(r"\s*<(\?xml|!doctype|svg|[a-z][\w.:-]*+\s+xmlns)", re.IGNORECASE)
_TAGS = re.compile(
    r"</?(p|div|span|br|h[1-6]|ul|ol|li|table|tr|td|blockquote|article|section|em|strong|img)\b[^<>]*>", re.IGNORECASE
)
#: Text that is written by and for programs we have no reader for.
_FOREIGN = (
    (re.compile(r"\{\\rtf"), "application/rtf"),
    (re.compile(r"%!PS"), "application/postscript"),
    (re.compile(r"From \S+ .*\d{4}\n[!-9;-~]+:"), "application/mbox"),
)
_HEADING = re.compile(r"^#{1,6} \S.*\n(?:\n|\Z)", re.MULTILINE)
#: Of these alone that make Markdown: a diary has no other sign of it.
_HEADINGS = 3
_MARKDOWN = (
    re.compile(r"\A---\n(?:.*\n)*?(?:---|\.\.\.)\n"),
    _HEADING,
    re.compile(r"^(```|~~~)", re.MULTILINE),
    re.compile(r"\[[^\[\]\n]{1,200}+\]\([^()\s]{1,500}+\)"),
    re.compile(r"\*\*\w[^*\n]{1,200}+\*\*"),
    re.compile(r"\{\{[<%][^{}\n]{1,300}+\}\}"),
)


def sniff(head: bytes, *, whole: Callable[[], bytes] | None = None) -> tuple[DataType, str]:
    """The data type and media type of an upload.

    Args:
        head: its first bytes, 8 KiB or more where there are so many.
        whole: gives all of it, asked only where the head leaves a container undecided.

    Returns:
        `DataType.UNKNOWN` with the best media type where nothing here can open it. An empty upload is empty text.
    """
    if head.startswith(_ZIP_MAGIC):
        return _zip(head, whole)
    if head.startswith(_OLE_MAGIC):
        return _ole(whole() if whole else head)
    if b"%PDF-" in head[:1024]:
        return DataType.DOCUMENT, PDF
    guessed = None if head.startswith(tuple(bom for bom, _ in _BOMS)) else filetype.guess_mime(head)
    if guessed:
        media_type = _NAMES.get(guessed, guessed)
        return _READABLE.get(media_type, DataType.UNKNOWN), media_type
    encoding = text_encoding(head)
    if encoding is None:
        return DataType.UNKNOWN, _BINARY
    return _text(head.decode(encoding, "replace").lstrip("\ufeff").replace("\r\n", "\n"))


def text_encoding(head: bytes) -> str | None:
    """The codec that reads the beginning of a text, "latin-1" standing for any 8-bit one; None where it is no text."""
    for bom, codec in _BOMS:
        if head.startswith(bom):
            return codec
    if len(head.translate(None, _CONTROLS)) < len(head) * (1 - _MAX_CONTROLS):
        return _wide_encoding(head)
    try:
        # Not final: the head may end in the middle of a character.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _wide_encoding(data: bytes) -> str | None:
    """Which UTF-16 without byte order mark the bytes are; None where they are not.

    Nearly all characters must be printable that way, and the right byte order is the one that finds more of what every
    script uses: ASCII white space and punctuation, or those of East Asia with kana and hangul.
    """
    sample = data[: 4096 & ~1][: len(data) & ~1]
    best, found = (len(sample) < 8) * 8, None  # a few bytes prove nothing
    for codec in ("utf-16-le", "utf-16-be"):
        text = sample.decode(codec, "replace")
        common = len(_COMMON.findall(text))
        readable = (
            sum(char.isprintable() or char.isspace() for char in text) >= 0.97 * len(text) and "\ufffd" not in text
        )
        if readable and common > max(best, len(text) // 20):
            best, found = common, codec
    return found


def _zip(head: bytes, whole: Callable[[], bytes] | None) -> tuple[DataType, str]:
    name = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    if name == b"mimetype":
        begin = 30 + len(name) + int.from_bytes(head[28:30], "little")
        kind = re.match(rb"application/[\w.+-]+", head[begin : begin + int.from_bytes(head[18:22], "little")])
        return DataType.UNKNOWN, kind.group().decode() if kind else "application/zip"
    if not name.startswith((b"[Content_Types].xml", b"_rels/", b"docProps/", b"customXml/", b"word/")):
        return DataType.UNKNOWN, "application/zip"
    data = whole() if whole else head
    for folder, media_type in _ZIP_KINDS:
        if folder in data:
            return _READABLE.get(media_type, DataType.UNKNOWN), media_type
    return DataType.DOCUMENT, DOCX


def _ole(data: bytes) -> tuple[DataType, str]:
    """An encrypted Office file if the directory says so; undecided from a head, the reader sees all of it."""
    for stream, data_type, media_type in (
        ("EncryptedPackage", DataType.DOCUMENT, ENCRYPTED_OFFICE),
        ("__substg1.0_", DataType.UNKNOWN, "application/vnd.ms-outlook"),
        ("WordDocument", DataType.UNKNOWN, "application/msword"),
        ("Workbook", DataType.UNKNOWN, "application/vnd.ms-excel"),
        ("PowerPoint Document", DataType.UNKNOWN, "application/vnd.ms-powerpoint"),
    ):
        if stream.encode("utf-16-le") in data:
            return data_type, media_type
    return DataType.DOCUMENT, OLE


def _text(text: str) -> tuple[DataType, str]:
    start = text.lstrip()[:1]
    if foreign := next((media_type for sign, media_type in _FOREIGN if sign.match(text)), None):
        return DataType.UNKNOWN, foreign
    if start == "<" and (_HTML_START.match(text) or len(_TAGS.findall(text)) > 2):
        return DataType.DOCUMENT, HTML
    if start == "<" and _XML_START.match(text):
        return DataType.UNKNOWN, "image/svg+xml" if "<svg" in text.lower() else "application/xml"
    if _is_mail(text):
        return DataType.MAIL, MAIL
    signs = sum(1 for sign in _MARKDOWN if sign.search(text))
    markdown = signs > 1 or _MARKDOWN[0].match(text) or len(_HEADING.findall(text)) >= _HEADINGS
    return DataType.TEXT, MARKDOWN if markdown else PLAIN


def _is_mail(text: str) -> bool:
    """Header lines first, three of them known ones: a letter that begins with "From: Ann" is no message."""
    known = set()
    for line in text.split("\n", 60)[:60]:
        if not line.strip():
            break
        if not _HEADER.match(line) and not line.rstrip().endswith(":"):
            return False
        if found := _MAIL_HEADER.match(line):
            known.add(found.group(1).lower())
    return len(known) > 2 and bool(known & {"from", "received", "return-path"})
