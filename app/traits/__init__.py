"""Traits: features to signals to candidates, with proof, confidence and merging."""
