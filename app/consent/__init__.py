"""The consent ledger, and the one verify() that everything asks."""
