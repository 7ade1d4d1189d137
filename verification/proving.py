"""A customer proves that they hold a number: by a one-time *page number*, sent to it.

It opens the customer's own page and nothing else. It is no check number, and a check number is no
page number: their secrets are apart, and each is looked for in its own table. A number that we do
not know costs the same work as one that we do, down to the text that is stored and taken back, so
that neither answer nor time tells who is a customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select, update

from messaging import lines, optouts, outbox, wording
from messaging.gateways.base import TEXT, VOICE
from messaging.models import Priority
from messaging.wording import Voice
from people import numbers
from people.models import Customer, NumberProof
from scheduling import telling
from scheduling.policy import Policy
from storage import turns
from storage.types import new_id
from vault import audit, fields, keyring
from vault.acts import AuditAct
from verification import codes, proof_mac
from verification.proof_mac import Kept

DIGITS = 6
GOOD_FOR = timedelta(minutes=10)
MAX_TRIES = 5
MAX_AN_HOUR = 3
_TABLE = "number_proof"
_NO_ROW = new_id()
_DECOY_SECRET = fields.DECOY.seal(_TABLE, "secret", _NO_ROW, codes.new_secret())


@dataclass(frozen=True)
class _Asked:
    """A number somebody wants to prove, and whose it is, if anybody's."""

    phone: str
    index: bytes
    customer: Customer | None
    medium: str

    @property
    def owner(self) -> UUID | None:
        return self.customer.id if self.customer else None


def send(session: Session, phone: str, medium: str, policy: Policy, now: datetime) -> None:
    """Send a page number to a phone (E.164), as a text or spoken (``medium``); spoken in any case
    to what is known to be a landline.

    Whoever asks learns nothing by it: not whether we know the number, nor that it has had its
    three of the hour. The latest is the one that counts, and there is never more than one.
    """
    ring = keyring.of(session)
    turns.take(session, ring.unchanging("phone", phone))
    forms = ring.forms("phone", phone)
    if _lately(session, forms, now) >= MAX_AN_HOUR:
        return
    session.exec(
        update(NumberProof)
        .where(col(NumberProof.phone_index).in_(forms), col(NumberProof.closed_at).is_(None))
        .values(closed_at=now, secret=None, bound=None)
    )
    if lines.known(session, phone, now) == lines.LANDLINE:
        medium = VOICE
    asked = _Asked(phone, forms[0], numbers.holder(session, phone, now), medium)
    _hand_out(session, asked, policy, now)
    audit.record(
        session, audit.CUSTOMER, AuditAct.PROOF_SEND, now, customer_id=asked.owner, detail=medium
    )


def _lately(session: Session, forms: Sequence[bytes], now: datetime) -> int:
    return session.exec(
        select(func.count()).where(
            col(NumberProof.phone_index).in_(forms),
            col(NumberProof.made_at) > now - timedelta(hours=1),
        )
    ).one()


def _hand_out(session: Session, asked: _Asked, policy: Policy, now: datetime) -> None:
    row, secret = new_id(), codes.new_secret()
    key = fields.data_key_or_decoy(session, asked.owner)
    sealed = key.seal(_TABLE, "secret", row, secret)
    proof = NumberProof(
        id=row,
        phone_index=asked.index,
        customer_id=asked.owner,
        secret=sealed if asked.owner else None,
        counter=0,
        made_at=now,
        valid_until=now + GOOD_FOR,
    )
    proof_mac.bind(session, proof, asked.phone)
    session.add(proof)
    session.flush()
    number = codes.at(secret, proof.counter, DIGITS)
    unwanted = optouts.is_out(session, asked.phone) and asked.medium == TEXT
    draft = _written(asked, number, _voice(session, asked, policy, now), proof.valid_until, now)
    with session.begin_nested() as stored:
        outbox.put(session, draft, now, key)
        if asked.customer is None or unwanted:
            stored.rollback()


def _voice(session: Session, asked: _Asked, policy: Policy, now: datetime) -> Voice:
    if asked.customer is None:
        return policy.voice()
    return telling.voice_of(session, asked.customer, policy, now)


def _written(
    asked: _Asked, number: str, voice: Voice, until: datetime, now: datetime
) -> outbox.Draft:
    say = wording.page_number_spoken if asked.medium == VOICE else wording.page_number
    return outbox.Draft(
        customer_id=asked.owner or new_id(),
        kind="proof",
        to=asked.phone,
        body=say(voice, number),
        due_at=now,
        expires_at=until,
        priority=Priority.ANSWER,
        medium=asked.medium,
    )


def prove(session: Session, phone: str, number: str, now: datetime) -> UUID | None:
    """The customer who holds the phone (E.164), or nobody: the number is wrong, used, too old, or
    has had its five tries. The try counts, so the caller commits whatever the answer."""
    given = codes.normal(number, DIGITS)
    if given is None:
        return None
    proof = _open(session, keyring.of(session).forms("phone", phone))
    kept = Kept(session, proof, phone)
    owner = proof.customer_id if proof and kept.holds else None
    fits = codes.fits(_number(session, proof if kept.holds else None, owner), given)
    alive = proof is not None and proof.tries < MAX_TRIES and now < proof.valid_until
    alive = alive and kept.is_good(MAX_TRIES)
    right = alive and fits and owner is not None
    kept.count(alive=alive, right=right)
    _count(session, proof, kept, alive, right, now)
    done = AuditAct.PROOF_USE if right else AuditAct.PROOF_FAIL if alive else AuditAct.PROOF_IGNORE
    audit.record(session, audit.CUSTOMER, done, now, customer_id=owner)
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
    key = fields.data_key_or_decoy(session, owner)
    if proof is None or proof.secret is None:
        return codes.at(fields.DECOY.open(_TABLE, "secret", _NO_ROW, _DECOY_SECRET), 0, DIGITS)
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
    tries = (proof.tries if proof else 0) + alive
    closes = right or tries >= MAX_TRIES
    changed = {
        "tries": tries,
        "closed_at": now if closes else None,
        "secret": proof.secret if proof and not closes else None,
    }
    session.exec(
        update(NumberProof)
        .where(col(NumberProof.id) == (proof.id if proof else _NO_ROW))
        .values(**changed, bound=kept.rebound(changed))
    )
