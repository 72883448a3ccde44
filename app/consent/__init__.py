"""The consent ledger, and the one check that everything asks."""

from app.consent.asking import ask, must_be_ours, ruled_remotely
from app.consent.grants import (
    Consent,
    Verdict,
    covered,
    gate_exclusive,
    gate_shared,
    grant,
    listed,
    revoke,
    verify,
)
from app.consent.ledger import Broken, verify_chain

__all__ = [
    "Broken",
    "Consent",
    "Verdict",
    "ask",
    "covered",
    "gate_exclusive",
    "gate_shared",
    "grant",
    "listed",
    "must_be_ours",
    "revoke",
    "ruled_remotely",
    "verify",
    "verify_chain",
]
