"""Erasure with a receipt: requested in one transaction, carried out in stages, searched for, signed.

::

    request.py       what ends and destroys the keys      consequences.py  what goes with it, beforehand
    run.py           carries out, alone, resumable        stages.py        one function for each stage
    traits.py        what is said about the person        canaries.py      what is searched for
    search.py        every store, message and log         receipt.py       what it came to, signed
    tombstones.py    notes that outlast a backup          restore.py       restored backups, erased again
    state.py         rows, counts, JSON                   retention.py     purposes whose time is over
"""

from app.services.erasing.request import announced, erase_package, erase_under_consent, erase_user
from app.services.erasing.run import pending, run
from app.services.erasing.search import Found, Messages
from app.services.erasing.state import listed, one

__all__ = [
    "Found",
    "Messages",
    "announced",
    "erase_package",
    "erase_under_consent",
    "erase_user",
    "listed",
    "one",
    "pending",
    "run",
]
