"""Enrolment by a one-time link: a password, a second factor, and recovery codes."""

from __future__ import annotations

import segno
from flask import render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlmodel import Session

from channels.console.desk import pages
from channels.context import ctx, now, unit
from people import second_factor, staff
from people.errors import InvalidInput
from people.secrets import MIN_PASSWORD


@pages.get("/enrol/<token>")
def enrolment(token: str) -> ResponseReturnValue:
    """The form, with the second factor's secret as a picture and as text."""
    with unit() as session:
        return _form(session, token, {})


@pages.post("/enrol/<token>")
def enrol(token: str) -> ResponseReturnValue:
    """Keep password and second factor, and show the recovery codes, this once."""
    password, code = request.form.get("password", "")[:500], request.form.get("code", "")[:40]
    with unit() as session:
        try:
            _, recovery = staff.enrol(session, token, password, code, now())
        except InvalidInput as error:
            return _form(session, token, {error.field: str(error)}), 422
        return render_template("console/enrolled.html", recovery=recovery)


def _form(session: Session, token: str, errors: dict[str, str]) -> str:
    _, member, secret = staff.invited(session, token, now())
    who = staff.opened(session, member)
    uri = second_factor.provisioning_uri(secret, who.email, ctx().policy.organisation)
    return render_template(
        "console/enrol.html",
        who=who,
        errors=errors,
        picture=_picture(uri),
        secret=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        shortest=MIN_PASSWORD,
    )


def _picture(uri: str) -> Markup:
    """A QR code as SVG without inline styles, which our content policy forbids."""
    code = segno.make(uri, error="m", micro=False)
    svg = code.svg_inline(
        omitsize=True, border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None
    )
    return Markup(svg)  # noqa: S704  (made by segno, from letters that it encodes)
