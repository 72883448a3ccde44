"""Analyzers that hear a recording."""
