"""The persona bundle: all that is known of a person in one zip of open formats, out and in again."""

from __future__ import annotations

from app.services.bundle.importing import Restored, restore
from app.services.bundle.writing import Export, export

__all__ = ["Export", "Restored", "export", "restore"]
