"""Traits the person settled on, and their own ones."""
