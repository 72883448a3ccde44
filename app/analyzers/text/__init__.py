"""Analyzers that read a text layer."""
