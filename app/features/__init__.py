"""The raw feature store: a port and its implementations."""
