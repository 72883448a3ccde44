"""For other services."""
