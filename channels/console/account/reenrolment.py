"""Enrolling again while signed in: for a new authenticator, or for a new role.

These addresses contain no token: the link is looked up by its owner. A link for a new authenticator
works only in the browser that requested it.
"""

from __future__ import annotations

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.app_context import current_context
from channels.console import approval_labels
from channels.console.auth import enrolment
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_texts import describe_error
from people.credentials import new_token, token_hash
from people.errors import InvalidInput, SecondStepFailed
from people.models import Role
from people.staff import enrolment_links, link_creation, staff_enrolment
from people.staff.enrolment_links import LinkKind, LinkTerms, SecondStepInput
from people.staff.staff_enrolment import UsableLink
from procedures import role_change


@bp.post("/account/authenticator")
@staff_page(*Role)
def start_authenticator_change(desk: StaffRequest) -> ResponseReturnValue:
    """Create the person's own link for a new authenticator and password, for example for a new
    phone."""
    desk.require_reauthentication()
    here = desk.principal.session_id
    link_creation.activate_enrolment_link(
        desk.session,
        desk.member,
        token_hash(new_token()),  # the token is discarded: nobody needs it
        desk.moment,
        desk.principal.actor,
        kind=LinkKind.SELF,
        terms=LinkTerms(session_id=here.hex if here else ""),
    )
    return redirect(url_for("console.show_authenticator_form"), code=303)


@bp.get("/account/authenticator/new")
@staff_page(*Role)
def show_authenticator_form(desk: StaffRequest) -> ResponseReturnValue:
    """Show the enrolment form."""
    return enrolment.render_enrolment_form(desk.session, _load_own_link(desk), {})


@bp.post("/account/authenticator/new")
@staff_page(*Role)
def submit_authenticator(desk: StaffRequest) -> ResponseReturnValue:
    """Save password and authenticator, and sign out every browser, including this one."""
    link, (password, code) = _load_own_link(desk), enrolment.read_password_and_code()
    house = current_context().policy.organisation
    try:
        codes = staff_enrolment.set_credentials(
            desk.session, link, password, code, desk.moment, house
        )
    except InvalidInput as error:
        return enrolment.render_enrolment_form(
            desk.session, link, {error.field: describe_error(error)}
        ), 422
    return _render_codes_signed_out(codes)


def _load_own_link(desk: StaffRequest) -> UsableLink:
    link = staff_enrolment.open_own_link(
        desk.session, LinkKind.SELF, desk.principal.id, desk.moment
    )
    here = SecondStepInput(session_id=desk.principal.session_id)
    enrolment_links.require_second_step(desk.session, link.link, here, desk.moment)
    return link


@bp.get("/account/role")
@staff_page(*Role)
def show_role_form(desk: StaffRequest) -> ResponseReturnValue:
    """Ask for the PINs, and then show the enrolment form."""
    return _role_form(desk, {})


@bp.post("/account/role")
@staff_page(*Role)
def submit_new_role(desk: StaffRequest) -> ResponseReturnValue:
    """Accept the role with a new password and authenticator, and sign out every browser."""
    if "password" not in request.form:
        return _role_form(desk, {})
    password, code = enrolment.read_password_and_code()
    mine, house = desk.principal.id, current_context().policy.organisation
    try:  # caught here, so that the count of a wrong PIN is committed
        codes = role_change.accept_role(
            desk.session, mine, enrolment.read_approval_pins(), password, code, desk.moment, house
        )
    except InvalidInput as error:
        return _role_form(desk, {error.field: describe_error(error)})
    except SecondStepFailed as error:
        return enrolment.render_second_step(error)
    return _render_codes_signed_out(codes)


def _role_form(desk: StaffRequest, errors: dict[str, str]) -> ResponseReturnValue:
    try:
        link = role_change.open_role_enrolment(
            desk.session, desk.principal.id, enrolment.read_approval_pins(), desk.moment
        )
    except SecondStepFailed as error:
        return enrolment.render_second_step(error)
    page = enrolment.render_enrolment_form(desk.session, link, errors)
    return (page, 422) if errors else page


def describe_waiting_role(desk: StaffRequest) -> str:
    """Return the name of the role this person can accept; empty if there is none."""
    role = role_change.find_pending_role(desk.session, desk.principal.id, desk.moment)
    return approval_labels.describe_role_capitalised(role) if role else ""


def _render_codes_signed_out(codes: list[str]) -> str:
    """Render the recovery codes without the console's navigation, since nobody is signed in now."""
    g.pop("role", None)
    return render_template("console/enrolled.html", recovery=codes)
