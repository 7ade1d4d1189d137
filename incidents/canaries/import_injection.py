"""Adds canaries to an import of customers at random places, so that neither ids, nor times, nor the
order of rows or audit entries distinguish them from the customers around them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlmodel import Session

from incidents.canaries import store
from incidents.canaries.detections import CanaryDetection, DetectionKind, report_detections
from incidents.canaries.store import Canary
from people import phone_numbers
from people.customer_import.line_reader import LineReader
from people.customer_import.record_reader import FileRecord
from people.customers import customer_records
from people.errors import InvalidInput


def list_pending_canaries(session: Session) -> list[Canary]:
    """Return the planned canaries that have not been imported yet."""
    planned = store.load_canaries(session).planned
    return [
        canary
        for canary in planned
        if customer_records.find_by_phone(session, canary.phone) is None
    ]


def build_import_records(canaries: Iterable[Canary], line: int = 0) -> Iterator[FileRecord]:
    """Yield the canaries as records of an import."""
    for canary in canaries:
        yield FileRecord(
            line,
            {
                "external_ref": canary.external_ref,
                "phone": canary.phone,
                "name": canary.name,
                "locale": canary.locale,
                "timezone": canary.timezone,
            },
        )


def insert_at_random_places(
    found: Iterable[FileRecord], canaries: Sequence[Canary], source: LineReader, size: int
) -> Iterator[FileRecord]:
    """Yield the records of a source of ``size`` bytes, with the canaries at random places among
    them."""
    left = max(1, size - source.position)
    places = sorted(source.position + secrets.randbelow(left) for _ in canaries)
    mixed = list(canaries)
    secrets.SystemRandom().shuffle(mixed)
    for record in found:
        while places and places[0] < source.position:
            places.pop(0)
            yield from build_import_records([mixed.pop()], record.line)
        yield record
    yield from build_import_records(mixed, source.line)


class ImportDetector:
    """Detects canaries in a file that somebody imports."""

    def __init__(self, session: Session, region: str) -> None:
        self._by_phone = store.load_canaries(session).by_phone
        self._region = region
        self._met: list[Canary] = []

    def scan_import_records(self, found: Iterable[FileRecord]) -> Iterator[FileRecord]:
        """Yield the records unchanged, noting canaries among them."""
        for record in found:
            if self._by_phone:
                self._check_record_phone(record.values.get("phone", ""))
            yield record

    def _check_record_phone(self, written: str) -> None:
        try:
            canary = self._by_phone.get(phone_numbers.parse_phone(written, self._region))
        except InvalidInput:
            return
        if canary is not None:
            self._met.append(canary)

    def report_detected_canaries(self, session: Session, source: str, now: datetime) -> None:
        """Open a case for the canaries in the file; ``source`` identifies the import."""
        signs = [
            CanaryDetection(canary, DetectionKind.IMPORT, f"{source}:{canary.number}", now)
            for canary in self._met
        ]
        report_detections(session, signs, now)
