"""Proves that a customer holds a number, by a one-time *page number* sent to it.

A page number opens the customer's own page and nothing else. It is separate from check numbers:
their secrets and tables differ. A number that we do not know takes the same work as one that we
know, down to the message that is stored and rolled back, so that neither answer nor time reveals
who is a customer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import literal
from sqlmodel import Session, col, select, update

from messaging import message_kinds, opt_outs, outbox, text_templates
from messaging.message_context import MessageContext
from messaging.models import Priority
from messaging.providers.base import TEXT, VOICE
from people import attempt_log
from people.models import NumberProof
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import field_encryption, keyring
from verification import codes, page_number_limits, proof_mac
from verification.page_number_limits import DIGITS, MAX_TRIES, VALID_FOR
from verification.page_number_requests import (
    PageNumberRequest,
    lock_page_number_request,
    may_send_page_number,
)
from verification.proof_mac import ProofIntegrity

_TABLE = "number_proof"
_ABSENT_ROW_ID = new_id()
_DECOY_SECRET = field_encryption.DECOY_KEY.seal_field(
    _TABLE, "secret", _ABSENT_ROW_ID, codes.new_code_secret()
)


def issue_page_number(
    session: Session, phone: str, medium: str, policy: Policy, now: datetime
) -> None:
    """Send a page number to a phone (E.164) by ``medium``, text or voice; always by voice to a
    known landline.

    The requester learns nothing from it: not whether the number is known, has used up its quota, or
    is in quiet hours. Only the latest page number sent is valid, and there is never more than one.
    """
    request = lock_page_number_request(session, phone, medium, policy, now)
    if page_number_limits.is_quota_used_up(session, request.forms, page_number_limits.WEB, now):
        return
    held = not may_send_page_number(session, request, now)
    _close_open_proofs(session, request, now, unless=held)
    by = page_number_limits.HELD if held else page_number_limits.WEB
    proof, number, key = _create_proof(session, request, by, now)
    opted_out = opt_outs.is_opted_out(session, phone) and request.medium == TEXT
    message = _compose_page_number(
        request,
        number,
        _proof_message_context(session, request, policy, now),
        proof.valid_until,
        now,
    )
    with session.begin_nested() as stored:
        outbox.queue_message(session, message, now, key)
        if request.customer is None or opted_out or held:
            stored.rollback()
    detail = f"{request.medium} held" if held else request.medium
    audit_log.record_act(
        session,
        audit_log.CUSTOMER,
        AuditAct.PROOF_SEND,
        now,
        customer_id=request.owner,
        detail=detail,
    )


def create_text_page_number(
    session: Session, phone: str, policy: Policy, now: datetime
) -> str | None:
    """Create a page number for the answer to a customer's own text.

    Returns ``None`` for a phone (E.164) that is unknown or has used up its quota.
    """
    request = lock_page_number_request(session, phone, TEXT, policy, now)
    if request.customer is None or page_number_limits.is_quota_used_up(
        session, request.forms, page_number_limits.TEXT, now
    ):
        return None
    _close_open_proofs(session, request, now)
    _, number, _ = _create_proof(session, request, page_number_limits.TEXT, now)
    audit_log.record_act(
        session,
        audit_log.CUSTOMER,
        AuditAct.PROOF_SEND,
        now,
        customer_id=request.owner,
        detail="answer",
    )
    return number


def _close_open_proofs(
    session: Session, asked: PageNumberRequest, now: datetime, *, unless: bool = False
) -> None:
    """Invalidate older page numbers, ``unless`` no new one replaces them."""
    session.exec(
        update(NumberProof)
        .where(
            col(NumberProof.phone_index).in_(asked.forms),
            col(NumberProof.closed_at).is_(None),
            literal(not unless),
        )
        .values(closed_at=now, secret=None, bound=None)
    )


def _create_proof(
    session: Session, asked: PageNumberRequest, by: str, now: datetime
) -> tuple[NumberProof, str, field_encryption.FieldKey]:
    """Create a row; return it, its page number, and the key that it is sealed with. A row that is
    ``held`` opens nothing."""
    row, secret = new_id(), codes.new_code_secret()
    key = field_encryption.load_data_key_or_decoy(session, asked.owner)
    sealed = key.seal_field(_TABLE, "secret", row, secret)
    held = by == page_number_limits.HELD
    proof = NumberProof(
        id=row,
        phone_index=asked.forms[0],
        customer_id=asked.owner,
        secret=sealed if asked.owner and not held else None,
        counter=0,
        made_at=now,
        valid_until=now + VALID_FOR,
        closed_at=now if held else None,
        asked_by=by,
    )
    proof_mac.set_proof_mac(session, proof, asked.phone)
    session.add(proof)
    session.flush()
    return proof, codes.hotp_code(secret, proof.counter, DIGITS), key


def _proof_message_context(
    session: Session, asked: PageNumberRequest, policy: Policy, now: datetime
) -> MessageContext:
    if asked.customer is None:
        return policy.message_context_for()
    return callback_notifier.customer_message_context(session, asked.customer, policy, now)


def _compose_page_number(
    asked: PageNumberRequest, number: str, voice: MessageContext, until: datetime, now: datetime
) -> outbox.NewMessage:
    spoken = asked.medium == VOICE
    body = (
        text_templates.say_page_number(voice, number)
        if spoken
        else format_page_number_text(voice, number)
    )
    return outbox.NewMessage(
        customer_id=asked.owner or new_id(),
        kind=message_kinds.PAGE_NUMBER,
        to=asked.phone,
        body=body,
        due_at=now,
        expires_at=until,
        priority=Priority.ASKED,
        medium=asked.medium,
        decent=asked.decent if spoken else None,
    )


def format_page_number_text(voice: MessageContext, number: str) -> str:
    """Return the text message that carries a page number."""
    return text_templates.text_page_number(voice, codes.format_code(number))


def verify_page_number(
    session: Session,
    phone: str,
    number: str,
    now: datetime,
    noted: Callable[[], bool] = lambda: True,
) -> UUID | None:
    """Return the customer who holds the phone (E.164), or ``None``.

    ``None`` means that the number is wrong, used, expired, or has had its three tries, or that it
    was requested on the web while the limit on wrong guesses is reached. The attempt counts, so the
    caller commits whatever the answer. ``noted`` returns whether a failed attempt is the first of
    its kind; the audit entry of other attempts is not kept if there was no valid page number to
    try.
    """
    typed = codes.normalise_code(number, DIGITS)
    if typed is None:
        return None
    proof = _lock_open_proof(
        session, keyring.current_keyring(session).compute_search_forms("phone", phone)
    )
    integrity = ProofIntegrity(session, proof, phone)
    owner = proof.customer_id if proof and integrity.holds else None
    matches = codes.codes_match(
        _expected_page_number(session, proof if integrity.holds else None, owner), typed
    )
    limited = page_number_limits.is_guess_limit_reached(session, now)
    alive = (
        proof is not None
        and proof.tries < MAX_TRIES
        and now < proof.valid_until
        and (not limited or proof.asked_by == page_number_limits.TEXT)
        and integrity.is_usable(MAX_TRIES)
    )
    right = alive and matches and owner is not None
    integrity.count_proof_attempt(alive=alive, right=right)
    _store_proof_attempt(session, proof, integrity, alive, right, now)
    action = (
        AuditAct.PROOF_USE if right else AuditAct.PROOF_FAIL if alive else AuditAct.PROOF_IGNORE
    )
    entry = attempt_log.AttemptEntry(audit_log.CUSTOMER, action, customer_id=owner)
    attempt_log.write_attempt_entry(session, entry, now, kept=right or noted() or alive)
    return owner if right else None


def _lock_open_proof(session: Session, forms: Sequence[bytes]) -> NumberProof | None:
    """Return the open proof of a phone, locked, so that attempts at it are serialized (rule C4)."""
    return session.exec(
        select(NumberProof)
        .where(col(NumberProof.phone_index).in_(forms), col(NumberProof.closed_at).is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def _expected_page_number(session: Session, proof: NumberProof | None, owner: UUID | None) -> str:
    """Return the page number that was sent; a decoy number if none was."""
    key = field_encryption.load_data_key_or_decoy(session, owner)
    if proof is None or proof.secret is None:
        return codes.hotp_code(
            field_encryption.DECOY_KEY.open_field(_TABLE, "secret", _ABSENT_ROW_ID, _DECOY_SECRET),
            0,
            DIGITS,
        )
    return codes.hotp_code(
        key.open_field(_TABLE, "secret", proof.id, proof.secret), proof.counter, DIGITS
    )


def _store_proof_attempt(
    session: Session,
    proof: NumberProof | None,
    kept: ProofIntegrity,
    alive: bool,
    right: bool,
    now: datetime,
) -> None:
    """Count an attempt at a locked proof; close it once it is used or has had its last attempt."""
    tries = (proof.tries if proof else 0) + alive
    closes = right or tries >= MAX_TRIES
    changed = {
        "tries": tries,
        "closed_at": now if closes else None,
        "secret": proof.secret if proof and not closes else None,
        "proven_at": now if right else None,
    }
    session.exec(
        update(NumberProof)
        .where(col(NumberProof.id) == (proof.id if proof else _ABSENT_ROW_ID))
        .values(**changed, bound=kept.updated_mac(changed))
    )
    on_the_web = proof is not None and proof.asked_by == page_number_limits.WEB
    page_number_limits.add_wrong_tries(session, int(alive and on_the_web and not right), now)
