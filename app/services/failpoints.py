"""Failpoints: places where a test build kills its own process, to show that nothing is lost there.

`ECHO_FAILPOINT=lane.claimed` kills the first process that gets there (a marker file in the home makes it once);
`ECHO_FAILPOINT=lane.analyse.text.style!` kills every one.
"""

from __future__ import annotations

import os
import signal

from config.settings import settings


def failpoint(name: str) -> None:
    """Kill this process if a test asked for it here."""
    wanted = settings().failpoint
    if wanted == f"{name}!":
        os.kill(os.getpid(), signal.SIGKILL)
    if wanted == name:
        try:
            (settings().home / f"failpoint-{name}").touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)
