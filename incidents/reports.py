"""Reports of unexpected calls: taken from anybody, read by investigators."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.cases import seeing
from incidents.models import Report
from people import customers
from people.errors import InvalidInput
from storage.types import new_id
from vault import audit, keyring

KNEW = ("name", "phone", "ticket", "product", "address", "other")
SAID_LIMIT, NUMBER_LIMIT = 1000, 40
REPORT, REFUSED = "report", "refused"
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Told:
    """What somebody reports. ``phone`` is the called number in E.164; ``proven`` says that the
    report came signed from that number; ``knew`` is of :data:`KNEW`. ``kind`` is ``refused`` for a
    booked call, ``callback_id``, that its customer did not ask for."""

    phone: str
    channel: str
    proven: bool = False
    called_at: datetime | None = None
    shown_number: str = ""
    said: str = ""
    knew: Sequence[str] = ()
    kind: str = REPORT
    callback_id: UUID | None = None


def file(session: Session, told: Told, now: datetime) -> str:
    """Keep a report; gives its reference. Raises ``InvalidInput``."""
    _require_sense(told, now)
    ring, row = keyring.of(session), new_id()
    customer = customers.find_by_phone(session, told.phone)
    reference = "R" + "".join(secrets.choice(_LETTERS) for _ in range(7))

    def kept(column: str, value: str) -> bytes:
        return ring.seal_for(keyring.REPORTS, f"report.{column}:{row}", value)

    session.add(
        Report(
            id=row,
            reference=reference,
            kind=told.kind,
            callback_id=told.callback_id,
            at=now,
            channel=told.channel,
            proven=told.proven,
            phone_index=ring.blind_index("phone", told.phone),
            customer_id=customer.id if customer else None,
            phone=kept("phone", told.phone),
            called_at=told.called_at,
            shown_number=kept("shown_number", told.shown_number),
            said=kept("said", told.said),
            knew=kept("knew", ",".join(k for k in KNEW if k in told.knew)),
        )
    )
    session.flush()
    audit.record(
        session,
        audit.CUSTOMER,
        "report.file",
        now,
        customer_id=customer.id if customer else None,
        callback_id=told.callback_id,
        detail=f"{reference} {told.channel} {told.kind}",
    )
    return reference


def _require_sense(told: Told, now: datetime) -> None:
    if told.called_at is not None and told.called_at > now + timedelta(minutes=5):
        raise InvalidInput("called_at", "Choose the time of the call. It cannot be in the future.")
    if len(told.said) > SAID_LIMIT:
        raise InvalidInput("said", f"Use at most {SAID_LIMIT} characters.")
    if len(told.shown_number) > NUMBER_LIMIT:
        raise InvalidInput("shown_number", f"Use at most {NUMBER_LIMIT} characters.")
    if "\x00" in told.said + told.shown_number:
        raise InvalidInput("said", "Remove the characters that cannot be shown.")


@dataclass(frozen=True)
class Read:
    """A report in plain, for an investigator."""

    reference: str
    kind: str
    at: datetime
    channel: str
    proven: bool
    known_customer: bool
    called_at: datetime | None
    shown_number: str
    said: str
    knew: tuple[str, ...]


def latest(
    session: Session, investigator: audit.Actor, now: datetime, limit: int = 100
) -> list[Read]:
    """The latest reports, newest first, each reading written down. Without names and numbers of
    those who reported: an investigator sees a customer within a case only; without reports that
    are evidence of a case that names the reader."""
    hidden = seeing.hidden_ids(session, "report", investigator.staff_id)
    rows = session.exec(
        select(Report)
        .where(col(Report.id).not_in(hidden))
        .order_by(col(Report.id).desc())
        .limit(limit)
    ).all()
    readings = [(row.customer_id, None) for row in rows if row.customer_id]
    audit.record_many(session, investigator, "report.read", now, about=readings, purpose="triage")
    return [plain(session, row) for row in rows]


def plain(session: Session, row: Report) -> Read:
    """A report in plain. The caller has written the audit entry."""
    ring = keyring.of(session)

    def opened(column: str, value: bytes) -> str:
        if not value:  # erased
            return ""
        return ring.open_for(keyring.REPORTS, f"report.{column}:{row.id}", value)

    knew = opened("knew", row.knew)
    return Read(
        reference=row.reference,
        kind=row.kind,
        at=row.at,
        channel=row.channel,
        proven=row.proven,
        known_customer=row.customer_id is not None,
        called_at=row.called_at,
        shown_number=opened("shown_number", row.shown_number),
        said=opened("said", row.said),
        knew=tuple(knew.split(",")) if knew else (),
    )
