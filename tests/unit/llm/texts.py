"""Texts and helpers of the tests of the llm analyzers."""

from __future__ import annotations

from typing import Any

from app.analysis import Context, Result
from app.analyzers.llm.analyse import analyse
from app.analyzers.llm.anthropic_vendor import Anthropic
from app.layers import SELF, Segment, Span, TextLayer, join
from app.vocabulary import SegmentKind
from tests.stub_anthropic import Stub

PARAGRAPHS = (
    "I am a bookbinder by trade, and I have kept a small workshop in the lane behind the church for many years.",
    "I love reading, most of all when the rain falls on the glass roof and nobody comes to the door.",
    "My friend Anna Smith (anna.smith@example.org) came over on Sunday and we talked until it was dark outside.",
    "I live in Uppsala now, although I was born by the sea and still miss the sound of it at night.",
    "“I never understood your patience with glue,” she said. I told her that I love reading more than glue.",
    "In the evening I wrote down what I had done, as I always do, and went to bed before ten.",
)


def own(*paragraphs: str, language: str | None = "en") -> TextLayer:
    """A layer of own paragraphs."""
    text, segments = join([(p, SegmentKind.PARAGRAPH, {}) for p in paragraphs])
    return TextLayer(text, language=language, segments=segments)


def letter() -> TextLayer:
    """Six own paragraphs, a little over a hundred own words."""
    return own(*PARAGRAPHS)


def chat(*turns: tuple[str | None, str]) -> TextLayer:
    """Messages of (author, text); None is the person."""
    text, segments = join([(said, SegmentKind.MESSAGE, {"author": who or SELF}) for who, said in turns], "\n")
    return TextLayer(text, language="en", segments=segments)


def whole(text: str) -> TextLayer:
    """A single own paragraph."""
    return TextLayer(text, language="en", segments=(Segment(0, len(text)),))


def vendor(stub: Stub, mode: str) -> Anthropic:
    """The real adapter with the real SDK, on the stub."""
    return Anthropic(api_key="a-key", model=f"stub-{mode}", base_url=stub.url)


def read(stub: Stub, mode: str, task: str, layer: TextLayer, **options: Any) -> Result:
    """Analyse a layer through adapter, socket and stub."""
    asked = vendor(stub, mode)
    return analyse(layer, Context(options={"task": task, **options}, ask=lambda request: asked.complete(request, 20.0)))


def passages(layer: TextLayer, finding: dict[str, Any]) -> list[str]:
    """The words that a finding's evidence stands for."""
    spans = [Span.from_json(span) for span in finding["evidence"]]
    assert all(layer.proves(span) and layer.is_own(span.start, span.end) for span in spans)
    return [layer.text[span.start : span.end] for span in spans]
