"""The encoding of an audit entry for the tree: all of it, in exactly one form. Entries from before
MACs were introduced have none in it either."""

from __future__ import annotations

from datetime import UTC
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Protocol

CONTENT_COLUMNS = (
    *("id", "at", "actor", "staff_id", "action"),
    *("customer_id", "callback_id", "purpose", "detail"),
)
#: Its writer, its number there, the numbers it declares void, and its MAC.
WRITER_COLUMNS = ("writer", "number", "void", "mark")
ALL_COLUMNS = (*CONTENT_COLUMNS, *WRITER_COLUMNS)


class EntryColumns(Protocol):
    """A row by column name."""

    def __getitem__(self, name: str, /) -> Any: ...

    def get(self, name: str, /) -> Any: ...


def encode_entry(row: EntryColumns) -> bytes:
    """Encode an entry's columns as JSON with sorted names and no spaces; the time in UTC with
    microseconds.

    Contains no personal data, so that it can be shown in a proof. Written out by hand, since a
    verifier does little else than this.
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
    """Encode an entry for its MAC: all of it but its id, which the database assigns. The length is
    the same with and without a customer or a callback, so that a check takes as long when it finds
    nobody (rule C5)."""
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
