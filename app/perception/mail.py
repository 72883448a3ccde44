"""Mail (RFC 5322): the body once, with quoted and forwarded mail, signature and disclaimers apart.

The plain part is preferred; HTML is read where there is none. Attachments are counted and stay closed.
"""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any

from app.errors import Refusal
from app.layers import TextLayer, join
from app.perception.blocks import Block, blocks
from app.perception.encodings import decode
from app.perception.letters import NAME_LENGTH, is_closing, is_greeting
from app.perception.reading import Piece, Reading
from app.perception.webpage import pieces
from app.vocabulary import ReasonCode, Register, SegmentKind

#: Lines after a greeting or before a signature that still belong to it.
EDGE = 4

#: "On Monday ... wrote:" over up to three lines, in four languages.
_ATTRIBUTION = re.compile(
    r"^(?:On|Am|Le|El)\b[^\n]{4,200}(?:\n[^\n]{0,200}){0,2}?\b(?:wrote|schrieb|écrit|escribió)\b[^\n]{0,80}:[ \t]*$",
    re.MULTILINE,
)
#: The head that Outlook puts above what is answered.
_OUTLOOK = re.compile(
    r"^(?:[-_]{2,} ?(?:Original Message|Ursprüngliche Nachricht|Message d'origine|Mensaje original)? ?[-_]*\n+)?"
    r"\*?(?:From|Von|De)\s?:\*?[ \t][^\n]+\n(?:\*?[A-Z][\w ./-]{1,20}\s?:\*?[^\n]*\n){1,6}",
    re.MULTILINE,
)
_FORWARDED = re.compile(
    r"^[-_ ]*(?:(?:Begin )?forwarded message|Weitergeleitete Nachricht|Message transféré|Mensaje reenviado)\b.*$",
    re.MULTILINE | re.IGNORECASE,
)
_SIGNATURE = re.compile(r"^-- ?$", re.MULTILINE)
_FOOTER = re.compile(r"^(?:Sent from my |Von meinem .* gesendet|Get Outlook for |Envoyé de mon )[^\n]*$", re.MULTILINE)


def read(data: bytes) -> Reading:
    """Read a message. Its subject is a heading; its date dates every segment; the writer is not named.

    Raises:
        Refusal: corrupt; no text part.
    """
    message = message_from_bytes(data, policy=policy.default)
    if not isinstance(message, EmailMessage):
        raise Refusal(ReasonCode.CORRUPT, "The message cannot be read: save it again from the mail program.")
    facts: dict[str, Any] = {"register": str(Register.LETTERS_DIARIES)}
    date = _date(message)
    if date:
        facts["date"] = date
    found, facts["part"] = _body(message)
    facts["attachments"] = sum(1 for _ in _attachments(message))
    subject = _header(message, "Subject")
    if subject:
        found.insert(0, (subject, SegmentKind.HEADING, {}))
    text, segments = join((content, kind, {"date": date, **extra}) for content, kind, extra in found)
    return TextLayer(text, segments=segments, facts=facts), None


def _header(message: EmailMessage, name: str) -> str:
    # A broken header raises whatever the standard library's parser meets; such a header says nothing.
    try:
        return " ".join(str(message.get(name, "")).split())
    except Exception:  # noqa: BLE001 - see above
        return ""


def _date(message: EmailMessage) -> str | None:
    try:
        return parsedate_to_datetime(_header(message, "Date")).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _attachments(message: EmailMessage) -> list[Any]:
    return [part for part in message.walk() if part.get_content_disposition() == "attachment"]


def _body(message: EmailMessage) -> tuple[list[Piece], str]:
    """Pieces of the body, and which part it was: "text/plain" or "text/html"."""
    for media_type in ("text/plain", "text/html"):
        for part in message.walk():
            if part.get_content_type() != media_type or part.get_content_disposition() == "attachment":
                continue
            content = _content(part)
            if content.strip():
                return (plain_pieces(content) if media_type == "text/plain" else pieces(content)), media_type
    raise Refusal(ReasonCode.NO_TEXT, "The message has no text, only attachments, which are not opened.")


def _content(part: Any) -> str:  # noqa: ANN401 - the library's parts have no common type
    payload = part.get_payload(decode=True) or b""
    charset = part.get_content_charset()
    if charset:
        try:
            return str(payload.decode(charset)).replace("\r\n", "\n")
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(payload).text if payload else ""


def plain_pieces(text: str) -> list[Piece]:
    """A plain body's own lines, signature, quotations and what was forwarded, in order."""
    own, rest, kind = _split(text)
    signature = next(reversed(list(_SIGNATURE.finditer(own))), None) or _FOOTER.search(own)
    body = own[: signature.start()] if signature else own
    found = blocks(body)
    for introduction in _ATTRIBUTION.finditer(body):
        for block in found:
            if block.start < introduction.end() and introduction.start() < block.end:
                block.kind = SegmentKind.QUOTATION
    _mark_edges(body, [block for block in found if block.kind in {SegmentKind.PARAGRAPH, SegmentKind.HEADING}])
    parts: list[Piece] = [(body[block.start : block.end], block.kind, {}) for block in found]
    if signature:
        parts.append((own[signature.start() :].strip(), SegmentKind.BOILERPLATE, {}))
    if rest.strip():
        parts.append((rest.strip(), kind, {}))
    return parts


def _mark_edges(body: str, found: list[Block]) -> None:
    """Greeting first, farewell and name last. What looks like a heading elsewhere is a short line of a mail."""
    farewell = False
    for index, block in enumerate(found):
        content = body[block.start : block.end]
        farewell = farewell or (len(found) - index <= EDGE and is_closing(content))
        salutes = (index < EDGE and is_greeting(content)) or (farewell and len(content) <= NAME_LENGTH)
        block.kind = SegmentKind.SALUTATION if salutes else SegmentKind.PARAGRAPH


def _split(text: str) -> tuple[str, str, SegmentKind]:
    """The writer's part, what follows it, and whether that is quoted or forwarded.

    Answers between or below quoted lines stay the writer's: lines marked with ">" are told apart one by one.
    """
    marks = [
        (found.start(), kind)
        for pattern, kind in (
            (_FORWARDED, SegmentKind.FORWARDED),
            (_OUTLOOK, SegmentKind.QUOTATION),
            (_ATTRIBUTION, SegmentKind.QUOTATION),
        )
        if (found := pattern.search(text)) and not (pattern is _ATTRIBUTION and _goes_on(text, found.end()))
    ]
    begin, kind = min(marks, key=lambda mark: mark[0], default=(len(text), SegmentKind.QUOTATION))
    return text[:begin], text[begin:], kind


def _goes_on(text: str, position: int) -> bool:
    """Whether marked lines follow and the writer speaks again below them."""
    lines = [line for line in text[position:].split("\n") if line.strip()]
    return bool(lines) and lines[0].startswith(">") and any(not line.startswith(">") for line in lines)
