"""Analyzers that do nothing, to measure what the fleet itself costs."""

from __future__ import annotations

from app.analysis import Blob, Context, Result
from app.layers import Segment, TextLayer


def read(blob: Blob, _context: Context) -> Result:
    """A layer of one segment, without looking."""
    text = blob.data.decode()
    return Result({}, layers=(TextLayer(text, language="en", segments=(Segment(0, len(text)),)),))


def nothing(_layer: TextLayer, _context: Context) -> Result:
    """No features."""
    return Result({})
