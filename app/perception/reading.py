"""What all readers share: what a reader returns, a readable piece, and how a parser's errors are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.errors import EchoError, Reason, Refusal
from app.layers import TextLayer
from app.vocabulary import ReasonCode, SegmentKind

#: A layer, and why it is not all of the document where it is not.
Reading = tuple[TextLayer, Reason | None]
#: Text, what it is, and further fields of its segment: what `app.layers.join` takes.
Piece = tuple[str, SegmentKind, dict[str, Any]]


@contextmanager
def damaged(what: str) -> Iterator[None]:
    """Turn a parser's errors into a refusal; limits of memory and nesting, and our own errors, pass.

    Args:
        what: the kind of file, for the message: "PDF".

    Raises:
        Refusal: corrupt, with the class name of the error; its message may quote the file and is left out.
    """
    try:
        yield
    except (EchoError, MemoryError, RecursionError):
        raise
    except Exception as error:
        raise Refusal(
            ReasonCode.CORRUPT,
            f"The {what} is damaged and cannot be read: open it in its program and save it again.",
            error=type(error).__name__,
        ) from error
