"""The routes, one folder per resource: `routes.py` and `schemas.py`."""

from __future__ import annotations

from app.web.resources.access.routes import blueprint as access
from app.web.resources.candidates.routes import blueprint as candidates
from app.web.resources.consents.routes import blueprint as consents
from app.web.resources.costs.routes import blueprint as costs
from app.web.resources.docs.routes import blueprint as docs
from app.web.resources.erasures.routes import blueprint as erasures
from app.web.resources.events.routes import blueprint as events
from app.web.resources.evidence.routes import blueprint as evidence
from app.web.resources.health.routes import blueprint as health
from app.web.resources.internal.routes import blueprint as internal
from app.web.resources.packages.routes import blueprint as packages
from app.web.resources.persona.export import blueprint as persona
from app.web.resources.traits.routes import blueprint as traits

#: In the order of the document.
BLUEPRINTS = (
    consents,
    packages,
    candidates,
    traits,
    persona,
    evidence,
    events,
    costs,
    access,
    erasures,
    internal,
    health,
    docs,
)
