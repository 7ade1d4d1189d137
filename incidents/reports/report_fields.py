"""Fields of a report: validation, storage and reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from incidents.error_codes import IncidentErrorCode
from incidents.reports.models import Report
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput
from vault.keys import keyring

KNEW = ("name", "phone", "ticket", "product", "address", "other")
REQUESTED_ITEMS = ("code", "password", "remote", "money", "card", "install")
#: What a caller can ask for, and what can have been given. ``nothing`` means that the question was
#: answered so.
ASKED_FOR = (*REQUESTED_ITEMS, "other", "nothing")
GAVE = (*REQUESTED_ITEMS, "other", "nothing")
REPORT, REFUSED, OBJECTION = "report", "refused", "objection"
SAID_LIMIT, NUMBER_LIMIT, CLAIMED_LIMIT = 1000, 40, 100
#: Calls older than this cannot be reported: nobody remembers their time.
MAX_CALL_AGE = timedelta(days=366)


@dataclass(frozen=True)
class ReportSubmission:
    """A submitted report.

    ``phone`` is the called number in E.164; ``proven`` says that the report came, authenticated,
    from that number. ``knew`` holds values of :data:`KNEW`, ``asked_for`` of :data:`ASKED_FOR` and
    ``gave`` of :data:`GAVE`. ``kind`` is ``refused`` for a booked callback, ``callback_id``, that
    its customer did not ask for. ``tell_me`` asks for the outcome by text; ``doubtful`` marks
    what a program seems to have filled in.
    """

    phone: str
    channel: str
    proven: bool = False
    called_at: datetime | None = None
    shown_number: str = ""
    number_hidden: bool = False
    said: str = ""
    knew: Sequence[str] = ()
    claimed_to_be: str = ""
    asked_for: Sequence[str] = ()
    gave: Sequence[str] = ()
    tell_me: bool = False
    doubtful: bool = False
    kind: str = REPORT
    callback_id: UUID | None = None


def validate_submission(told: ReportSubmission, now: datetime) -> None:
    """Raise ``InvalidInput`` for a submission that cannot be stored."""
    latest, earliest = now + timedelta(minutes=5), now - MAX_CALL_AGE
    if told.called_at is not None and not earliest <= told.called_at <= latest:
        raise InvalidInput(
            "called_at",
            IncidentErrorCode.CALL_TIME_OUT_OF_RANGE,
        )
    texts = (
        ("said", told.said, SAID_LIMIT),
        ("shown_number", told.shown_number, NUMBER_LIMIT),
        ("claimed_to_be", told.claimed_to_be, CLAIMED_LIMIT),
    )
    for name, text, limit in texts:
        if len(text) > limit:
            raise InvalidInput(name, PeopleErrorCode.TEXT_TOO_LONG, limit=limit)
        if "\x00" in text:
            raise InvalidInput(name, PeopleErrorCode.TEXT_HAS_INVISIBLE_CHARACTER)


def join_choices(given: Sequence[str], known: Sequence[str]) -> str:
    """Return the known choices among ``given``, joined with commas as they are stored. ``nothing``
    is dropped beside any other choice."""
    chosen = [choice for choice in known if choice in given]
    return ",".join(choice for choice in chosen if choice != "nothing" or len(chosen) == 1)


def collect_text_fields(told: ReportSubmission) -> dict[str, str]:
    """Return the report's sealed columns, except its number, as plain text."""
    return {
        "shown_number": told.shown_number,
        "said": told.said,
        "knew": join_choices(told.knew, KNEW),
        "claimed_to_be": told.claimed_to_be,
        "asked_for": join_choices(told.asked_for, ASKED_FOR),
        "gave": join_choices(told.gave, GAVE),
    }


def seal_report_field(session: Session, row: UUID, column: str, value: str) -> bytes:
    """Seal ``value`` for a column of a report."""
    place = f"report.{column}:{row}"
    return keyring.current_keyring(session).seal_for_purpose(keyring.REPORTS, place, value)


def unseal_report_field(session: Session, report: Report, column: str) -> str:
    """Return a column of a report as plain text; empty if it was erased or never asked for."""
    value = getattr(report, column)
    if not value:
        return ""
    place = f"report.{column}:{report.id}"
    return keyring.current_keyring(session).open_for_purpose(keyring.REPORTS, place, value)


def split_choices(text: str) -> tuple[str, ...]:
    """Split a stored list of choices."""
    return tuple(text.split(",")) if text else ()
