"""Events over HTTP: the document's text, since a stream has no schema of its own."""

from __future__ import annotations

from typing import Any

#: What one event looks like.
STREAM: dict[str, Any] = {
    "type": "string",
    "description": (
        "`progress`: {packageID, runID, runStatus, progress, reason}. "
        "`candidate`: {candidateID, status, lastUpdatedTimestamp}. `graph`: {}. Each comes at least once."
    ),
    "examples": ["id: 2031-01-01T12:00:00+00:00\nevent: graph\ndata: {}\n\n"],
}
