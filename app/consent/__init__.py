"""The consent ledger, and the one check that everything asks."""

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
    "covered",
    "gate_exclusive",
    "gate_shared",
    "grant",
    "listed",
    "revoke",
    "verify",
    "verify_chain",
]
