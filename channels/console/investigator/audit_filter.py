"""Reads the filter of an audit search from the address, and seals the mark of its next page."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from datetime import datetime, time, timedelta
from uuid import UUID

from flask import request

from channels.console.investigator import audit_labels
from channels.console.staff_request import StaffRequest
from channels.error_codes import ChannelErrorCode
from channels.time_format import read_date
from incidents.audit_search.entry_search import EntryFilter
from people.errors import InvalidInput
from vault.errors import Tampered
from vault.keys import keyring

PURPOSE = re.compile(r"[\w .:-]{0,60}")

_MARK = "audit.page"


def read_audit_filter(desk: StaffRequest, customer: UUID | None = None) -> EntryFilter:
    args = request.args
    person, what = args.get("person", ""), args.get("what", "")
    purpose = args.get("purpose", "").strip()
    if not PURPOSE.fullmatch(purpose):
        raise InvalidInput("purpose", ChannelErrorCode.CASE_REFERENCE_INVALID)
    acts = audit_labels.parse_act_filter(what) if what else ()
    if acts is None:
        raise InvalidInput("what", ChannelErrorCode.ACT_UNKNOWN)
    return EntryFilter(
        person=parse_filter_id(person, "person") if person else None,
        actions=acts,
        customer=customer,
        since=_read_filter_day(desk, "from"),
        until=_read_filter_day(desk, "to", days=1),
        purpose=purpose,
    )


def _read_filter_day(desk: StaffRequest, field: str, days: int = 0) -> datetime | None:
    text = request.args.get(field, "")
    if not text:
        return None
    on = read_date(text, field) + timedelta(days=days)
    return datetime.combine(on, time(0), desk.zone)


def parse_filter_id(text: str, field: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(field, ChannelErrorCode.CHOICE_UNKNOWN) from None


def seal_page_mark(desk: StaffRequest, entry: int) -> str:
    """Return the next page's start, sealed: gaps between entry ids would reveal hidden entries."""
    ring = keyring.current_keyring(desk.session)
    return urlsafe_b64encode(ring.seal_for_purpose(keyring.REPORTS, _MARK, str(entry))).decode()


def open_page_mark(desk: StaffRequest, mark: str) -> int | None:
    if not mark:
        return None
    try:
        sealed = urlsafe_b64decode(mark[:400].encode())
        return int(
            keyring.current_keyring(desk.session).open_for_purpose(keyring.REPORTS, _MARK, sealed)
        )
    except (Error, ValueError, Tampered):
        raise InvalidInput("before", ChannelErrorCode.PAGE_UNKNOWN) from None
