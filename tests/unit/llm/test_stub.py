"""The stub speaks the vendor's protocol: the real SDK reads from it what it would read from the vendor."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest

from tests.stub_anthropic import Stub

SAID = "[P] I keep bees behind the house. I play the cello on Sundays.\n\n[X Ann] You never answer my letters at all."


@pytest.fixture
def client(stub: Stub) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="a-key", base_url=stub.url, max_retries=0)


def question(**more: Any) -> dict[str, Any]:
    document = {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": SAID},
        "title": "a letter",
        "citations": {"enabled": True},
    }
    content = [document, {"type": "text", "text": "What does this person do?"}]
    return {
        "model": "claude-sonnet-5-5",
        "max_tokens": 200,
        "messages": [{"role": "user", "content": content}],
        **more,
    }


@pytest.mark.parametrize("streamed", [False, True])
def test_citations_point_at_the_characters_that_they_quote(client: anthropic.Anthropic, *, streamed: bool) -> None:
    if streamed:
        with client.messages.stream(**question()) as stream:
            message = stream.get_final_message()
    else:
        message = client.messages.create(**question())
    places = [place for block in message.content if block.type == "text" for place in block.citations or ()]
    assert [place.cited_text for place in places] == [
        "I keep bees behind the house.",
        "I play the cello on Sundays.",
    ]
    for place in places:
        assert isinstance(place, anthropic.types.CitationCharLocation)
        assert SAID[place.start_char_index : place.end_char_index] == place.cited_text
        assert (place.document_index, place.document_title) == (0, "a letter")
    assert (message.stop_reason, message.usage.output_tokens > 0) == ("end_turn", True)


def test_citations_and_a_schema_exclude_each_other(client: anthropic.Anthropic) -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    form = {"format": {"type": "json_schema", "schema": schema}}
    with pytest.raises(anthropic.BadRequestError, match="citations"):
        client.messages.create(**question(output_config=form))
