"""Use cases, one module each; transactions live here."""
