"""An analyzer that does what a document asks for: how the tests make real workers fail, die and linger.

Put in the place of `text.sentiment` by `ECHO_ANALYZER_IMPLEMENTATIONS`; without a magic phrase it is the real one.
"""

from __future__ import annotations

import os
import signal
import time

from app.analysis import Context, Result
from app.analyzers.text import sentiment
from app.layers import TextLayer


def analyse(layer: TextLayer, context: Context) -> Result:
    """Misbehave if asked, else analyse."""
    if "PLEASE FAIL" in layer.text:
        raise RuntimeError(layer.text[:80])
    if "PLEASE DIE" in layer.text:
        os.kill(os.getpid(), signal.SIGKILL)
    if "PLEASE LINGER" in layer.text:
        time.sleep(4)
    return sentiment.analyse(layer, context)
