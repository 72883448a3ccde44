"""The persona knowledge graph: a port and its implementations."""
