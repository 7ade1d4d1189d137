"""Proves that a customer holds a number, by a one-time *page number* sent to it.

A page number opens the customer's own page and nothing else. It is separate from check numbers:
their secrets and tables differ. A number that we do not know takes the same work as one that we
know, down to the message that is stored and rolled back, so that neither answer nor time reveals
who is a customer.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import literal
from sqlmodel import Session, col, update

from messaging import message_kinds, opt_outs, outbox, text_templates
from messaging.message_context import MessageContext
from messaging.models import Priority
from messaging.providers.base import TEXT, VOICE
from people.models import NumberProof
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import field_encryption
from verification import codes, page_number_limits, proof_mac
from verification.page_number_check import TABLE
from verification.page_number_limits import DIGITS, VALID_FOR
from verification.page_number_requests import (
    PageNumberRequest,
    lock_page_number_request,
    may_send_page_number,
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
    sealed = key.seal_field(TABLE, "secret", row, secret)
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
