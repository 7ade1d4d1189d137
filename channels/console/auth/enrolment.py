"""Enrolment by a one-time link: a password, a second factor, and recovery codes."""

from __future__ import annotations

import segno
from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup
from sqlmodel import Session

from channels.app_context import current_context, current_time, unit_of_work
from channels.console.staff_request import bp
from channels.error_texts import describe_error
from people.credentials import MIN_PASSWORD
from people.errors import InvalidInput, SecondStepFailed
from people.staff import second_factor, staff_enrolment, staff_records
from people.staff.enrolment_links import SecondStepInput
from people.staff.staff_enrolment import UsableLink
from people.text_input import first_name


@bp.get("/enrol/<token>")
def show_enrolment(token: str) -> ResponseReturnValue:
    """Show the form with the TOTP secret as a QR code and as text, or first the form for the link's
    second step.

    A GET does not use the link up, because mail scanners open links too.
    """
    with unit_of_work() as session:
        try:
            return _render_form_for_link(session, token, {})
        except SecondStepFailed as error:
            return render_second_step(error)


@bp.post("/enrol/<token>")
def submit_enrolment(token: str) -> ResponseReturnValue:
    """Save password and second factor, and show the recovery codes, once."""
    with unit_of_work() as session:  # a wrong PIN is caught here, so that its count is committed
        try:
            if "password" not in request.form:
                return _render_form_for_link(session, token, {})
            return render_template(
                "console/enrolled.html", recovery=_enrol_from_form(session, token)
            )
        except InvalidInput as error:
            return _render_form_for_link(session, token, {error.field: describe_error(error)}), 422
        except SecondStepFailed as error:
            return render_second_step(error)


def _enrol_from_form(session: Session, token: str) -> list[str]:
    password, code = read_password_and_code()
    house, second_step = (
        current_context().policy.organisation,
        SecondStepInput(read_approval_pins(), read_recovery_code()),
    )
    return staff_enrolment.enrol_with_link(
        session, token, password, code, current_time(), pieces=second_step, organisation=house
    )[1]


def read_password_and_code() -> tuple[str, str]:
    """Return the submitted password and code."""
    return request.form.get("password", "")[:500], request.form.get("code", "")[:40]


def read_approval_pins() -> str:
    """Return the submitted PINs, one from each approver, in any order."""
    return " ".join(request.form.getlist("piece")[:5])[:60]


def read_recovery_code() -> str:
    """Return the submitted recovery code."""
    return request.form.get("recovery", "")[:40]


def _render_form_for_link(session: Session, token: str, errors: dict[str, str]) -> str:
    link, member, secret = staff_enrolment.open_enrolment_link(
        session,
        token,
        current_time(),
        pieces=SecondStepInput(read_approval_pins(), read_recovery_code()),
    )
    return render_enrolment_form(session, UsableLink(link, member, secret), errors)


def render_enrolment_form(session: Session, found: UsableLink, errors: dict[str, str]) -> str:
    """Render the form for password, authenticator and code. It carries the submitted PINs and
    recovery code on."""
    who = staff_records.open_staff_details(session, found.member)
    uri = second_factor.provisioning_uri(
        found.secret, who.email, current_context().policy.organisation
    )
    return render_template(
        "console/enrol.html",
        first_name=first_name(who.name),
        pieces=request.form.getlist("piece")[:5],
        spare=read_recovery_code(),
        errors=errors,
        picture=_render_qr_code(uri),
        secret=" ".join(found.secret[i : i + 4] for i in range(0, len(found.secret), 4)),
        shortest=MIN_PASSWORD,
    )


def render_second_step(error: SecondStepFailed) -> ResponseReturnValue:
    """Render the form for the link's second step. It does not reveal the owner of the link."""
    problem = gettext("That does not fit. After five wrong ones the link works no more.")
    page = render_template(
        "console/enrol_second_step.html",
        kind=error.kind,
        pins=error.pins,
        errors={"piece": problem} if error.tried else {},
    )
    return page, 422 if error.tried else 200


def _render_qr_code(uri: str) -> Markup:
    """Return a QR code as SVG without inline styles, which the content security policy forbids."""
    code = segno.make(uri, error="m", micro=False)
    svg = code.svg_inline(
        omitsize=True, border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None
    )
    return Markup(svg)  # noqa: S704  (made by segno, from text that it encodes)
