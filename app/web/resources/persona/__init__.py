"""The decision log, style preferences and the persona graph."""
