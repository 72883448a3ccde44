"""Analyzers: pure functions from an artifact to features; catalog.py is the table of all of them."""
