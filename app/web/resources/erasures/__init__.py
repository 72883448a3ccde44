"""Erasures and their receipts."""
