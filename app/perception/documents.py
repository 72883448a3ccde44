"""Documents of every kind to a text layer: the analyzer `text.read`."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from importlib import import_module
from typing import Any

from app.analysis import Blob, Context, Result
from app.errors import Refusal
from app.layers import TextLayer
from app.perception import sniff
from app.perception.language import identify
from app.perception.limits import MAX_CHARACTERS, MAX_SEGMENTS
from app.perception.reading import Reading
from app.vocabulary import FeatureStatus, ReasonCode, SegmentKind

#: Which module reads which media type; its `read(data)` returns a layer. A worker imports only those that it meets.
_READERS = {
    sniff.PLAIN: "plain",
    sniff.MARKDOWN: "markdown",
    sniff.HTML: "webpage",
    sniff.MAIL: "mail",
    sniff.PDF: "pdf",
    sniff.DOCX: "word",
    sniff.OLE: "office",
    sniff.ENCRYPTED_OFFICE: "office",
}

#: Modules that a sandbox loads before its first document, and the language model with them.
WARM = ("app.perception.documents", "app.perception.plain", "app.perception.language:load")


def read(blob: Blob, context: Context) -> Result:  # noqa: ARG001 - the contract of an analyzer
    """Read a document.

    Args:
        blob: the upload.
        context: not used; every analyzer is called with one.

    Returns:
        One text layer; features: media_type, encoding, language, pages, characters, own_characters and counts by kind
        of segment. Partial where something was left out: pages of a long scan, a locked attachment.

    Raises:
        Refusal: empty, no_text, corrupt, needs_password, limit_exceeded, unsupported_type or model_missing.
    """
    if not blob.data:
        raise Refusal(ReasonCode.EMPTY, "The file is empty: there is nothing to read.")
    reader = _READERS.get(blob.media_type)
    if reader is None:
        raise Refusal(ReasonCode.UNSUPPORTED_TYPE, "This kind of file is not read.", media_type=blob.media_type)
    reading: Reading = import_module(f"app.perception.{reader}").read(blob.data)
    layer, reason = reading
    if not layer.text.strip():
        raise Refusal(ReasonCode.NO_TEXT, "The document holds no text.")
    _check_size(layer)
    layer = replace(layer, language=identify(layer.text, list(layer.own_spans())))
    return Result(
        features(layer, blob.media_type),
        status=FeatureStatus.PARTIAL if reason else FeatureStatus.SUCCESS,
        reason=reason,
        layers=(layer,),
    )


def features(layer: TextLayer, media_type: str) -> dict[str, Any]:
    """What is stored about a layer: counts and what it says about itself, no words of it."""
    kinds = Counter(str(segment.kind) for segment in layer.segments)
    return {
        "media_type": media_type,
        "language": layer.language,
        "characters": len(layer.text),
        "own_characters": sum(end - start for start, end in layer.own_spans()),
        "headings": kinds[SegmentKind.HEADING],
        "segments": dict(kinds),
        "other_authors": len({s.author for s in layer.segments if s.author and not s.own}),
        **layer.facts,
    }


def _check_size(layer: TextLayer) -> None:
    if len(layer.text) > MAX_CHARACTERS or len(layer.segments) > MAX_SEGMENTS:
        raise Refusal(
            ReasonCode.LIMIT_EXCEEDED,
            f"The document holds more than {MAX_CHARACTERS:,} characters: upload it in parts.",
            characters=len(layer.text),
            max_characters=MAX_CHARACTERS,
        )
