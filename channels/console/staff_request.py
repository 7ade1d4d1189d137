"""Who is at the console: every page opens one unit of work for a member of staff of its role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, jsonify, make_response, redirect, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from channels.app_context import ctx, now, unit
from channels.locale_selection import select
from channels.not_found_audit import unknown_noted
from channels.time_format import Clock
from incidents.evening_notes import explanations
from people.approvals import approval_inbox
from people.errors import NotAllowed
from people.models import Role, Staff
from people.staff import authentication, staff_records, staff_sessions
from people.staff.authentication import Principal
from people.text_input import first_name
from procedures import approval_registry

pages = Blueprint("console", __name__, url_prefix="/staff")

TOKEN = "staff"  # noqa: S105  (the name of the cookie's one entry)
HOMES = {
    Role.AGENT: "console.day",
    Role.SUPERVISOR: "console.team",
    Role.INVESTIGATOR: "console.cases",
}
P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]


@dataclass(frozen=True)
class Desk:
    """An open unit of work, who works in it, this moment, and the clock on their wall."""

    session: Session
    principal: Principal
    moment: datetime
    zone: ZoneInfo

    @property
    def clock(self) -> Clock:
        return Clock(self.zone, select(), self.moment)

    @property
    def member(self) -> Staff:
        """Their own row."""
        return self.session.get_one(Staff, self.principal.id)

    def require_proof(self) -> None:
        """For what changes how they sign in. Raises ``ProofNeeded``."""
        staff_sessions.require_proof(self.session, self.principal.session_id, self.moment)


def staff_page(
    *roles: Role, polled: bool = False
) -> Callable[[Callable[Concatenate[Desk, P], ResponseReturnValue]], View[P]]:
    """Let in only staff with one of the roles, and hand them a :class:`Desk`.

    The view's answer is made before the unit commits, and goes out after: what it shows has its
    audit entry, or is not shown. So is what is not there for them. A ``polled`` page is asked by a
    script all the time: it only reads, and answers 401 instead of leading to the sign-in page.
    """

    def wrap(view: Callable[Concatenate[Desk, P], ResponseReturnValue]) -> View[P]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            moment = now()
            reads = polled and "keep" not in request.args
            who: list[UUID] = []
            with unknown_noted(who, written=not reads), unit(read_only=reads) as session:
                principal = _principal(session, moment, touch=not reads)
                if principal is None:
                    return _signed_out(polled)
                who.append(principal.id)
                if principal.role not in roles:
                    raise NotAllowed(_only_for(roles))
                member = session.get_one(Staff, principal.id)
                if not polled:
                    kinds = approval_registry.kinds(ctx().policy)
                    g.to_approve = approval_inbox.count(session, kinds, principal, moment)
                desk = Desk(session, principal, moment, ZoneInfo(member.timezone))
                return make_response(view(desk, *args, **kwargs))

        return guarded

    return wrap


def _principal(session: Session, moment: datetime, *, touch: bool) -> Principal | None:
    token = cookie.get(TOKEN)
    principal = authentication.signed_in(session, token, moment) if isinstance(token, str) else None
    if principal is not None:
        if touch and principal.session_id is not None:
            authentication.touch(session, principal.session_id, moment)
        member = session.get_one(Staff, principal.id)
        g.role = principal.role
        g.staff_name = first_name(staff_records.name_of(session, member.id, member.name))
        if touch:
            g.notes = explanations.waiting(session, member.id)
    return principal


def _only_for(roles: tuple[Role, ...]) -> str:
    return f"This page is for: {', '.join(roles)}. Your role is another one."


def _signed_out(polled: bool) -> ResponseReturnValue:
    if polled:
        return jsonify(error="signed out"), 401
    ended = 1 if TOKEN in cookie else None
    return redirect(url_for("console.sign_in", next=_way_back(), out=ended), code=303)


def _way_back() -> str:
    """The page to come back to after signing in; for a form, the page that it was on."""
    if request.method in ("GET", "HEAD"):
        return request.full_path.rstrip("?")
    callback_id = (request.view_args or {}).get("callback_id")
    if callback_id is not None:
        return url_for("console.card", callback_id=callback_id)
    reference = (request.view_args or {}).get("reference")
    if reference is not None:
        return url_for("console.case", reference=reference)
    return url_for("console.home")


def home_of(role: Role) -> Response:
    """To where a role's work is."""
    return make_response(redirect(url_for(HOMES[role]), code=303))


@pages.get("/")
@staff_page(*Role)
def home(desk: Desk) -> ResponseReturnValue:
    """To the role's own page."""
    return home_of(desk.principal.role)
