"""What of an audit entry goes into the tree: all of it, in one form and no other. Entries from
before they were marked have no mark in it either."""

from __future__ import annotations

from datetime import UTC
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Protocol

CONTENT_COLUMNS = (
    *("id", "at", "actor", "staff_id", "action"),
    *("customer_id", "callback_id", "purpose", "detail"),
)
#: Who wrote it, its number there, the numbers that it tells void, and the mark of all of it.
WRITER_COLUMNS = ("writer", "number", "void", "mark")
ALL_COLUMNS = (*CONTENT_COLUMNS, *WRITER_COLUMNS)


class EntryColumns(Protocol):
    """A row, by the names of its columns."""

    def __getitem__(self, name: str, /) -> Any: ...

    def get(self, name: str, /) -> Any: ...


def encode_entry(row: EntryColumns) -> bytes:
    """An entry's columns as JSON with sorted names and no spaces; the time in UTC with its
    microseconds. There is no personal data in it, so that it can be shown when it is proven.

    Written out by hand, since a verifier does little else than this.
    """
    mark = row.get("mark")
    before = after = ""
    if mark is not None:
        before = f',"mark":"{mark.hex()}","number":{_json_id(row["number"])}'
        after = f',"void":{_json_string(row["void"])},"writer":{_json_id(row["writer"])}'
    return (
        f'{{"action":{_json_string(row["action"])},"actor":{_json_string(row["actor"])}'
        f',"at":"{_entry_time_text(row)}Z"'
        f',"callback_id":{_json_id(row["callback_id"])},"customer_id":{_json_id(row["customer_id"])}'
        f',"detail":{_json_string(row["detail"])},"id":{_json_id(row["id"])}{before}'
        f',"purpose":{_json_string(row["purpose"])},"staff_id":{_json_id(row["staff_id"])}{after}}}'
    ).encode()


def encode_entry_for_mac(row: EntryColumns) -> bytes:
    """What the mark of an entry is made of: all of it but its id, which the database gives it.

    It is as long without a customer or a callback as with one, so that a check takes as long when
    it finds nobody (rule C5).
    """
    return (
        f"audit_entry {row['writer']:020d} {row['number']:020d} {_entry_time_text(row)}"
        f" {_fixed_width_id(row['staff_id'])} {_fixed_width_id(row['customer_id'])}"
        f" {_fixed_width_id(row['callback_id'])}"
        f" {_json_string(row['action'])} {_json_string(row['actor'])} {_json_string(row['detail'])}"
        f" {_json_string(row['purpose'])} {_json_string(row['void'])}"
    ).encode()


def _entry_time_text(row: EntryColumns) -> str:
    at = row["at"].astimezone(UTC).replace(tzinfo=None) if row["at"].tzinfo else row["at"]
    return str(at.isoformat(timespec="microseconds"))


def _fixed_width_id(value: object) -> str:
    return "-" * 36 if value is None else str(value)


def _json_string(value: str | None) -> str:
    return "null" if value is None else quoted(str(value))


def _json_id(value: object) -> str:
    return "null" if value is None else f'"{value}"'
