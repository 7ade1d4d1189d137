"""Enrolling once more, signed in: another authenticator, or a role that was given to one.

No token is in these addresses: the link is found by its owner, and one's own link for another
authenticator is good in the browser that asked for it alone.
"""

from __future__ import annotations

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.app_context import ctx
from channels.console import approval_labels
from channels.console.auth import enrolment
from channels.console.staff_request import Desk, pages, staff_page
from people.credentials import new_token, token_hash
from people.errors import InvalidInput, SecondPieceWrong
from people.models import Role
from people.staff import enrolment_links, staff_records
from people.staff.enrolment_links import Kind, Pieces, Terms
from people.staff.staff_records import OpenLink
from procedures import role_change


@pages.post("/account/authenticator")
@staff_page(*Role)
def new_authenticator(desk: Desk) -> ResponseReturnValue:
    """On to a link of one's own, for another authenticator and password: for a new phone."""
    desk.require_proof()
    here = desk.principal.session_id
    staff_records.invite_by(
        desk.session,
        desk.member,
        token_hash(new_token()),  # of a token that nobody has
        desk.moment,
        desk.principal.actor,
        kind=Kind.SELF,
        terms=Terms(session_id=here.hex if here else ""),
    )
    return redirect(url_for("console.own_authenticator"), code=303)


@pages.get("/account/authenticator/new")
@staff_page(*Role)
def own_authenticator(desk: Desk) -> ResponseReturnValue:
    """The form."""
    return enrolment.form(desk.session, _own(desk), {})


@pages.post("/account/authenticator/new")
@staff_page(*Role)
def keep_authenticator(desk: Desk) -> ResponseReturnValue:
    """Keep both; every browser is signed out, this one too."""
    found, (password, code) = _own(desk), enrolment.typed()
    house = ctx().policy.organisation
    try:
        codes = staff_records.set_credentials(
            desk.session, found, password, code, desk.moment, house
        )
    except InvalidInput as error:
        return enrolment.form(desk.session, found, {error.field: str(error)}), 422
    return _signed_out_with(codes)


def _own(desk: Desk) -> OpenLink:
    found = staff_records.own_link(desk.session, Kind.SELF, desk.principal.id, desk.moment)
    here = Pieces(session_id=desk.principal.session_id)
    enrolment_links.require_pieces(desk.session, found.link, here, desk.moment)
    return found


@pages.get("/account/role")
@staff_page(*Role)
def new_role(desk: Desk) -> ResponseReturnValue:
    """The question for the PIN; after it, the form."""
    return _role_form(desk, {})


@pages.post("/account/role")
@staff_page(*Role)
def take_up_role(desk: Desk) -> ResponseReturnValue:
    """Take up the role with another password and authenticator; every browser is signed out."""
    if "password" not in request.form:
        return _role_form(desk, {})
    password, code = enrolment.typed()
    mine, house = desk.principal.id, ctx().policy.organisation
    try:  # caught in here, so that the count of a wrong PIN is committed
        codes = role_change.take_up(
            desk.session, mine, enrolment.pins(), password, code, desk.moment, house
        )
    except InvalidInput as error:
        return _role_form(desk, {error.field: str(error)})
    except SecondPieceWrong as error:
        return enrolment.question(error)
    return _signed_out_with(codes)


def _role_form(desk: Desk, errors: dict[str, str]) -> ResponseReturnValue:
    try:
        found = role_change.to_take_up(
            desk.session, desk.principal.id, enrolment.pins(), desk.moment
        )
    except SecondPieceWrong as error:
        return enrolment.question(error)
    page = enrolment.form(desk.session, found, errors)
    return (page, 422) if errors else page


def waiting_role(desk: Desk) -> str:
    """The name of a role that they may take up; empty where there is none."""
    found = role_change.waiting(desk.session, desk.principal.id, desk.moment)
    return approval_labels.role(found) if found else ""


def _signed_out_with(codes: list[str]) -> str:
    """The recovery codes, on a page without the console's navigation: nobody is signed in now."""
    g.pop("role", None)
    return render_template("console/enrolled.html", recovery=codes)
