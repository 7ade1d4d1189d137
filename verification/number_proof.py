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
from messaging.text_templates import Voice
from people import attempt_log
from people.models import NumberProof
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import field_encryption, keyring
from verification import codes, page_number_limits, proof_mac
from verification.page_number_limits import DIGITS, GOOD_FOR, MAX_AN_HOUR, MAX_TRIES
from verification.page_number_requests import Asked, asked_for, may_be_sent
from verification.proof_mac import Kept

__all__ = [
    "DIGITS",
    "GOOD_FOR",
    "MAX_AN_HOUR",
    "MAX_TRIES",
    "for_text",
    "in_words",
    "prove",
    "send",
]
_TABLE = "number_proof"
_NO_ROW = new_id()
_DECOY_SECRET = field_encryption.DECOY.seal(_TABLE, "secret", _NO_ROW, codes.new_secret())


def send(session: Session, phone: str, medium: str, policy: Policy, now: datetime) -> None:
    """Send a page number to a phone (E.164), as a text or spoken (``medium``); spoken in any case
    to what is known to be a landline.

    Whoever asks learns nothing by it: not whether we know the number, nor that it has had its
    share, nor that it is night there. The latest that was sent is the one that counts, and there
    is never more than one.
    """
    asked = asked_for(session, phone, medium, policy, now)
    if page_number_limits.enough(session, asked.forms, page_number_limits.WEB, now):
        return
    held = not may_be_sent(session, asked, now)
    _close(session, asked, now, unless=held)
    by = page_number_limits.HELD if held else page_number_limits.WEB
    proof, number, key = _made(session, asked, by, now)
    unwanted = opt_outs.is_out(session, phone) and asked.medium == TEXT
    draft = _written(asked, number, _voice(session, asked, policy, now), proof.valid_until, now)
    with session.begin_nested() as stored:
        outbox.put(session, draft, now, key)
        if asked.customer is None or unwanted or held:
            stored.rollback()
    detail = f"{asked.medium} held" if held else asked.medium
    audit_log.record(
        session,
        audit_log.CUSTOMER,
        AuditAct.PROOF_SEND,
        now,
        customer_id=asked.owner,
        detail=detail,
    )


def for_text(session: Session, phone: str, policy: Policy, now: datetime) -> str | None:
    """A page number to answer a customer's own text with; none for who has had theirs, and for a
    phone (E.164) that we do not know."""
    asked = asked_for(session, phone, TEXT, policy, now)
    if asked.customer is None or page_number_limits.enough(
        session, asked.forms, page_number_limits.TEXT, now
    ):
        return None
    _close(session, asked, now)
    _, number, _ = _made(session, asked, page_number_limits.TEXT, now)
    audit_log.record(
        session,
        audit_log.CUSTOMER,
        AuditAct.PROOF_SEND,
        now,
        customer_id=asked.owner,
        detail="answer",
    )
    return number


def _close(session: Session, asked: Asked, now: datetime, *, unless: bool = False) -> None:
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


def _made(
    session: Session, asked: Asked, by: str, now: datetime
) -> tuple[NumberProof, str, field_encryption.FieldKey]:
    """A new row, its number, and the key that it is sealed with. A row that is ``held`` opens
    nothing."""
    row, secret = new_id(), codes.new_secret()
    key = field_encryption.data_key_or_decoy(session, asked.owner)
    sealed = key.seal(_TABLE, "secret", row, secret)
    held = by == page_number_limits.HELD
    proof = NumberProof(
        id=row,
        phone_index=asked.forms[0],
        customer_id=asked.owner,
        secret=sealed if asked.owner and not held else None,
        counter=0,
        made_at=now,
        valid_until=now + GOOD_FOR,
        closed_at=now if held else None,
        asked_by=by,
    )
    proof_mac.bind(session, proof, asked.phone)
    session.add(proof)
    session.flush()
    return proof, codes.at(secret, proof.counter, DIGITS), key


def _voice(session: Session, asked: Asked, policy: Policy, now: datetime) -> Voice:
    if asked.customer is None:
        return policy.voice()
    return callback_notifier.voice_of(session, asked.customer, policy, now)


def _written(
    asked: Asked, number: str, voice: Voice, until: datetime, now: datetime
) -> outbox.Draft:
    aloud = asked.medium == VOICE
    said = text_templates.page_number_spoken(voice, number) if aloud else in_words(voice, number)
    return outbox.Draft(
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


def in_words(voice: Voice, number: str) -> str:
    """The text that carries a page number."""
    return text_templates.page_number(voice, codes.grouped(number))


def prove(
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
    given = codes.normal(number, DIGITS)
    if given is None:
        return None
    proof = _open(session, keyring.of(session).forms("phone", phone))
    kept = Kept(session, proof, phone)
    owner = proof.customer_id if proof and kept.holds else None
    fits = codes.fits(_number(session, proof if kept.holds else None, owner), given)
    bound = page_number_limits.bound_reached(session, now)
    alive = (
        proof is not None
        and proof.tries < MAX_TRIES
        and now < proof.valid_until
        and (not bound or proof.asked_by == page_number_limits.TEXT)
        and kept.is_good(MAX_TRIES)
    )
    right = alive and fits and owner is not None
    kept.count(alive=alive, right=right)
    _count(session, proof, kept, alive, right, now)
    done = AuditAct.PROOF_USE if right else AuditAct.PROOF_FAIL if alive else AuditAct.PROOF_IGNORE
    entry = attempt_log.Entry(audit_log.CUSTOMER, done, customer_id=owner)
    attempt_log.write(session, entry, now, kept=right or noted() or alive)
    return owner if right else None


def _open(session: Session, forms: Sequence[bytes]) -> NumberProof | None:
    """The one proof of a phone that is not closed, locked: tries at it queue up (rule C4)."""
    return session.exec(
        select(NumberProof)
        .where(col(NumberProof.phone_index).in_(forms), col(NumberProof.closed_at).is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def _number(session: Session, proof: NumberProof | None, owner: UUID | None) -> str:
    """What the proof's phone was told; where nobody was told anything, a number all the same."""
    key = field_encryption.data_key_or_decoy(session, owner)
    if proof is None or proof.secret is None:
        return codes.at(
            field_encryption.DECOY.open(_TABLE, "secret", _NO_ROW, _DECOY_SECRET), 0, DIGITS
        )
    return codes.at(key.open(_TABLE, "secret", proof.id, proof.secret), proof.counter, DIGITS)


def _count(
    session: Session,
    proof: NumberProof | None,
    kept: Kept,
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
        .where(col(NumberProof.id) == (proof.id if proof else _NO_ROW))
        .values(**changed, bound=kept.rebound(changed))
    )
    on_the_web = proof is not None and proof.asked_by == page_number_limits.WEB
    page_number_limits.note_wrong(session, int(alive and on_the_web and not right), now)
