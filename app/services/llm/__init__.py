"""What stands between an analyzer's question and a vendor: consent, budget, breaker, slots, ledger, recordings."""
