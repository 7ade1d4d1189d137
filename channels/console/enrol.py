"""Enrolment by a one-time link: a password, a second factor, and recovery codes."""

from __future__ import annotations

import segno
from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup
from sqlmodel import Session

from channels.console.desk import pages
from channels.context import ctx, now, unit
from people import second_factor, staff
from people.errors import InvalidInput, SecondPieceWrong
from people.secrets import MIN_PASSWORD
from people.text import first_name


@pages.get("/enrol/<token>")
def enrolment(token: str) -> ResponseReturnValue:
    """The form, with the second factor's secret as a picture and as text; or first the question
    for what the link asks beside itself. Looking spends nothing, for scanners of mail look too."""
    with unit() as session:
        try:
            return _form(session, token, {})
        except SecondPieceWrong as error:
            return _question(error)


@pages.post("/enrol/<token>")
def enrol(token: str) -> ResponseReturnValue:
    """Keep password and second factor, and show the recovery codes, this once."""
    with unit() as session:  # a wrong piece is caught in here, so that its count is committed
        try:
            if "password" not in request.form:
                return _form(session, token, {})
            return render_template("console/enrolled.html", recovery=_enrolled(session, token))
        except InvalidInput as error:
            return _form(session, token, {error.field: str(error)}), 422
        except SecondPieceWrong as error:
            return _question(error)


def _enrolled(session: Session, token: str) -> list[str]:
    password, code = request.form.get("password", "")[:500], request.form.get("code", "")[:40]
    house = ctx().policy.organisation
    return staff.enrol(session, token, password, code, now(), piece=_piece(), organisation=house)[1]


def _piece() -> str:
    return request.form.get("piece", "")[:40]


def _form(session: Session, token: str, errors: dict[str, str]) -> str:
    _, member, secret = staff.invited(session, token, now(), _piece())
    who = staff.opened(session, member)
    uri = second_factor.provisioning_uri(secret, who.email, ctx().policy.organisation)
    return render_template(
        "console/enrol.html",
        first_name=first_name(who.name),
        piece=_piece(),
        errors=errors,
        picture=_picture(uri),
        secret=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        shortest=MIN_PASSWORD,
    )


def _question(error: SecondPieceWrong) -> ResponseReturnValue:
    """It tells nothing of whose link it is."""
    problem = gettext("That does not fit. After five wrong ones the link works no more.")
    page = render_template(
        "console/enrol_piece.html",
        kind=error.kind,
        errors={"piece": problem} if error.tried else {},
    )
    return page, 422 if error.tried else 200


def _picture(uri: str) -> Markup:
    """A QR code as SVG without inline styles, which our content policy forbids."""
    code = segno.make(uri, error="m", micro=False)
    svg = code.svg_inline(
        omitsize=True, border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None
    )
    return Markup(svg)  # noqa: S704  (made by segno, from letters that it encodes)
