"""Enrolling once more, signed in: another authenticator, or a role that was given to one.

No token is in these addresses: the link is found by its owner, and one's own link for another
authenticator is good in the browser that asked for it alone.
"""

from __future__ import annotations

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.app_context import current_context
from channels.console import approval_labels
from channels.console.auth import enrolment
from channels.console.staff_request import StaffRequest, bp, staff_page
from people.credentials import new_token, token_hash
from people.errors import InvalidInput, SecondStepFailed
from people.models import Role
from people.staff import enrolment_links, staff_records
from people.staff.enrolment_links import LinkKind, LinkTerms, SecondStepInput
from people.staff.staff_records import UsableLink
from procedures import role_change


@bp.post("/account/authenticator")
@staff_page(*Role)
def start_authenticator_change(desk: StaffRequest) -> ResponseReturnValue:
    """On to a link of one's own, for another authenticator and password: for a new phone."""
    desk.require_reauthentication()
    here = desk.principal.session_id
    staff_records.activate_enrolment_link(
        desk.session,
        desk.member,
        token_hash(new_token()),  # of a token that nobody has
        desk.moment,
        desk.principal.actor,
        kind=LinkKind.SELF,
        terms=LinkTerms(session_id=here.hex if here else ""),
    )
    return redirect(url_for("console.show_authenticator_form"), code=303)


@bp.get("/account/authenticator/new")
@staff_page(*Role)
def show_authenticator_form(desk: StaffRequest) -> ResponseReturnValue:
    """The form."""
    return enrolment.render_enrolment_form(desk.session, _load_own_link(desk), {})


@bp.post("/account/authenticator/new")
@staff_page(*Role)
def submit_authenticator(desk: StaffRequest) -> ResponseReturnValue:
    """Keep both; every browser is signed out, this one too."""
    found, (password, code) = _load_own_link(desk), enrolment.read_password_and_code()
    house = current_context().policy.organisation
    try:
        codes = staff_records.set_credentials(
            desk.session, found, password, code, desk.moment, house
        )
    except InvalidInput as error:
        return enrolment.render_enrolment_form(desk.session, found, {error.field: str(error)}), 422
    return _render_codes_signed_out(codes)


def _load_own_link(desk: StaffRequest) -> UsableLink:
    found = staff_records.open_own_link(desk.session, LinkKind.SELF, desk.principal.id, desk.moment)
    here = SecondStepInput(session_id=desk.principal.session_id)
    enrolment_links.require_second_step(desk.session, found.link, here, desk.moment)
    return found


@bp.get("/account/role")
@staff_page(*Role)
def show_role_form(desk: StaffRequest) -> ResponseReturnValue:
    """The question for the PIN; after it, the form."""
    return _role_form(desk, {})


@bp.post("/account/role")
@staff_page(*Role)
def submit_new_role(desk: StaffRequest) -> ResponseReturnValue:
    """Take up the role with another password and authenticator; every browser is signed out."""
    if "password" not in request.form:
        return _role_form(desk, {})
    password, code = enrolment.read_password_and_code()
    mine, house = desk.principal.id, current_context().policy.organisation
    try:  # caught in here, so that the count of a wrong PIN is committed
        codes = role_change.accept_role(
            desk.session, mine, enrolment.read_approval_pins(), password, code, desk.moment, house
        )
    except InvalidInput as error:
        return _role_form(desk, {error.field: str(error)})
    except SecondStepFailed as error:
        return enrolment.render_second_step(error)
    return _render_codes_signed_out(codes)


def _role_form(desk: StaffRequest, errors: dict[str, str]) -> ResponseReturnValue:
    try:
        found = role_change.open_role_enrolment(
            desk.session, desk.principal.id, enrolment.read_approval_pins(), desk.moment
        )
    except SecondStepFailed as error:
        return enrolment.render_second_step(error)
    page = enrolment.render_enrolment_form(desk.session, found, errors)
    return (page, 422) if errors else page


def describe_waiting_role(desk: StaffRequest) -> str:
    """The name of a role that they may take up; empty where there is none."""
    found = role_change.find_pending_role(desk.session, desk.principal.id, desk.moment)
    return approval_labels.describe_role_capitalised(found) if found else ""


def _render_codes_signed_out(codes: list[str]) -> str:
    """The recovery codes, on a page without the console's navigation: nobody is signed in now."""
    g.pop("role", None)
    return render_template("console/enrolled.html", recovery=codes)
