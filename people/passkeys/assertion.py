"""Signs in or re-authenticates by a passkey."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlmodel import Session
from webauthn import (
    generate_authentication_options,
    options_to_json,
    verify_authentication_response,
)
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.structs import AuthenticationCredential, UserVerificationRequirement

from people import row_mac
from people.credential_models import Passkey
from people.models import Staff
from people.passkeys import credential_records
from people.passkeys.registration import ensure_user_handle
from people.passkeys.relying_party import (
    CHALLENGE_LIFETIME,
    Challenge,
    PasskeyRefused,
    RelyingParty,
    spend_challenge,
)
from people.staff import authentication

ASSERTION_PURPOSE = "enter"


def assertion_options(site: RelyingParty, challenge: Challenge) -> str:
    """Return the request options for the browser as JSON. They name no user: the authenticator
    knows its users."""
    options = generate_authentication_options(
        rp_id=site.rp_id,
        challenge=challenge.value,
        timeout=int(CHALLENGE_LIFETIME.total_seconds() * 1000),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def verify_assertion(
    session: Session,
    site: RelyingParty,
    answer: str,
    challenge: Challenge,
    now: datetime,
    *,
    purpose: str = ASSERTION_PURPOSE,
    noted: Callable[[UUID | None], bool] = lambda _: True,
) -> tuple[Staff, Passkey]:
    """Return the owner and the passkey that answered. Raises ``PasskeyRefused``.

    The caller commits also after the error, so that the failed attempt is audited and a cloned
    passkey stays stopped. ``noted`` takes the owner of a failed attempt, if known, and returns
    whether to record it.
    """
    credential = _parse_assertion(answer)
    row = credential_records.lock_passkey(session, credential.raw_id) if credential else None
    if credential is None or row is None or challenge.purpose != purpose:
        authentication.record_failed_sign_in(session, None, now, "passkey", kept=noted(None))
        raise PasskeyRefused
    member = session.get_one(Staff, row.staff_id)
    try:
        count = _verified_sign_count(session, member, row, site, credential, challenge)
        spend_challenge(session, challenge, now)
    except PasskeyRefused:
        authentication.record_failed_sign_in(session, member, now, "passkey", kept=noted(member.id))
        raise
    if (count or row.sign_count) and count <= row.sign_count:
        credential_records.stop_cloned_passkey(session, row, now)
        raise PasskeyRefused
    row.sign_count, row.used_at = count, now
    session.add(row)
    session.flush()
    return member, row


def _parse_assertion(answer: str) -> AuthenticationCredential | None:
    try:
        return parse_authentication_credential_json(answer)
    except Exception:  # the library may raise anything on malformed input
        return None


def _verified_sign_count(
    session: Session,
    member: Staff,
    row: Passkey,
    site: RelyingParty,
    given: AuthenticationCredential,
    challenge: Challenge,
) -> int:
    """Verify an answer and return its sign count.

    The library is not given the stored count, because it checks the count before the signature: a
    stranger could then be mistaken for a cloned authenticator.
    """
    if not member.active or row.stopped_at is not None or member.passkey_handle is None:
        raise PasskeyRefused
    if not row_mac.is_row_intact(session, row) or not row_mac.is_row_intact(session, member):
        raise PasskeyRefused
    handle = given.response.user_handle or b""
    if not hmac.compare_digest(handle, ensure_user_handle(session, member)):
        raise PasskeyRefused
    key = credential_records.open_public_key(session, row)
    try:
        return verify_authentication_response(
            credential=given,
            expected_challenge=challenge.value,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=key,
            credential_current_sign_count=0,
            require_user_verification=True,
        ).new_sign_count
    except Exception:  # the library may raise anything on malformed input
        raise PasskeyRefused from None
