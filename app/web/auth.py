"""Who may call a route. Deny by default: a view without an `Access` answers nobody.

The check runs before a view, its arguments or its body are touched, and on every route alike, so that a new one
cannot forget it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, TypeVar

from flask import Flask, current_app, g, request
from pydantic import SecretStr

from app.errors import Forbidden, NotFound
from app.services import tokens
from app.services.tokens import Principal, Scope, Unauthenticated

View = TypeVar("View", bound=Callable[..., Any])
#: Headers by which a proxy says that it speaks for somebody else.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


class Kind(StrEnum):
    """Whom a route is for."""

    PUBLIC = "public"
    PERSON = "person"  #: the person whose id is in the path, with a bearer token
    SERVICE = "service"  #: other services, with the internal secret
    MONITOR = "monitor"  #: programs on this machine, or other ones with the internal secret


@dataclass(frozen=True, slots=True)
class Access:
    """Whom a route is for, and the scope that it takes.

    Attributes:
        kind: whom.
        scope: what a person's token must allow.
        also: what it must allow besides.
    """

    kind: Kind
    scope: Scope | None = None
    also: Scope | None = None

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """All that a person's token must allow."""
        return tuple(scope for scope in (self.scope, self.also) if scope is not None)


PUBLIC = Access(Kind.PUBLIC)
SERVICE = Access(Kind.SERVICE)
MONITOR = Access(Kind.MONITOR)
UPLOAD = Access(Kind.PERSON, Scope.UPLOAD)
READ = Access(Kind.PERSON, Scope.READ)
MANAGE = Access(Kind.PERSON, Scope.MANAGE)
#: All that is known of a person: given and decided.
EVERYTHING = Access(Kind.PERSON, Scope.MANAGE, also=Scope.UPLOAD)


def init_app(app: Flask) -> None:
    """Guard every route."""
    app.before_request(_guard)


def grant(view: View, access: Access) -> View:
    """Say whom a view is for."""
    view.access = access  # type: ignore[attr-defined]  # functions carry attributes
    return view


def access_of(endpoint: str) -> Access | None:
    """Whom an endpoint of the current application is for; None where nobody said."""
    return getattr(current_app.view_functions.get(endpoint), "access", None)


def _guard() -> None:
    if request.endpoint is None:
        return  # no such route or method: the answer is 404 or 405, and nothing else happens
    access = access_of(request.endpoint)
    if access is None:
        raise NotFound("no such route: /openapi.json lists them")
    if access.kind is Kind.PERSON:
        g.principal = _owner(access)
    elif access.kind is Kind.SERVICE or (access.kind is Kind.MONITOR and not _from_this_machine()):
        _internal()


def _owner(access: Access) -> Principal:
    """The caller, who must be the person of the path: for anybody else it does not exist, whatever their scopes."""
    principal = tokens.check(_bearer())
    if (request.view_args or {}).get("user_id") != principal.user_id:
        raise NotFound("no such object")
    for scope in access.scopes:
        if scope not in principal.scopes:
            raise Forbidden("the token lacks a scope: ask for one that has it", scope=str(scope))
    return principal


def _bearer() -> str:
    sent = request.authorization
    if sent is None or sent.type != "bearer" or not sent.token:
        raise Unauthenticated("send the header `Authorization: Bearer TOKEN`; `echosphere token` prints one")
    return sent.token


def _internal() -> None:
    """Other services prove themselves by the internal secret; without one the door is closed."""
    secret: SecretStr = current_app.config["ECHO"].internal_secret
    expected = secret.get_secret_value()
    if not expected:
        raise NotFound("not open here: set ECHO_INTERNAL_SECRET")
    if not hmac.compare_digest(_bearer().encode(), expected.encode()):
        raise Unauthenticated("the internal secret is another one")


def _from_this_machine() -> bool:
    """Whether the request was made on this machine, and not handed on by a proxy that runs on it."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
