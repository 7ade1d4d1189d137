"""Authentication of console pages: each opens one unit of work for a member of staff."""

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

from channels.app_context import current_context, current_time, unit_of_work
from channels.error_codes import ChannelErrorCode
from channels.locale_selection import select_locale
from channels.not_found_audit import audit_not_found
from channels.time_format import LocalClock
from incidents.evening_notes import explanations
from people.approvals import approval_inbox
from people.errors import NotAllowed
from people.models import Role, Staff
from people.principal import Principal
from people.staff import session_lifecycle, staff_records, staff_sessions
from people.text_input import first_name
from procedures import approval_registry

bp = Blueprint("console", __name__, url_prefix="/staff")

SESSION_TOKEN_ENTRY = "staff"  # noqa: S105  (the name of the cookie's one entry)
HOME_ENDPOINTS = {
    Role.AGENT: "console.show_own_day",
    Role.SUPERVISOR: "console.show_team_overview",
    Role.INVESTIGATOR: "console.show_case_board",
}
P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]


@dataclass(frozen=True)
class StaffRequest:
    """An open unit of work, the signed-in person, the current time, and their time zone."""

    session: Session
    principal: Principal
    moment: datetime
    zone: ZoneInfo

    @property
    def clock(self) -> LocalClock:
        return LocalClock(self.zone, select_locale(), self.moment)

    @property
    def member(self) -> Staff:
        """The signed-in person's own row."""
        return self.session.get_one(Staff, self.principal.id)

    def require_reauthentication(self) -> None:
        """Require a recent proof of identity, before sign-in credentials are changed. Raises
        ``ReauthenticationRequired``."""
        staff_sessions.require_fresh_proof(self.session, self.principal.session_id, self.moment)


def staff_page(
    *roles: Role, polled: bool = False
) -> Callable[[Callable[Concatenate[StaffRequest, P], ResponseReturnValue]], View[P]]:
    """Admit only staff with one of the roles, and pass the view a :class:`StaffRequest`.

    The view renders its answer before the unit of work commits, and the answer is sent after: what
    it shows has an audit entry, or is not shown. Requests answered with 404 are audited too. A
    ``polled`` page is requested by a script at short intervals: it only reads, and answers 401
    instead of redirecting to the sign-in page.
    """

    def wrap_staff_view(
        view: Callable[Concatenate[StaffRequest, P], ResponseReturnValue],
    ) -> View[P]:
        @wraps(view)
        def guarded_staff_view(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            moment = current_time()
            reads = polled and "keep" not in request.args
            who: list[UUID] = []
            with audit_not_found(who, written=not reads), unit_of_work(read_only=reads) as session:
                principal = _load_principal(session, moment, touch=not reads)
                if principal is None:
                    return _answer_signed_out(polled)
                who.append(principal.id)
                if principal.role not in roles:
                    raise NotAllowed(ChannelErrorCode.PAGE_OF_OTHER_ROLE, roles=roles)
                member = session.get_one(Staff, principal.id)
                if not polled:
                    kinds = approval_registry.collect_request_types(current_context().policy)
                    g.to_approve = approval_inbox.count_undecided_requests(
                        session, kinds, principal, moment
                    )
                desk = StaffRequest(session, principal, moment, ZoneInfo(member.timezone))
                return make_response(view(desk, *args, **kwargs))

        return guarded_staff_view

    return wrap_staff_view


def _load_principal(session: Session, moment: datetime, *, touch: bool) -> Principal | None:
    token = cookie.get(SESSION_TOKEN_ENTRY)
    principal = (
        session_lifecycle.find_session_principal(session, token, moment)
        if isinstance(token, str)
        else None
    )
    if principal is not None:
        if touch and principal.session_id is not None:
            session_lifecycle.touch_staff_session(session, principal.session_id, moment)
        member = session.get_one(Staff, principal.id)
        g.role = principal.role
        g.staff_name = first_name(staff_records.open_staff_name(session, member.id, member.name))
        if touch:
            g.notes = explanations.count_unexplained_notes(session, member.id)
    return principal


def _answer_signed_out(polled: bool) -> ResponseReturnValue:
    if polled:
        return jsonify(error="signed out"), 401
    ended = 1 if SESSION_TOKEN_ENTRY in cookie else None
    return redirect(
        url_for("console.show_staff_sign_in", next=_return_address(), out=ended), code=303
    )


def _return_address() -> str:
    """Return the page to come back to after signing in; for a form, the page that it was on."""
    if request.method in ("GET", "HEAD"):
        return request.full_path.rstrip("?")
    callback_id = (request.view_args or {}).get("callback_id")
    if callback_id is not None:
        return url_for("console.show_callback_page", callback_id=callback_id)
    reference = (request.view_args or {}).get("reference")
    if reference is not None:
        return url_for("console.show_case", reference=reference)
    return url_for("console.show_role_home")


def redirect_to_role_home(role: Role) -> Response:
    """Redirect to the home page of a role."""
    return make_response(redirect(url_for(HOME_ENDPOINTS[role]), code=303))


@bp.get("/")
@staff_page(*Role)
def show_role_home(desk: StaffRequest) -> ResponseReturnValue:
    """Redirect to the home page of the signed-in person's role."""
    return redirect_to_role_home(desk.principal.role)
