"""The echosphere command."""
