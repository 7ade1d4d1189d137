"""The simulator: texts arrive on phones shown in the browser, for trying out and for tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from messaging.models import DemoLine, DemoText
from messaging.providers.base import VOICE, Letter, OutcomeUnknown, Rejected, Unavailable
from messaging.providers.simulator import phone_modes
from messaging.providers.simulator.phone_modes import Mode
from storage.column_types import new_id
from storage.session import StoreUnavailable, transaction
from vault.keys import keyring
from vault.keys.keyring import Keyring


class Simulator:
    """A gateway that keeps what it is given in the store, sealed like everything else."""

    name = "simulator"

    def __init__(self, engine: Engine, ring: Keyring) -> None:
        self._engine = engine
        self._ring = ring

    def send(self, letter: Letter, now: datetime) -> str:
        try:
            with transaction(self._engine, info=keyring.carried(self._ring)) as session:
                line = phone_modes.of(session, letter.to)
                if line is not None and _refused(line, letter):
                    raise _REFUSALS[Mode(line.mode)]()
                taken = _take(session, letter, line, now)
        except StoreUnavailable as error:
            raise Unavailable from error
        if line is not None and line.mode == Mode.UNSURE:
            raise OutcomeUnknown  # as if the provider's answer had been lost
        return taken

    def find(self, letter: Letter) -> str | None:
        try:
            with transaction(self._engine, read_only=True) as session:
                row = session.exec(
                    select(DemoText).where(col(DemoText.reference) == letter.reference)
                ).first()
                return f"demo-{row.id}" if row else None
        except StoreUnavailable as error:
            raise Unavailable from error

    def line_kind(self, phone: str) -> str:  # noqa: ARG002 (the protocol's)
        return "mobile"


_REFUSALS: dict[Mode, Callable[[], Exception]] = {
    Mode.LANDLINE: lambda: Rejected("landline"),
    Mode.OPTED_OUT: lambda: Rejected("opted_out"),
    Mode.DOWN: Unavailable,
}


def _refused(line: DemoLine, letter: Letter) -> bool:
    """A landline can be rung, and so can who wants no texts."""
    return line.mode == Mode.DOWN or (line.mode in _REFUSALS and letter.medium != VOICE)


def _take(session: Session, letter: Letter, line: DemoLine | None, now: datetime) -> str:
    body = f"☎ {letter.body}" if letter.medium == VOICE else letter.body
    row = keep(session, letter.to, body, phone_modes.arrival(line, now), outgoing=False)
    row.reference = letter.reference
    session.add(row)
    phone_modes.report(session, line, f"demo-{row.id}", now)
    return f"demo-{row.id}"


def keep(session: Session, phone: str, body: str, now: datetime, *, outgoing: bool) -> DemoText:
    """Put a text on a simulated phone; ``outgoing`` is from the phone's owner to us."""
    ring, row = keyring.of(session), new_id()
    kept = DemoText(
        id=row,
        phone=ring.seal_for(keyring.DEMO, f"demo_text.phone:{row}", phone),
        phone_index=ring.blind_index("phone", phone),
        outgoing=outgoing,
        body=ring.seal_for(keyring.DEMO, f"demo_text.body:{row}", body),
        at=now,
    )
    session.add(kept)
    session.flush()
    return kept


def texts(
    session: Session, now: datetime, phone: str | None = None, limit: int = 200
) -> list[dict[str, str]]:
    """The latest texts that have arrived, in plain, oldest first: of one phone, or of all."""
    ring = keyring.of(session)
    statement = select(DemoText).where(col(DemoText.at) <= now)
    statement = statement.order_by(col(DemoText.at).desc(), col(DemoText.id).desc()).limit(limit)
    if phone is not None:
        statement = statement.where(col(DemoText.phone_index).in_(ring.forms("phone", phone)))
    rows = list(session.exec(statement))
    rows.reverse()
    return [
        {
            "id": str(row.id),
            "direction": "from_phone" if row.outgoing else "to_phone",
            "phone": ring.open_for(keyring.DEMO, f"demo_text.phone:{row.id}", row.phone),
            "body": ring.open_for(keyring.DEMO, f"demo_text.body:{row.id}", row.body),
            "at": row.at.isoformat(),
        }
        for row in rows
    ]
