"""What of an audit entry goes into the tree: all of it, in one form and no other. Entries from
before they were marked have no mark in it either."""

from __future__ import annotations

from datetime import UTC
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Protocol

COLUMNS = (
    *("id", "at", "actor", "staff_id", "action"),
    *("customer_id", "callback_id", "purpose", "detail"),
)
#: Who wrote it, its number there, the numbers that it tells void, and the mark of all of it.
MARKS = ("writer", "number", "void", "mark")
ALL = (*COLUMNS, *MARKS)


class Columns(Protocol):
    """A row, by the names of its columns."""

    def __getitem__(self, name: str, /) -> Any: ...

    def get(self, name: str, /) -> Any: ...


def encoded(row: Columns) -> bytes:
    """An entry's columns as JSON with sorted names and no spaces; the time in UTC with its
    microseconds. There is no personal data in it, so that it can be shown when it is proven.

    Written out by hand, since a verifier does little else than this.
    """
    mark = row.get("mark")
    before = after = ""
    if mark is not None:
        before = f',"mark":"{mark.hex()}","number":{_id(row["number"])}'
        after = f',"void":{_text(row["void"])},"writer":{_id(row["writer"])}'
    return (
        f'{{"action":{_text(row["action"])},"actor":{_text(row["actor"])}'
        f',"at":"{_time(row)}Z"'
        f',"callback_id":{_id(row["callback_id"])},"customer_id":{_id(row["customer_id"])}'
        f',"detail":{_text(row["detail"])},"id":{_id(row["id"])}{before}'
        f',"purpose":{_text(row["purpose"])},"staff_id":{_id(row["staff_id"])}{after}}}'
    ).encode()


def marked(row: Columns) -> bytes:
    """What the mark of an entry is made of: all of it but its id, which the database gives it.

    It is as long without a customer or a callback as with one, so that a check takes as long when
    it finds nobody (rule C5).
    """
    return (
        f"audit_entry {row['writer']:020d} {row['number']:020d} {_time(row)}"
        f" {_wide(row['staff_id'])} {_wide(row['customer_id'])} {_wide(row['callback_id'])}"
        f" {_text(row['action'])} {_text(row['actor'])} {_text(row['detail'])}"
        f" {_text(row['purpose'])} {_text(row['void'])}"
    ).encode()


def _time(row: Columns) -> str:
    at = row["at"].astimezone(UTC).replace(tzinfo=None) if row["at"].tzinfo else row["at"]
    return str(at.isoformat(timespec="microseconds"))


def _wide(value: object) -> str:
    return "-" * 36 if value is None else str(value)


def _text(value: str | None) -> str:
    return "null" if value is None else quoted(str(value))


def _id(value: object) -> str:
    return "null" if value is None else f'"{value}"'
