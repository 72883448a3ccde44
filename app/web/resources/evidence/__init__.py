"""One passage in its surroundings."""
