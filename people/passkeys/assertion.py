"""Coming in by a passkey, or proving anew who is at the desk."""

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
from people.models import Passkey, Staff
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
    """What the browser is asked, as JSON. It names nobody: the authenticator knows whom it has."""
    made = generate_authentication_options(
        rp_id=site.rp_id,
        challenge=challenge.value,
        timeout=int(CHALLENGE_LIFETIME.total_seconds() * 1000),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(made)


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
    """Whose passkey has answered, and which. Raises ``PasskeyRefused``; the caller commits, so
    that the failed try is written down and a passkey that was copied stays stopped. ``noted``
    says of a failed try, with whose it was if anybody's, whether it is one to write down."""
    given = _parse_assertion(answer)
    row = credential_records.lock_passkey(session, given.raw_id) if given else None
    if given is None or row is None or challenge.purpose != purpose:
        authentication.record_failed_sign_in(session, None, now, "passkey", kept=noted(None))
        raise PasskeyRefused
    member = session.get_one(Staff, row.staff_id)
    try:
        count = _verified_sign_count(session, member, row, site, given, challenge)
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
    except Exception:  # whatever a stranger's bytes make the library raise
        return None


def _verified_sign_count(
    session: Session,
    member: Staff,
    row: Passkey,
    site: RelyingParty,
    given: AuthenticationCredential,
    challenge: Challenge,
) -> int:
    """The count that a good answer shows. The library is told of no earlier count, since it looks
    at it before the signature: a stranger could then pass for a copy."""
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
    except Exception:  # whatever a stranger's bytes make the library raise
        raise PasskeyRefused from None
