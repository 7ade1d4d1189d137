"""Enrolment by a one-time link: a password, a second factor, and recovery codes."""

from __future__ import annotations

import segno
from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup
from sqlmodel import Session

from channels.app_context import ctx, now, unit
from channels.console.staff_request import pages
from people.credentials import MIN_PASSWORD
from people.errors import InvalidInput, SecondPieceWrong
from people.staff import second_factor, staff_records
from people.staff.enrolment_links import Pieces
from people.staff.staff_records import OpenLink
from people.text_input import first_name


@pages.get("/enrol/<token>")
def enrolment(token: str) -> ResponseReturnValue:
    """The form, with the second factor's secret as a picture and as text; or first the question
    for what the link asks beside itself. Looking spends nothing, for scanners of mail look too."""
    with unit() as session:
        try:
            return _form(session, token, {})
        except SecondPieceWrong as error:
            return question(error)


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
            return question(error)


def _enrolled(session: Session, token: str) -> list[str]:
    password, code = typed()
    house, given = ctx().policy.organisation, Pieces(pins(), recovery())
    return staff_records.enrol(
        session, token, password, code, now(), pieces=given, organisation=house
    )[1]


def typed() -> tuple[str, str]:
    """The password and the code that a form sends."""
    return request.form.get("password", "")[:500], request.form.get("code", "")[:40]


def pins() -> str:
    """The PINs that a form sends: one of each who approved, in any order."""
    return " ".join(request.form.getlist("piece")[:5])[:60]


def recovery() -> str:
    """The recovery code that a form sends beside them."""
    return request.form.get("recovery", "")[:40]


def _form(session: Session, token: str, errors: dict[str, str]) -> str:
    link, member, secret = staff_records.invited(
        session, token, now(), pieces=Pieces(pins(), recovery())
    )
    return form(session, OpenLink(link, member, secret), errors)


def form(session: Session, found: OpenLink, errors: dict[str, str]) -> str:
    """Password, authenticator and code; what was given beside the link goes on with it."""
    who = staff_records.opened(session, found.member)
    uri = second_factor.provisioning_uri(found.secret, who.email, ctx().policy.organisation)
    return render_template(
        "console/enrol.html",
        first_name=first_name(who.name),
        pieces=request.form.getlist("piece")[:5],
        spare=recovery(),
        errors=errors,
        picture=_picture(uri),
        secret=" ".join(found.secret[i : i + 4] for i in range(0, len(found.secret), 4)),
        shortest=MIN_PASSWORD,
    )


def question(error: SecondPieceWrong) -> ResponseReturnValue:
    """It tells nothing of whose link it is."""
    problem = gettext("That does not fit. After five wrong ones the link works no more.")
    page = render_template(
        "console/enrol_piece.html",
        kind=error.kind,
        pins=error.pins,
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
