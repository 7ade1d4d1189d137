"""The simulator: texts arrive on phones shown in the browser, for trying out and for tests."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from messaging.gateways.base import Letter, Unavailable
from messaging.models import DemoText
from storage.session import StoreUnavailable, transaction
from storage.types import new_id
from vault import keyring
from vault.keyring import Keyring


class Simulator:
    """A gateway that keeps what it is given in the store, sealed like everything else."""

    name = "simulator"

    def __init__(self, engine: Engine, ring: Keyring) -> None:
        self._engine = engine
        self._ring = ring

    def send(self, letter: Letter, now: datetime) -> str:
        try:
            with transaction(self._engine, info=keyring.carried(self._ring)) as session:
                row = keep(session, letter.to, letter.body, now, outgoing=False)
                row.reference = letter.reference
                session.add(row)
                return f"demo-{row.id}"
        except StoreUnavailable as error:
            raise Unavailable from error

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


def texts(session: Session, phone: str | None = None, limit: int = 200) -> list[dict[str, str]]:
    """The latest texts in plain, oldest first: of one phone, or of all."""
    ring = keyring.of(session)
    statement = select(DemoText).order_by(col(DemoText.id).desc()).limit(limit)
    if phone is not None:
        statement = statement.where(col(DemoText.phone_index) == ring.blind_index("phone", phone))
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
