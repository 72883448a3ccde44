"""Trait candidates and what the person decides about them."""
