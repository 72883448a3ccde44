"""Candidates as people read them in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

#: Characters of a passage shown in a table; `review` shows it whole.
PASSAGE = 160
#: Passages shown of each candidate in a table.
PASSAGES = 3


def candidates_table(candidates: Sequence[dict[str, Any]]) -> Table:
    """A row per candidate: what is proposed, how sure, and the proof."""
    table = Table(show_lines=True, expand=True, title=None)
    table.add_column("Trait", ratio=3)
    table.add_column("Sure", justify="right", no_wrap=True)
    table.add_column("Evidence", ratio=5)
    for candidate in candidates:
        snippets = candidate["supportingEvidenceSnippets"][:PASSAGES]
        against = candidate["counterEvidenceSnippets"][:1]
        lines = [passage(snippet, PASSAGE) for snippet in snippets]
        lines += [Text("but: ", "yellow").append_text(passage(snippet, PASSAGE)) for snippet in against]
        table.add_row(
            Group(
                Text(candidate["traitName"], "bold"),
                Text(candidate["traitDescription"]),
                Text(f"{candidate['claimKind']}, {candidate['traitCategory']}, {candidate['status']}", "dim"),
            ),
            Text(f"{candidate['grade']}\n{candidate['confidenceScore']:.2f}"),
            Group(*lines),
        )
    return table


def passage(snippet: dict[str, Any], most: int | None = None) -> Text:
    """One piece of evidence: the words, and where they stand."""
    content = " ".join((snippet.get("content") or "").split())
    if most is not None and len(content) > most:
        content = f"{content[: most - 1]}…"
    line = Text()
    if content:
        line.append(f"“{content}” ")
    if snippet.get("label"):
        line.append(f"{snippet['label']} ")
    return line.append(f"[{where(snippet)}]", "dim")


def where(snippet: dict[str, Any]) -> str:
    """Where a person finds it: the file and its page, and the seconds of a recording."""
    locator = snippet.get("locator") or {}
    parts = [str(snippet.get("sourceDetail") or "")]
    if "startTime" in locator:
        parts.append(f"{locator['startTime']:.1f}-{locator['endTime']:.1f} s")
    return ", ".join(part for part in parts if part)
