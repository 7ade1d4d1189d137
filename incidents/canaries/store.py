"""Storage of canaries: sealed, and loaded as a whole, so that no look-up of a customer takes
another path for a canary than for anybody else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.canaries.models import CanaryBatch
from people.models import Customer
from vault.keys import keyring

#: Sealed batches are padded to a multiple of this many characters.
PADDING_LENGTH = 8192


@dataclass(frozen=True)
class Canary:
    """A canary, identified by its ``number``.

    ``phone`` (E.164) belongs to the company. ``customer_id`` is ``None`` until the canary is
    imported; until then the other fields hold its planned data. ``planted`` are callbacks through
    which staff are meant to meet it.
    """

    number: int
    phone: str
    customer_id: UUID | None = None
    name: str = ""
    external_ref: str = ""
    locale: str = ""
    timezone: str = ""
    planted: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class CanarySet:
    """All canaries, with look-ups by customer and phone."""

    canaries: tuple[Canary, ...]

    @property
    def by_customer(self) -> dict[UUID, Canary]:
        return {canary.customer_id: canary for canary in self.canaries if canary.customer_id}

    @property
    def by_phone(self) -> dict[str, Canary]:
        return {canary.phone: canary for canary in self.canaries}

    @property
    def planned(self) -> list[Canary]:
        """Canaries that the next import will add."""
        return [canary for canary in self.canaries if canary.customer_id is None]


def load_canaries(session: Session) -> CanarySet:
    """Load every canary. Raises what the vault raises."""
    rows = session.exec(select(CanaryBatch)).all()
    return CanarySet(tuple(canary for row in rows for canary in _open_canary_batch(session, row)))


def save_canary_batch(session: Session, batch: Sequence[Canary]) -> None:
    """Store new canaries."""
    row = CanaryBatch()
    row.kept = _seal_canary_batch(session, row.id, batch)
    session.add(row)
    session.flush()


def update_canaries(session: Session, changed: Iterable[Canary]) -> None:
    """Store changed canaries, matched by number."""
    wanted = {canary.number: canary for canary in changed}
    if not wanted:
        return
    for row in session.exec(select(CanaryBatch).with_for_update()).all():
        before = _open_canary_batch(session, row)
        after = [wanted.get(canary.number, canary) for canary in before]
        if after != before:
            row.kept = _seal_canary_batch(session, row.id, after)
            session.add(row)
    session.flush()


def reseal_canary_batches(session: Session) -> None:
    """Rewrite all batches, so that the time of a write reveals nothing."""
    for row in session.exec(select(CanaryBatch).with_for_update()).all():
        row.kept = _seal_canary_batch(session, row.id, _open_canary_batch(session, row))
        session.add(row)
    session.flush()


def link_imported_canaries(session: Session, found: CanarySet) -> CanarySet:
    """Link planned canaries to the customers imported since, and drop their planned data."""
    forms = keyring.current_keyring(session).compute_search_forms
    waiting = {form: planned for planned in found.planned for form in forms("phone", planned.phone)}
    if not waiting:
        return found
    rows = session.exec(
        select(Customer.phone_index, Customer.id).where(col(Customer.phone_index).in_(waiting))
    ).all()
    come = [
        replace(waiting[phone], customer_id=who, name="", external_ref="", locale="", timezone="")
        for phone, who in rows
    ]
    update_canaries(session, come)
    new = {linked.number: linked for linked in come}
    return CanarySet(tuple(new.get(canary.number, canary) for canary in found.canaries))


def _seal_canary_batch(session: Session, row: UUID, batch: Sequence[Canary]) -> bytes:
    text = json.dumps([asdict(canary) for canary in batch], default=str, separators=(",", ":"))
    padded = text.ljust(-(-len(text) // PADDING_LENGTH) * PADDING_LENGTH)
    place = f"canary_batch.kept:{row}"
    return keyring.current_keyring(session).seal_for_purpose(keyring.CANARIES, place, padded)


def _open_canary_batch(session: Session, row: CanaryBatch) -> list[Canary]:
    place = f"canary_batch.kept:{row.id}"
    text = keyring.current_keyring(session).open_for_purpose(keyring.CANARIES, place, row.kept)
    return [_decode_canary(load) for load in json.loads(text)]


def _decode_canary(held: dict[str, Any]) -> Canary:
    who = held["customer_id"]
    return Canary(
        **held
        | {
            "customer_id": UUID(who) if who else None,
            "planted": tuple(map(UUID, held["planted"])),
        }
    )
