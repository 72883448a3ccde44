"""flask-smorest with what all our routes share, said once: who may call, which refusals there are, how it reads.

A route is declared by `Blueprint.endpoint`; whom it is for has no default, and `app/web/auth.py` keeps every view shut
that does not say.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, TypeVar

import flask_smorest  # type: ignore[import-untyped]  # it has no types
from flask import Flask, g, request
from flask_smorest.utils import prepare_response  # type: ignore[import-untyped]  # as above
from marshmallow import Schema

from app.services.access import record
from app.services.tokens import USER_ID
from app.vocabulary import AccessAction
from app.web.auth import Access, Kind, grant
from app.web.errors import FRAMEWORK, ErrorSchema
from app.web.requests import Parser, UserIdConverter

View = TypeVar("View", bound=Callable[..., Any])
Doc = dict[str, Any]
#: Prefix of everything that belongs to a person.
PERSON = "/v1/users/<user:userID>"
#: Name of the security scheme in the document.
BEARER = "bearer"
_DESCRIPTION = """\
A person gives their own words and voice, with explicit consent, and gets trait candidates with evidence to check.

Every refusal has one shape: `{"error": {"code", "message", "details"}}`. Another person's id is 404, whatever the token
may do. Unknown names of fields and parameters are 422. JSON bodies have 256 kB at most. 429 and 503 come with
`Retry-After`.\
"""


class Api(flask_smorest.Api):  # type: ignore[misc]  # it has no types
    """The document and its parts; refusals are answered by `app/web/errors.py`."""

    ERROR_SCHEMA = ErrorSchema

    def _register_error_handlers(self) -> None:
        """Not here."""

    def _register_responses(self) -> None:
        """One response component per status, each with an example of its envelope."""
        for status in HTTPStatus:
            if status >= 400:
                self._register_refusal(status.name, status.phrase, int(status))
        self._register_refusal(self.DEFAULT_ERROR_RESPONSE_NAME, "Any other refusal", 500)

    def _register_refusal(self, name: str, description: str, status: int) -> None:
        code, message = EXAMPLES.get(status) or FRAMEWORK.get(status) or (description.lower().replace(" ", "_"), "why")
        response = {
            "description": description,
            "schema": ErrorSchema,
            "example": {"error": {"code": code, "message": message, "details": {}}},
        }
        prepare_response(response, self.spec, self.DEFAULT_RESPONSE_CONTENT_TYPE)
        self.spec.components.response(name, response, lazy=True)


#: Code and message of refusals that are our own and not the framework's.
EXAMPLES: dict[int, tuple[str, str]] = {
    401: ("unauthenticated", "the token has expired: get a new one"),
    403: ("forbidden", "the token lacks a scope: ask for one that has it"),
    404: ("not_found", "no such object"),
    409: ("conflict", "an analysis of this package is still open: wait for it or cancel it"),
    429: ("busy", "too many of your packages wait to be analysed: try again when some are done"),
    500: ("internal", "something broke on our side: tell the operator the incident id"),
    503: ("store_unavailable", "PostgreSQL does not answer: try again"),
}


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # it has no types
    """A resource: its routes with what all of them share."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, name: str, *, description: str, prefix: str = "") -> None:
        super().__init__(name, f"app.web.resources.{name}", url_prefix=prefix or None, description=description)

    def endpoint(
        self,
        method: str,
        rule: str,
        *,
        access: Access,
        reads: AccessAction | None = None,
        status: int = 200,
        answer: type[Schema] | Doc | None = None,
        media_type: str | None = None,
        body: type[Schema] | None = None,
        examples: Doc | None = None,
        query: type[Schema] | None = None,
        also: dict[int, type[Schema]] | None = None,
        refusals: tuple[int, ...] = (),
        headers: Doc | None = None,
        doc: Doc | None = None,
    ) -> Callable[[View], View]:
        """Declare a view as a route.

        The view gets the path's values by keyword and, where it has them, the loaded body and then the loaded query by
        position. What it returns is dumped by `answer`.

        Args:
            method: HTTP method.
            rule: path below the blueprint's prefix.
            access: whom it is for.
            reads: how the access log calls it, where its answer says what is known of the person.
            status: of success.
            answer: schema of success; a plain schema object where the view returns a ready response.
            media_type: of success, where it is not JSON.
            body: schema of the JSON body.
            examples: bodies by name, where the fields' own examples do not make one that makes sense.
            query: schema of the query string.
            also: schemas of further answers, by status.
            refusals: statuses beside those that follow from `access`, `body` and `query`.
            headers: of success, for the document.
            doc: more for the document.
        """

        def declare(view: View) -> View:
            route: Callable[..., Any] = _reading(view, reads) if reads else view
            if query:
                route = self.arguments(query, location="query")(route)
            if body:
                route = self.arguments(body, location="json", required=_needed(body), examples=_named(examples))(route)
            route = self.response(status, answer, content_type=media_type, headers=headers)(route)
            for other, schema in (also or {}).items():
                route = self.alt_response(other, schema=schema)(route)
            statuses = {*refusals, *_refusals(access, body=body is not None, query=query is not None)} - {*(also or {})}
            route = self.doc(**_operation(view.__name__, access, statuses), **(doc or {}))(route)
            route.reads = reads  # type: ignore[attr-defined]  # functions carry attributes
            self.add_url_rule(rule, view.__name__, grant(route, access), methods=[method])
            return view

        return declare


def _reading(view: Callable[..., Any], action: AccessAction) -> Callable[..., Any]:
    """Enter a reading in the access log before its answer leaves; a refused request reads nothing."""

    @wraps(view)
    def reading(*said: Any, user_id: str, **path: Any) -> Any:  # noqa: ANN401 - any view
        answer = view(*said, user_id=user_id, **path)
        why = f"{request.method} {request.path.removeprefix(f'/v1/users/{user_id}')}"
        record(None, user_id, g.principal.user_id, action, why, path.get("package_id"))
        return answer

    return reading


def _needed(body: type[Schema]) -> bool:
    """Whether a body may not be left out: one of its fields may not."""
    return any(field.required for field in body().fields.values())


def _named(examples: Doc | None) -> Doc | None:
    return {name: {"value": value} for name, value in examples.items()} if examples else None


def _operation(name: str, access: Access, statuses: set[int]) -> Doc:
    """How the document calls a route, what token it takes and how it may refuse."""
    return {
        "operationId": name,
        "security": [] if access.kind is Kind.PUBLIC else [{BEARER: [*map(str, access.scopes)]}],
        "responses": {status: HTTPStatus(status).name for status in sorted(statuses)},
    }


def _refusals(access: Access, *, body: bool, query: bool) -> set[int]:
    found = {503}
    if access.kind is not Kind.PUBLIC:
        found |= {401, 404}
    if access.kind is Kind.PERSON:
        found |= {403}
    if body:
        found |= {400, 413, 415, 422}
    if query:
        found |= {422}
    return found


def init_app(app: Flask) -> None:
    """Make the API and its document."""
    app.config.update(
        API_TITLE="EchoSphere",
        API_VERSION=version("echosphere"),
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {"description": _DESCRIPTION},
            "servers": [{"url": "/", "description": "this instance"}],
            "security": [{BEARER: []}],
        },
    )
    api = Api(app)
    api.register_converter(UserIdConverter, lambda _: {"type": "string", "pattern": f"^{USER_ID.pattern}$"})
    api.spec.components.security_scheme(
        BEARER,
        {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "HS256 (`echosphere token`), or RS256/ES256 of an OIDC provider. `sub` is the userID.",
        },
    )


def register(app: Flask, blueprint: Blueprint) -> None:
    """Add a resource to the application and to the document."""
    api_of(app).register_blueprint(blueprint)


def api_of(app: Flask) -> Api:
    """The application's API."""
    api: Api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    return api
