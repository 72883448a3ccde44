from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

# The folders of tests are no packages; the sounds stand beside the tests that use them.
sys.path.insert(0, str(Path(__file__).parent))

SAMPLES = Path(__file__).resolve().parents[3].parent / "shared" / "samples"


@pytest.fixture(scope="session")
def recordings() -> dict[str, tuple[bytes, dict[str, Any]]]:
    """Real recordings with their truth, where they stand beside the checkout."""
    manifest = SAMPLES / "MANIFEST.json"
    if not manifest.exists():
        pytest.skip("the sample recordings do not stand beside this checkout")
    entries = json.loads(manifest.read_text())["entries"]
    return {
        Path(e["path"]).name: ((SAMPLES / e["path"]).read_bytes(), e["truth"])
        for e in entries
        if e["path"].startswith("audio/")
    }
