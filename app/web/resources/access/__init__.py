"""Who read what of the person's data."""
