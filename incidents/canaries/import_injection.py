"""Canaries come in with an import of customers, scattered over it, so that neither their ids, nor
their times, nor the order of rows or audit entries tells them from the people around them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlmodel import Session

from incidents.canaries import store
from incidents.canaries.detections import Sign, What, tell
from incidents.canaries.store import Canary
from people import phone_numbers
from people.customer_import.line_reader import Source
from people.customer_import.record_reader import Record
from people.customers import customer_records
from people.errors import InvalidInput


def waiting(session: Session) -> list[Canary]:
    """Those that have not come in yet."""
    planned = store.known(session).planned
    return [each for each in planned if customer_records.find_by_phone(session, each.phone) is None]


def records(canaries: Iterable[Canary], line: int = 0) -> Iterator[Record]:
    """They as an import has its customers."""
    for each in canaries:
        yield Record(
            line,
            {
                "external_ref": each.external_ref,
                "phone": each.phone,
                "name": each.name,
                "locale": each.locale,
                "timezone": each.timezone,
            },
        )


def scattered(
    found: Iterable[Record], canaries: Sequence[Canary], source: Source, size: int
) -> Iterator[Record]:
    """The records of a source of so many bytes, with the canaries at random places among them."""
    left = max(1, size - source.position)
    places = sorted(source.position + secrets.randbelow(left) for _ in canaries)
    mixed = list(canaries)
    secrets.SystemRandom().shuffle(mixed)
    for record in found:
        while places and places[0] < source.position:
            places.pop(0)
            yield from records([mixed.pop()], record.line)
        yield record
    yield from records(mixed, source.line)


class Lookout:
    """Notices canaries in a file that somebody imports."""

    def __init__(self, session: Session, region: str) -> None:
        self._by_phone = store.known(session).by_phone
        self._region = region
        self._met: list[Canary] = []

    def over(self, found: Iterable[Record]) -> Iterator[Record]:
        """The records as they are."""
        for record in found:
            if self._by_phone:
                self._look(record.values.get("phone", ""))
            yield record

    def _look(self, written: str) -> None:
        try:
            canary = self._by_phone.get(phone_numbers.parse(written, self._region))
        except InvalidInput:
            return
        if canary is not None:
            self._met.append(canary)

    def tell(self, session: Session, source: str, now: datetime) -> None:
        """Raise a case of those that were in it; ``source`` names the import."""
        signs = [Sign(each, What.IMPORT, f"{source}:{each.number}", now) for each in self._met]
        tell(session, signs, now)
