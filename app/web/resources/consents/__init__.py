"""Consents: grant, list, revoke."""
