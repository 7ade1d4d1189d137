"""Passkeys: what a script asks and sends, as JSON. The challenge waits in the browser's own signed
cookie, and is good for one answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

from flask import Response, current_app, jsonify, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlmodel import Session
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from werkzeug.exceptions import NotFound as NoPage

from channels import failed_attempts
from channels.app_context import ctx, now, unit
from channels.console.account.overview import back
from channels.console.auth import reauthentication, sign_in
from channels.console.staff_request import Desk, pages, staff_page
from people.errors import InvalidInput
from people.models import Role, Staff
from people.passkeys import assertion, credential_records, registration
from people.passkeys.relying_party import Challenge, PasskeyRefused, Site, challenge, site
from people.signin_models import Passkey
from people.staff import staff_records

_WAITS = "passkey"


@pages.post("/sign-in/passkey/ask")
def ask_passkey() -> ResponseReturnValue:
    """What to sign to come in. It takes no name, and so tells nothing of anybody."""
    return _json(assertion.options(_site(), _asked(assertion.PURPOSE, now())))


@pages.post("/sign-in/passkey")
def let_in_by_passkey() -> ResponseReturnValue:
    """Let its owner in. Passkeys cannot be guessed, so no number of tries locks them."""
    moment = now()
    with unit() as session:  # refusals are caught in here, so that what they write is committed
        try:
            member, row = _owner(session, assertion.PURPOSE, moment)
        except PasskeyRefused:
            return _refused()
        there = sign_in.enter(session, member, moment, how="passkey", passkey_id=row.id)
        return jsonify(next=there)


@pages.post("/account/proof/passkey/ask")
@staff_page(*Role)
def ask_proof(desk: Desk) -> ResponseReturnValue:
    """What to sign to prove again who is at the desk."""
    return _json(assertion.options(_site(), _asked(_proving(desk), desk.moment)))


@pages.post("/account/proof/passkey")
@staff_page(*Role)
def prove_by_passkey(desk: Desk) -> ResponseReturnValue:
    """A passkey of their own, and nobody else's."""
    try:
        member, _ = _owner(desk.session, _proving(desk), desk.moment)
    except PasskeyRefused:
        return _refused()
    if member.id != desk.principal.id:
        return _refused()
    reauthentication.keep(desk)
    return jsonify(next=reauthentication.onward())


@pages.post("/account/passkeys/ask")
@staff_page(*Role)
def ask_new_passkey(desk: Desk) -> ResponseReturnValue:
    """What the browser is to make."""
    desk.require_proof()
    who = staff_records.opened(desk.session, desk.member).email
    asked = _asked(_registering(desk), desk.moment)
    try:
        return _json(registration.options(desk.session, desk.member, who, _site(), asked))
    except InvalidInput as error:
        return jsonify(error=str(error)), 422


@pages.post("/account/passkeys")
@staff_page(*Role)
def add_passkey(desk: Desk) -> ResponseReturnValue:
    """Keep what it made."""
    desk.require_proof()
    answer, given = _given(), _waiting()
    name = str(_body().get("name", ""))[:200]
    try:
        registration.add(desk.session, desk.member, _site(), answer, given, name, desk.moment)
    except PasskeyRefused:
        return _refused()
    except InvalidInput as error:
        return jsonify(error=str(error)), 422
    return jsonify(next=url_for("console.account", done="passkey"))


@pages.post("/account/passkeys/<uuid:passkey_id>/remove")
@staff_page(*Role)
def remove_passkey(desk: Desk, passkey_id: UUID) -> ResponseReturnValue:
    """Remove one of one's own."""
    desk.require_proof()
    credential_records.remove(desk.session, desk.principal.id, passkey_id, desk.moment)
    return back("removed")


def _proving(desk: Desk) -> str:
    return f"prove:{desk.principal.id.hex}"


def _registering(desk: Desk) -> str:
    return f"{registration.PURPOSE}:{desk.principal.id.hex}"


def _owner(session: Session, purpose: str, moment: datetime) -> tuple[Staff, Passkey]:
    return assertion.owner(
        session, _site(), _given(), _waiting(), moment, purpose=purpose, noted=_noted
    )


def _noted(account: UUID | None) -> bool:
    return failed_attempts.first_of_the_hour("passkey", account)


def _site() -> Site:
    found = site(ctx().base_url, ctx().policy.organisation)
    if found is None:
        raise NoPage
    return found


def _asked(purpose: str, moment: datetime) -> Challenge:
    """A fresh challenge, waiting in this browser's cookie; an earlier one is forgotten."""
    made = challenge(purpose, moment)
    cookie[_WAITS] = [bytes_to_base64url(made.value), moment.timestamp(), purpose]
    return made


def _waiting() -> Challenge:
    """What this browser was asked, for this once."""
    kept = cookie.pop(_WAITS, None)
    if kept is None:
        return Challenge(b"", datetime.min.replace(tzinfo=UTC), "")
    value, at, purpose = kept
    return Challenge(base64url_to_bytes(value), datetime.fromtimestamp(at, tz=UTC), purpose)


def _body() -> dict[str, object]:
    found = request.get_json(silent=True)
    return found if isinstance(found, dict) else {}


def _given() -> str:
    return json.dumps(_body().get("answer"))


def _json(text: str) -> Response:
    return current_app.response_class(text, mimetype="application/json")


def _refused() -> ResponseReturnValue:
    """One answer for whatever was wrong."""
    said = gettext("This passkey was not accepted. Try again, or sign in by password.")
    return jsonify(error=said), 403
