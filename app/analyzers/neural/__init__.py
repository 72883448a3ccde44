"""Analyzers that run a local neural model."""
