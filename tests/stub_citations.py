"""Citations as the vendor's API gives them: blocks of text that point at characters of the document they rest on."""

from __future__ import annotations

from typing import Any

from tests.stub_answers import blocks_of, spoken

#: Of one document.
_MOST = 3


def wanted(body: dict[str, Any]) -> bool:
    """Whether a document of the question asks for citations."""
    return any((block.get("citations") or {}).get("enabled") for block in _documents(body))


def cited(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Content that cites the first sentences of each document."""
    content: list[dict[str, Any]] = [{"type": "text", "text": "This is what the documents say:"}]
    for index, block in enumerate(_documents(body)):
        data = block["source"]["data"]
        sentences = spoken(data, own=True) or [line for line in data.splitlines() if line.strip()]
        for sentence in sentences[:_MOST]:
            start = data.index(sentence)
            place = {
                "type": "char_location",
                "cited_text": sentence,
                "document_index": index,
                "document_title": block.get("title"),
                "file_id": None,
                "start_char_index": start,
                "end_char_index": start + len(sentence),
            }
            content.append({"type": "text", "text": "This is said here.", "citations": [place]})
    return content


def _documents(body: dict[str, Any]) -> list[dict[str, Any]]:
    blocks = [block for message in body["messages"] for block in blocks_of(message["content"])]
    return [block for block in blocks if block["type"] == "document"]
