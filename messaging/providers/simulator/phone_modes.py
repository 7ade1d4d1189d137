"""How texts arrive on the simulator's phones, so that every case can be tried."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, delete, select

from messaging import delivery_reports, line_types, opt_outs
from messaging.models import SimulatorPhoneMode
from vault.keys import keyring

MAX_DELAY_SECONDS = 600
_NEVER = timedelta(days=36_500)


class SimulatorMode(StrEnum):
    """What a phone does with texts."""

    AT_ONCE = "at_once"
    LATE = "late"
    LANDLINE = "landline"
    OFF = "off"
    OPTED_OUT = "opted_out"
    DOWN = "down"
    UNSURE = "unsure"


#: The simulator's error codes in delivery reports, as our own reasons.
DELIVERY_ERRORS = {30003: "unreachable"}
#: The provider's report on an accepted text, with its error code.
_REPORTS = {
    SimulatorMode.AT_ONCE: ("delivered", None),
    SimulatorMode.LATE: ("sent", None),
    SimulatorMode.OFF: ("undelivered", 30003),
    SimulatorMode.UNSURE: ("delivered", None),
}


def set_simulator_mode(
    session: Session, phone: str, mode: SimulatorMode, seconds: int, now: datetime
) -> None:
    """Set how texts arrive on a phone (E.164); ``seconds`` is the delay, at most ten minutes.

    Delete the stored opt-out and line type of the number, so that the new mode takes effect.
    """
    line_types.forget_line_type(session, phone)
    opt_outs.record_opt_in(session, phone, now)
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    session.exec(delete(SimulatorPhoneMode).where(col(SimulatorPhoneMode.phone_index).in_(forms)))
    late = min(max(seconds, 0), MAX_DELAY_SECONDS)
    session.add(SimulatorPhoneMode(phone_index=forms[0], mode=mode, seconds=late))
    session.flush()


def find_simulator_mode(session: Session, phone: str) -> SimulatorPhoneMode | None:
    """Return how texts arrive on a phone, if it was set."""
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    return session.exec(
        select(SimulatorPhoneMode).where(col(SimulatorPhoneMode.phone_index).in_(forms))
    ).first()


def simulated_arrival(line: SimulatorPhoneMode | None, now: datetime) -> datetime:
    """Return when a text accepted now arrives on the phone."""
    if line is None or line.mode not in (SimulatorMode.LATE, SimulatorMode.OFF):
        return now
    if line.mode == SimulatorMode.OFF:
        return now + _NEVER
    return now + timedelta(seconds=line.seconds)


def report_simulated_delivery(
    session: Session, line: SimulatorPhoneMode | None, provider_id: str, now: datetime
) -> None:
    """Record the outcome of a text, as the provider's webhook would."""
    if line is not None and (report := _REPORTS.get(SimulatorMode(line.mode))):
        delivery_reports.record_delivery_report(session, provider_id, *report, now)
