"""Authenticates API requests: a bearer token has its owner's role and no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import g, request
from sqlmodel import Session
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from channels.app_context import unit_of_work
from channels.error_codes import ChannelErrorCode
from channels.not_found_audit import audit_not_found
from people.errors import NotAllowed
from people.models import Role
from people.principal import Principal
from people.staff import api_tokens

#: Endpoints that need no token, on blueprints that otherwise do.
PUBLIC_ENDPOINTS = frozenset({"api_reports.make_report"})


def require_token() -> None:
    """Authenticate the token before anything else of the request is read."""
    if request.endpoint in PUBLIC_ENDPOINTS:
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    principal = None
    if scheme.lower() == "bearer" and token.isascii():
        with unit_of_work(read_only=True) as session:
            principal = api_tokens.find_token_principal(session, token.strip())
    if principal is None:
        raise Unauthorized(www_authenticate=WWWAuthenticate("bearer"))
    g.principal = principal


@contextmanager
def unit_for_role(role: Role) -> Iterator[tuple[Session, Principal]]:
    """Open a unit of work for a principal with this role. Raises ``NotAllowed`` for any other
    role."""
    principal: Principal = g.principal
    if principal.role is not role:
        raise NotAllowed(ChannelErrorCode.TOKEN_ROLE_WRONG, role=role)
    with audit_not_found([principal.id]), unit_of_work() as session:
        yield session, principal
