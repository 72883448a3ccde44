"""The web tier."""
