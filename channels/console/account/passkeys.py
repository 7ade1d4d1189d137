"""Passkey endpoints for the page's script, in JSON. The challenge is kept in the browser's signed
cookie and is valid for one answer."""

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
from channels.app_context import current_context, current_time, unit_of_work
from channels.console.account.overview import redirect_to_account
from channels.console.auth import reauthentication, sign_in
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_texts import describe_error
from people.credential_models import Passkey
from people.errors import InvalidInput
from people.models import Role, Staff
from people.passkeys import assertion, credential_records, registration
from people.passkeys.relying_party import (
    Challenge,
    PasskeyRefused,
    RelyingParty,
    new_challenge,
    relying_party_from_url,
)
from people.staff import staff_records

_CHALLENGE_ENTRY = "passkey"


@bp.post("/sign-in/passkey/ask")
def get_sign_in_options() -> ResponseReturnValue:
    """Return the options for a sign-in. They name no account, so they reveal nothing about any."""
    return _passkey_json_response(
        assertion.assertion_options(
            _require_passkey_site(),
            _issue_browser_challenge(assertion.ASSERTION_PURPOSE, current_time()),
        )
    )


@bp.post("/sign-in/passkey")
def sign_in_by_passkey() -> ResponseReturnValue:
    """Sign the owner of a passkey in. Passkeys cannot be guessed, so failed attempts do not lock
    them."""
    moment = current_time()
    with (
        unit_of_work() as session
    ):  # refusals are caught here, so that their audit entries are committed
        try:
            member, row = _find_passkey_owner(session, assertion.ASSERTION_PURPOSE, moment)
        except PasskeyRefused:
            return _answer_passkey_refused()
        there = sign_in.begin_browser_session(
            session, member, moment, how="passkey", passkey_id=row.id
        )
        return jsonify(next=there)


@bp.post("/account/proof/passkey/ask")
@staff_page(*Role)
def get_proof_options(desk: StaffRequest) -> ResponseReturnValue:
    """Return the options for reauthentication."""
    return _passkey_json_response(
        assertion.assertion_options(
            _require_passkey_site(), _issue_browser_challenge(_proof_purpose(desk), desk.moment)
        )
    )


@bp.post("/account/proof/passkey")
@staff_page(*Role)
def prove_by_passkey(desk: StaffRequest) -> ResponseReturnValue:
    """Reauthenticate with a passkey that belongs to the signed-in person."""
    try:
        member, _ = _find_passkey_owner(desk.session, _proof_purpose(desk), desk.moment)
    except PasskeyRefused:
        return _answer_passkey_refused()
    if member.id != desk.principal.id:
        return _answer_passkey_refused()
    reauthentication.record_session_proof(desk)
    return jsonify(next=reauthentication.choose_next_address())


@bp.post("/account/passkeys/ask")
@staff_page(*Role)
def get_registration_options(desk: StaffRequest) -> ResponseReturnValue:
    """Return the options for registering a passkey."""
    desk.require_reauthentication()
    who = staff_records.open_staff_details(desk.session, desk.member).email
    asked = _issue_browser_challenge(_registration_purpose(desk), desk.moment)
    try:
        return _passkey_json_response(
            registration.registration_options(
                desk.session, desk.member, who, _require_passkey_site(), asked
            )
        )
    except InvalidInput as error:
        return jsonify(error=describe_error(error)), 422


@bp.post("/account/passkeys")
@staff_page(*Role)
def add_passkey(desk: StaffRequest) -> ResponseReturnValue:
    """Save a newly registered passkey."""
    desk.require_reauthentication()
    answer, challenge = _read_passkey_answer(), _take_browser_challenge()
    name = str(_read_passkey_body().get("name", ""))[:200]
    try:
        registration.register_passkey(
            desk.session, desk.member, _require_passkey_site(), answer, challenge, name, desk.moment
        )
    except PasskeyRefused:
        return _answer_passkey_refused()
    except InvalidInput as error:
        return jsonify(error=describe_error(error)), 422
    return jsonify(next=url_for("console.show_account", done="passkey"))


@bp.post("/account/passkeys/<uuid:passkey_id>/remove")
@staff_page(*Role)
def remove_passkey(desk: StaffRequest, passkey_id: UUID) -> ResponseReturnValue:
    """Remove one of the person's own passkeys."""
    desk.require_reauthentication()
    credential_records.delete_passkey(desk.session, desk.principal.id, passkey_id, desk.moment)
    return redirect_to_account("removed")


def _proof_purpose(desk: StaffRequest) -> str:
    return f"prove:{desk.principal.id.hex}"


def _registration_purpose(desk: StaffRequest) -> str:
    return f"{registration.REGISTRATION_PURPOSE}:{desk.principal.id.hex}"


def _find_passkey_owner(session: Session, purpose: str, moment: datetime) -> tuple[Staff, Passkey]:
    return assertion.verify_assertion(
        session,
        _require_passkey_site(),
        _read_passkey_answer(),
        _take_browser_challenge(),
        moment,
        purpose=purpose,
        noted=_may_note_passkey_failure,
    )


def _may_note_passkey_failure(account: UUID | None) -> bool:
    return failed_attempts.is_first_this_hour("passkey", account)


def _require_passkey_site() -> RelyingParty:
    site = relying_party_from_url(current_context().base_url, current_context().policy.organisation)
    if site is None:
        raise NoPage
    return site


def _issue_browser_challenge(purpose: str, moment: datetime) -> Challenge:
    """Store a new challenge in this browser's cookie. It replaces an earlier one."""
    challenge = new_challenge(purpose, moment)
    cookie[_CHALLENGE_ENTRY] = [bytes_to_base64url(challenge.value), moment.timestamp(), purpose]
    return challenge


def _take_browser_challenge() -> Challenge:
    """Remove and return the challenge in this browser's cookie; an expired one if there is none."""
    stored = cookie.pop(_CHALLENGE_ENTRY, None)
    if stored is None:
        return Challenge(b"", datetime.min.replace(tzinfo=UTC), "")
    value, at, purpose = stored
    return Challenge(base64url_to_bytes(value), datetime.fromtimestamp(at, tz=UTC), purpose)


def _read_passkey_body() -> dict[str, object]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def _read_passkey_answer() -> str:
    return json.dumps(_read_passkey_body().get("answer"))


def _passkey_json_response(text: str) -> Response:
    return current_app.response_class(text, mimetype="application/json")


def _answer_passkey_refused() -> ResponseReturnValue:
    """Answer 403. The error is the same for every cause."""
    message = gettext("This passkey was not accepted. Try again, or sign in by password.")
    return jsonify(error=message), 403
