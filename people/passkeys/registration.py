"""Registers a passkey: the options for the browser, and the verification of its answer."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session
from webauthn import (
    generate_registration_options,
    options_to_json,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from people.credential_models import Passkey
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput
from people.models import Staff
from people.passkeys import credential_records
from people.passkeys.relying_party import (
    CHALLENGE_LIFETIME,
    Challenge,
    PasskeyRefused,
    RelyingParty,
    spend_challenge,
)
from people.staff import security_notices
from people.staff.security_notices import Notice
from people.text_input import AllowedContent, clean_text_input
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

REGISTRATION_PURPOSE = "register"
NAME_LIMIT = 40


def registration_options(
    session: Session, member: Staff, who: str, site: RelyingParty, challenge: Challenge
) -> str:
    """Return the creation options for the browser as JSON. ``who`` is the name its owner sees in
    their list."""
    if (
        len(credential_records.list_passkey_rows(session, member.id))
        >= credential_records.MAX_PASSKEYS
    ):
        raise InvalidInput(
            "name", PeopleErrorCode.TOO_MANY_PASSKEYS, limit=credential_records.MAX_PASSKEYS
        )
    known = [
        credential_records.open_credential_id(session, row)
        for row in credential_records.list_passkey_rows(session, member.id)
    ]
    options = generate_registration_options(
        rp_id=site.rp_id,
        rp_name=site.name,
        user_name=who,
        user_id=ensure_user_handle(session, member),
        challenge=challenge.value,
        timeout=int(CHALLENGE_LIFETIME.total_seconds() * 1000),
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=credential_id) for credential_id in known
        ],
    )
    return options_to_json(options)


def ensure_user_handle(session: Session, member: Staff) -> bytes:
    """Return the user handle of a member of staff: random, created with the first passkey."""
    ring, context = keyring.current_keyring(session), f"staff.passkey_handle:{member.id}"
    if member.passkey_handle is None:
        value = bytes_to_base64url(secrets.token_bytes(32))
        member.passkey_handle = ring.seal_for_purpose(keyring.STAFF, context, value)
        session.add(member)
        session.flush()
    return base64url_to_bytes(ring.open_for_purpose(keyring.STAFF, context, member.passkey_handle))


def register_passkey(
    session: Session,
    member: Staff,
    site: RelyingParty,
    answer: str,
    challenge: Challenge,
    name: str,
    now: datetime,
) -> Passkey:
    """Store the passkey that the browser created. Raises ``PasskeyRefused``, or ``InvalidInput``
    for the name."""
    plain = clean_text_input("name", name, limit=NAME_LIMIT, allowed=AllowedContent.ANYTHING)
    if challenge.purpose != f"{REGISTRATION_PURPOSE}:{member.id.hex}":
        raise PasskeyRefused
    verified = _verify_registration(site, answer, challenge)
    spend_challenge(session, challenge, now)
    if (
        len(credential_records.list_passkey_rows(session, member.id))
        >= credential_records.MAX_PASSKEYS
    ):
        raise InvalidInput(
            "name", PeopleErrorCode.TOO_MANY_PASSKEYS, limit=credential_records.MAX_PASSKEYS
        )
    keyring.lock_index_keys(session)
    if credential_records.lock_passkey(session, verified.credential_id):
        raise PasskeyRefused
    try:
        with session.begin_nested():
            row = credential_records.store_passkey(
                session,
                member.id,
                verified.credential_id,
                verified.credential_public_key,
                verified.sign_count,
                plain,
                now,
            )
    except IntegrityError:  # it is already registered
        raise PasskeyRefused from None
    audit_log.record_act(
        session, audit_log.staff_actor(member.id), AuditAct.PASSKEY_ADD, now, detail=str(row.id)
    )
    security_notices.add_security_notice(session, member.id, Notice.PASSKEY_ADDED, now)
    return row


def _verify_registration(
    site: RelyingParty, answer: str, challenge: Challenge
) -> VerifiedRegistration:
    try:
        return verify_registration_response(
            credential=answer,
            expected_challenge=challenge.value,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except Exception:  # the library may raise anything on malformed input
        raise PasskeyRefused from None
