"""Real servers on loopback, built from their published parts: what production runs on, for trying out and for tests."""
