"""Analyzers that ask a language model, the vendors behind one port, and what keeps the answers honest."""
