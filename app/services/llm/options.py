"""Under which options a row of the catalog asks: of the row, of the settings, of the settings for this analyzer."""

from __future__ import annotations

from typing import Any

from app.analyzers.catalog import AnalyzerRow
from config.settings import settings


def llm_options(row: AnalyzerRow) -> dict[str, Any]:
    """`Context.options` of a row of the `llm` queue, as a run would have them now."""
    chosen = settings()
    return {**row.options, "ask_twice": chosen.llm_ask_twice, **chosen.analyzer_options.get(row.name, {})}
