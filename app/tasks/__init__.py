"""Celery: the app, the base task, the pipeline, one thin module per queue."""
