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

from people import password_seal
from people.models import Staff
from people.passkeys import credential_records
from people.passkeys.registration import handle_of
from people.passkeys.relying_party import LASTS, Challenge, PasskeyRefused, Site, spend
from people.signin_models import Passkey
from people.staff import authentication

PURPOSE = "enter"


def options(site: Site, challenge: Challenge) -> str:
    """What the browser is asked, as JSON. It names nobody: the authenticator knows whom it has."""
    made = generate_authentication_options(
        rp_id=site.rp_id,
        challenge=challenge.value,
        timeout=int(LASTS.total_seconds() * 1000),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(made)


def owner(
    session: Session,
    site: Site,
    answer: str,
    challenge: Challenge,
    now: datetime,
    *,
    purpose: str = PURPOSE,
    noted: Callable[[UUID | None], bool] = lambda _: True,
) -> tuple[Staff, Passkey]:
    """Whose passkey has answered, and which. Raises ``PasskeyRefused``; the caller commits, so
    that the failed try is written down and a passkey that was copied stays stopped. ``noted``
    says of a failed try, with whose it was if anybody's, whether it is one to write down."""
    given = _read(answer)
    row = credential_records.find(session, given.raw_id) if given else None
    if given is None or row is None or challenge.purpose != purpose:
        authentication.failed(session, None, now, "passkey", kept=noted(None))
        raise PasskeyRefused
    member = session.get_one(Staff, row.staff_id)
    try:
        count = _count(session, member, row, site, given, challenge)
        spend(session, challenge, now)
    except PasskeyRefused:
        authentication.failed(session, member, now, "passkey", kept=noted(member.id))
        raise
    if (count or row.sign_count) and count <= row.sign_count:
        credential_records.stop(session, row, now)
        raise PasskeyRefused
    row.sign_count, row.used_at = count, now
    session.add(row)
    session.flush()
    return member, row


def _read(answer: str) -> AuthenticationCredential | None:
    try:
        return parse_authentication_credential_json(answer)
    except Exception:  # whatever a stranger's bytes make the library raise
        return None


def _count(
    session: Session,
    member: Staff,
    row: Passkey,
    site: Site,
    given: AuthenticationCredential,
    challenge: Challenge,
) -> int:
    """The count that a good answer shows. The library is told of no earlier count, since it looks
    at it before the signature: a stranger could then pass for a copy."""
    if not member.active or row.stopped_at is not None or member.passkey_handle is None:
        raise PasskeyRefused
    if not password_seal.holds(session, row) or not password_seal.holds(session, member):
        raise PasskeyRefused
    handle = given.response.user_handle or b""
    if not hmac.compare_digest(handle, handle_of(session, member)):
        raise PasskeyRefused
    key = credential_records.public_key_of(session, row)
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
