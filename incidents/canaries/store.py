"""Which customers are canaries: kept sealed, and read whole, so that no look at a customer goes by
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

#: Sealed batches are as long as the next multiple of this, in characters.
PADDING_LENGTH = 8192


@dataclass(frozen=True)
class Canary:
    """One canary by its ``number``. ``phone`` (E.164) is the company's own; ``customer_id`` is none
    until it has come in with an import, and until then the rest is what it will be called.
    ``planted`` are callbacks through which staff are meant to meet it."""

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
    """All canaries there are, found by what somebody may have met."""

    canaries: tuple[Canary, ...]

    @property
    def by_customer(self) -> dict[UUID, Canary]:
        return {canary.customer_id: canary for canary in self.canaries if canary.customer_id}

    @property
    def by_phone(self) -> dict[str, Canary]:
        return {canary.phone: canary for canary in self.canaries}

    @property
    def planned(self) -> list[Canary]:
        """Those that are to come in with the next import."""
        return [canary for canary in self.canaries if canary.customer_id is None]


def load_canaries(session: Session) -> CanarySet:
    """Every canary. Raises what the vault raises."""
    rows = session.exec(select(CanaryBatch)).all()
    return CanarySet(tuple(item for row in rows for item in _open_canary_batch(session, row)))


def save_canary_batch(session: Session, batch: Sequence[Canary]) -> None:
    """Keep new canaries."""
    row = CanaryBatch()
    row.kept = _seal_canary_batch(session, row.id, batch)
    session.add(row)
    session.flush()


def update_canaries(session: Session, changed: Iterable[Canary]) -> None:
    """Keep canaries that are known by their numbers as they are now."""
    wanted = {item.number: item for item in changed}
    if not wanted:
        return
    for row in session.exec(select(CanaryBatch).with_for_update()).all():
        before = _open_canary_batch(session, row)
        after = [wanted.get(item.number, item) for item in before]
        if after != before:
            row.kept = _seal_canary_batch(session, row.id, after)
            session.add(row)
    session.flush()


def reseal_canary_batches(session: Session) -> None:
    """Write all of them anew, so that when a row was written says nothing."""
    for row in session.exec(select(CanaryBatch).with_for_update()).all():
        row.kept = _seal_canary_batch(session, row.id, _open_canary_batch(session, row))
        session.add(row)
    session.flush()


def link_imported_canaries(session: Session, found: CanarySet) -> CanarySet:
    """Find the customers of those that have come in since; what they are called is forgotten."""
    forms = keyring.current_keyring(session).compute_search_forms
    waiting = {form: item for item in found.planned for form in forms("phone", item.phone)}
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
    new = {item.number: item for item in come}
    return CanarySet(tuple(new.get(canary.number, canary) for canary in found.canaries))


def _seal_canary_batch(session: Session, row: UUID, batch: Sequence[Canary]) -> bytes:
    text = json.dumps([asdict(item) for item in batch], default=str, separators=(",", ":"))
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
