"""Uploads, their state, analysing again, cancelling."""
