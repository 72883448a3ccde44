"""The HTTP API: `create_app` makes it, `resources/` holds its routes."""

from __future__ import annotations

from flask import Flask

from app.services import tokens
from app.web import auth, errors, requests, responses, smorest
from app.web.resources import BLUEPRINTS
from config.settings import Settings
from config.settings import settings as process_settings

#: What makes the bare application ours, in this order: answers, refusals, requests, who may call, the API.
EXTENSIONS = (responses.init_app, errors.init_app, requests.init_app, auth.init_app, smorest.init_app)


def create_app(settings: Settings | None = None) -> Flask:
    """The application.

    Args:
        settings: instead of those of the process, for the web tier's own limits and secrets.

    Raises:
        Misconfigured: tokens could not be verified.
    """
    app = Flask(__name__, static_folder=None)
    app.config["ECHO"] = settings or process_settings()
    tokens.prepare()
    for extend in EXTENSIONS:
        extend(app)
    for blueprint in BLUEPRINTS:
        smorest.register(app, blueprint)
    return app
