"""The application of beat and Flower, which serve no queue."""

from app.tasks.app import celery

app = celery()
