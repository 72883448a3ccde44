"""The table of docs/reference/misbehaviours.md: each misbehaviour of a vendor through a real fleet, as Markdown.

python -m benchmarks.misbehaviours
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.acceptance.lane import lane_up
from tests.acceptance.misbehaviours import DEADLINE_S, MODES, carry_out, markdown


def main() -> None:
    """Start a fleet and a stub, try everything, print the table."""
    with tempfile.TemporaryDirectory(prefix="echo-table-") as folder:
        place = Path(folder)
        with lane_up(place / "lane", ECHO_LLM_DEADLINE_S=DEADLINE_S) as lane:
            print(markdown(carry_out(lane, place, MODES)))


if __name__ == "__main__":
    main()
