"""Settings, Celery settings, logging and start-up checks."""
