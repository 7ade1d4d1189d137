"""How texts arrive on the simulator's phones, so that every way it can go can be tried out."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, delete, select

from messaging import delivery_reports, line_types, opt_outs
from messaging.models import DemoLine
from vault.keys import keyring

MOST_SECONDS = 600
_NEVER = timedelta(days=36_500)


class Mode(StrEnum):
    """What a phone does with texts."""

    AT_ONCE = "at_once"
    LATE = "late"
    LANDLINE = "landline"
    OFF = "off"
    OPTED_OUT = "opted_out"
    DOWN = "down"
    UNSURE = "unsure"


#: What the provider reports of a text it took, with its error code.
_REPORTS = {
    Mode.AT_ONCE: ("delivered", None),
    Mode.LATE: ("sent", None),
    Mode.OFF: ("undelivered", 30003),
    Mode.UNSURE: ("delivered", None),
}


def choose(session: Session, phone: str, mode: Mode, seconds: int, now: datetime) -> None:
    """Set how texts arrive on a phone (E.164); ``seconds`` late, ten minutes at the most. What was
    learned of the number before is forgotten, so that the choice shows."""
    line_types.forget(session, phone)
    opt_outs.note_in(session, phone, now)
    forms = keyring.of(session).forms("phone", phone)
    session.exec(delete(DemoLine).where(col(DemoLine.phone_index).in_(forms)))
    late = min(max(seconds, 0), MOST_SECONDS)
    session.add(DemoLine(phone_index=forms[0], mode=mode, seconds=late))
    session.flush()


def of(session: Session, phone: str) -> DemoLine | None:
    """How texts arrive on a phone, where that was chosen."""
    forms = keyring.of(session).forms("phone", phone)
    return session.exec(select(DemoLine).where(col(DemoLine.phone_index).in_(forms))).first()


def arrival(line: DemoLine | None, now: datetime) -> datetime:
    """When a text taken now is on the phone."""
    if line is None or line.mode not in (Mode.LATE, Mode.OFF):
        return now
    if line.mode == Mode.OFF:
        return now + _NEVER
    return now + timedelta(seconds=line.seconds)


def report(session: Session, line: DemoLine | None, provider_id: str, now: datetime) -> None:
    """Say what became of a text, as the provider's webhook would."""
    if line is not None and (told := _REPORTS.get(Mode(line.mode))):
        delivery_reports.note(session, provider_id, *told, now)
