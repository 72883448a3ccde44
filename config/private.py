"""Files of secrets: made whole or not at all, durable, and readable by their owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def draft(file: Path, content: bytes) -> Path:
    """The content, durable, beside the file it is meant for; whoever calls this moves it into place or removes it."""
    path = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as sink:
        sink.write(content)
        sink.flush()
        os.fsync(sink.fileno())
    return path


def put_once(file: Path, content: bytes) -> None:
    """Put a new file there; where another process was first, its file stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = draft(file, content)
    try:
        os.link(fresh, file)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    sync(file.parent)


def sync(folder: Path) -> None:
    """Make a change of a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
