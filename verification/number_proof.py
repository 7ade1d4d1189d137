"""A customer proves that they hold a number: by a one-time *page number*, sent to it.

It opens the customer's own page and nothing else. It is no check number, and a check number is no
page number: their secrets are apart, and each is looked for in its own table. A number that we do
not know costs the same work as one that we do, down to the text that is stored and taken back, so
that neither answer nor time tells who is a customer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import literal
from sqlmodel import Session, col, select, update

from messaging import message_kinds, opt_outs, outbox, text_templates
from messaging.models import Priority
from messaging.providers.base import TEXT, VOICE
from messaging.text_templates import MessageContext
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
    """Send a page number to a phone (E.164), as a text or spoken (``medium``); spoken in any case
    to what is known to be a landline.

    Whoever asks learns nothing by it: not whether we know the number, nor that it has had its
    share, nor that it is night there. The latest that was sent is the one that counts, and there
    is never more than one.
    """
    asked = lock_page_number_request(session, phone, medium, policy, now)
    if page_number_limits.is_quota_used_up(session, asked.forms, page_number_limits.WEB, now):
        return
    held = not may_send_page_number(session, asked, now)
    _close_open_proofs(session, asked, now, unless=held)
    by = page_number_limits.HELD if held else page_number_limits.WEB
    proof, number, key = _create_proof(session, asked, by, now)
    unwanted = opt_outs.is_opted_out(session, phone) and asked.medium == TEXT
    draft = _compose_page_number(
        asked, number, _proof_message_context(session, asked, policy, now), proof.valid_until, now
    )
    with session.begin_nested() as stored:
        outbox.queue_message(session, draft, now, key)
        if asked.customer is None or unwanted or held:
            stored.rollback()
    detail = f"{asked.medium} held" if held else asked.medium
    audit_log.record_act(
        session,
        audit_log.CUSTOMER,
        AuditAct.PROOF_SEND,
        now,
        customer_id=asked.owner,
        detail=detail,
    )


def create_text_page_number(
    session: Session, phone: str, policy: Policy, now: datetime
) -> str | None:
    """A page number to answer a customer's own text with; none for who has had theirs, and for a
    phone (E.164) that we do not know."""
    asked = lock_page_number_request(session, phone, TEXT, policy, now)
    if asked.customer is None or page_number_limits.is_quota_used_up(
        session, asked.forms, page_number_limits.TEXT, now
    ):
        return None
    _close_open_proofs(session, asked, now)
    _, number, _ = _create_proof(session, asked, page_number_limits.TEXT, now)
    audit_log.record_act(
        session,
        audit_log.CUSTOMER,
        AuditAct.PROOF_SEND,
        now,
        customer_id=asked.owner,
        detail="answer",
    )
    return number


def _close_open_proofs(
    session: Session, asked: PageNumberRequest, now: datetime, *, unless: bool = False
) -> None:
    """An older page number is good no more, ``unless`` none comes in its place."""
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
    """A new row, its number, and the key that it is sealed with. A row that is ``held`` opens
    nothing."""
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
    aloud = asked.medium == VOICE
    said = (
        text_templates.say_page_number(voice, number)
        if aloud
        else format_page_number_text(voice, number)
    )
    return outbox.NewMessage(
        customer_id=asked.owner or new_id(),
        kind=message_kinds.PAGE_NUMBER,
        to=asked.phone,
        body=said,
        due_at=now,
        expires_at=until,
        priority=Priority.ASKED,
        medium=asked.medium,
        decent=asked.decent if aloud else None,
    )


def format_page_number_text(voice: MessageContext, number: str) -> str:
    """The text that carries a page number."""
    return text_templates.text_page_number(voice, codes.format_code(number))


def verify_page_number(
    session: Session,
    phone: str,
    number: str,
    now: datetime,
    noted: Callable[[], bool] = lambda: True,
) -> UUID | None:
    """The customer who holds the phone (E.164), or nobody: the number is wrong, used, too old, or
    has had its three tries, or it was asked for on the web while too many guess there. The try
    counts, so the caller commits whatever the answer. ``noted`` says of a failed try whether it is
    the first of its kind; of others where there was nothing to try the entry is not kept."""
    given = codes.normalise_code(number, DIGITS)
    if given is None:
        return None
    proof = _lock_open_proof(
        session, keyring.current_keyring(session).compute_search_forms("phone", phone)
    )
    kept = ProofIntegrity(session, proof, phone)
    owner = proof.customer_id if proof and kept.holds else None
    fits = codes.codes_match(
        _expected_page_number(session, proof if kept.holds else None, owner), given
    )
    bound = page_number_limits.is_guess_limit_reached(session, now)
    alive = (
        proof is not None
        and proof.tries < MAX_TRIES
        and now < proof.valid_until
        and (not bound or proof.asked_by == page_number_limits.TEXT)
        and kept.is_usable(MAX_TRIES)
    )
    right = alive and fits and owner is not None
    kept.count_proof_attempt(alive=alive, right=right)
    _store_proof_attempt(session, proof, kept, alive, right, now)
    done = AuditAct.PROOF_USE if right else AuditAct.PROOF_FAIL if alive else AuditAct.PROOF_IGNORE
    entry = attempt_log.AttemptEntry(audit_log.CUSTOMER, done, customer_id=owner)
    attempt_log.write_attempt_entry(session, entry, now, kept=right or noted() or alive)
    return owner if right else None


def _lock_open_proof(session: Session, forms: Sequence[bytes]) -> NumberProof | None:
    """The one proof of a phone that is not closed, locked: tries at it queue up (rule C4)."""
    return session.exec(
        select(NumberProof)
        .where(col(NumberProof.phone_index).in_(forms), col(NumberProof.closed_at).is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def _expected_page_number(session: Session, proof: NumberProof | None, owner: UUID | None) -> str:
    """What the proof's phone was told; where nobody was told anything, a number all the same."""
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
    """Count a try at a proof that is locked; close what has been used, or has had its last."""
    tried = (proof.tries if proof else 0) + alive
    closes = right or tried >= MAX_TRIES
    changed = {
        "tries": tried,
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
