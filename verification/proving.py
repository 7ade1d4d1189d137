"""A customer proves that they hold a number: by a one-time *page number*, sent to it.

It opens the customer's own page and nothing else. It is no check number, and a check number is no
page number: their secrets are apart, and each is looked for in its own table.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select, update

from messaging import optouts, outbox, wording
from messaging.models import Priority
from people import customers
from people.models import Customer, NumberProof
from scheduling import telling
from scheduling.policy import Policy
from storage.types import new_id
from vault import audit, fields, keyring
from verification import codes

DIGITS = 6
GOOD_FOR = timedelta(minutes=10)
MAX_TRIES = 5
MAX_AN_HOUR = 3


def send(session: Session, phone: str, medium: str, policy: Policy, now: datetime) -> None:
    """Send a page number to a phone (E.164), as a text or spoken (``medium``).

    Whoever asks learns nothing by it: not whether we know the number, nor that it has had its
    three of the hour. The latest is the one that counts.
    """
    index = keyring.of(session).blind_index("phone", phone)
    if _lately(session, index, now) >= MAX_AN_HOUR:
        return
    session.exec(
        update(NumberProof)
        .where(col(NumberProof.phone_index) == index, col(NumberProof.closed_at).is_(None))
        .values(closed_at=now, secret=None)
    )
    customer = customers.find_by_phone(session, phone)
    proof = NumberProof(
        id=new_id(),
        phone_index=index,
        customer_id=customer.id if customer else None,
        made_at=now,
        valid_until=now + GOOD_FOR,
    )
    session.add(proof)
    session.flush()
    if customer is not None and (medium == "voice" or not optouts.is_out(session, phone)):
        _hand_out(session, customer, proof, phone, medium, policy, now)


def _lately(session: Session, index: bytes, now: datetime) -> int:
    return session.exec(
        select(func.count()).where(
            col(NumberProof.phone_index) == index,
            col(NumberProof.made_at) > now - timedelta(hours=1),
        )
    ).one()


def _hand_out(
    session: Session,
    customer: Customer,
    proof: NumberProof,
    phone: str,
    medium: str,
    policy: Policy,
    now: datetime,
) -> None:
    secret = codes.new_secret()
    key = fields.data_key(session, customer.id)
    proof.secret = key.seal("number_proof", "secret", proof.id, secret)
    session.add(proof)
    voice = telling.voice_of(session, customer, policy, now)
    number = codes.at(secret, proof.counter, DIGITS)
    say = wording.page_number_spoken if medium == "voice" else wording.page_number
    outbox.put(
        session,
        outbox.Draft(
            customer_id=customer.id,
            kind="proof",
            to=phone,
            body=say(voice, number),
            due_at=now,
            expires_at=proof.valid_until,
            priority=Priority.ANSWER,
            medium=medium,
        ),
        now,
    )
    audit.record(session, audit.CUSTOMER, "proof.send", now, customer_id=customer.id, detail=medium)


def prove(session: Session, phone: str, number: str, now: datetime) -> UUID | None:
    """The customer who holds the phone (E.164), or nobody: the number is wrong, used, too old, or
    has had its five tries. The try counts, so the caller commits whatever the answer."""
    index = keyring.of(session).blind_index("phone", phone)
    proof = session.exec(
        select(NumberProof)
        .where(col(NumberProof.phone_index) == index, col(NumberProof.closed_at).is_(None))
        .order_by(col(NumberProof.id).desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    given = codes.normal(number, DIGITS)
    if proof is None or given is None or proof.tries >= MAX_TRIES or now >= proof.valid_until:
        return None
    proof.tries += 1
    right = _is_right(session, proof, given)
    if right or proof.tries >= MAX_TRIES:
        proof.closed_at, proof.secret = now, None
    session.add(proof)
    session.flush()
    if proof.customer_id is not None:
        done = "proof.use" if right else "proof.fail"
        audit.record(session, audit.CUSTOMER, done, now, customer_id=proof.customer_id)
    return proof.customer_id if right else None


def _is_right(session: Session, proof: NumberProof, given: str) -> bool:
    if proof.customer_id is None or proof.secret is None:
        return False
    key = fields.data_key(session, proof.customer_id)
    secret = key.open("number_proof", "secret", proof.id, proof.secret)
    return codes.fits(codes.at(secret, proof.counter, DIGITS), given)
