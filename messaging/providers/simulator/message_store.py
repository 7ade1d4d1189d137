"""Accepts messages for the simulated phones, and keeps them sealed in the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from messaging.models import SimulatorPhoneMode, SimulatorText
from messaging.providers.base import OutboundMessage, OutcomeUnknown, Rejected, Unavailable
from messaging.providers.simulator import phone_modes
from messaging.providers.simulator.phone_modes import SimulatorMode
from storage.column_types import new_id
from storage.session import StoreUnavailable, transaction
from vault.keys import keyring
from vault.keys.keyring import Keyring

_REFUSALS: dict[SimulatorMode, Callable[[], Exception]] = {
    SimulatorMode.LANDLINE: lambda: Rejected("landline"),
    SimulatorMode.OPTED_OUT: lambda: Rejected("opted_out"),
    SimulatorMode.DOWN: Unavailable,
}


class SimulatedMessages:
    """The messages to simulated phones: texts, or ``spoken`` ones."""

    def __init__(self, engine: Engine, ring: Keyring, *, spoken: bool = False) -> None:
        self._engine, self._ring, self._spoken = engine, ring, spoken

    def accept(self, letter: OutboundMessage, now: datetime) -> str:
        """Store a message as the phone's mode says; raise what a provider would raise."""
        try:
            with transaction(
                self._engine, info=keyring.keyring_session_info(self._ring)
            ) as session:
                mode = phone_modes.find_simulator_mode(session, letter.to)
                if mode is not None and self._is_refused(mode):
                    raise _REFUSALS[SimulatorMode(mode.mode)]()
                accepted = self._store(session, letter, mode, now)
        except StoreUnavailable as error:
            raise Unavailable from error
        if mode is not None and mode.mode == SimulatorMode.UNSURE:
            raise OutcomeUnknown  # simulates a lost response of the provider
        return accepted

    def find(self, letter: OutboundMessage) -> str | None:
        """Return the id of a stored message by our reference, or ``None``."""
        try:
            with transaction(self._engine, read_only=True) as session:
                row = session.exec(
                    select(SimulatorText).where(col(SimulatorText.reference) == letter.reference)
                ).first()
                return f"demo-{row.id}" if row else None
        except StoreUnavailable as error:
            raise Unavailable from error

    def _is_refused(self, mode: SimulatorPhoneMode) -> bool:
        """Return whether the phone refuses; calls reach landlines and numbers that opted out."""
        return mode.mode == SimulatorMode.DOWN or (mode.mode in _REFUSALS and not self._spoken)

    def _store(
        self,
        session: Session,
        letter: OutboundMessage,
        mode: SimulatorPhoneMode | None,
        now: datetime,
    ) -> str:
        body = f"☎ {letter.body}" if self._spoken else letter.body
        arrival = phone_modes.simulated_arrival(mode, now)
        row = store_simulated_text(session, letter.to, body, arrival, outgoing=False)
        row.reference = letter.reference
        session.add(row)
        phone_modes.report_simulated_delivery(session, mode, f"demo-{row.id}", now)
        return f"demo-{row.id}"


def store_simulated_text(
    session: Session, phone: str, body: str, now: datetime, *, outgoing: bool
) -> SimulatorText:
    """Store a text on a simulated phone; ``outgoing`` means from the phone's owner to us."""
    ring, row = keyring.current_keyring(session), new_id()
    text = SimulatorText(
        id=row,
        phone=ring.seal_for_purpose(keyring.DEMO, f"demo_text.phone:{row}", phone),
        phone_index=ring.compute_blind_index("phone", phone),
        outgoing=outgoing,
        body=ring.seal_for_purpose(keyring.DEMO, f"demo_text.body:{row}", body),
        at=now,
    )
    session.add(text)
    session.flush()
    return text


def list_simulated_texts(
    session: Session, now: datetime, phone: str | None = None, limit: int = 200
) -> list[dict[str, str]]:
    """Return the latest arrived texts, decrypted, oldest first, of one phone or of all."""
    ring = keyring.current_keyring(session)
    statement = select(SimulatorText).where(col(SimulatorText.at) <= now)
    statement = statement.order_by(
        col(SimulatorText.at).desc(), col(SimulatorText.id).desc()
    ).limit(limit)
    if phone is not None:
        statement = statement.where(
            col(SimulatorText.phone_index).in_(ring.compute_search_forms("phone", phone))
        )
    rows = list(session.exec(statement))
    rows.reverse()
    return [
        {
            "id": str(row.id),
            "direction": "from_phone" if row.outgoing else "to_phone",
            "phone": ring.open_for_purpose(keyring.DEMO, f"demo_text.phone:{row.id}", row.phone),
            "body": ring.open_for_purpose(keyring.DEMO, f"demo_text.body:{row.id}", row.body),
            "at": row.at.isoformat(),
        }
        for row in rows
    ]
