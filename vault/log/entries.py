"""What of an audit entry goes into the tree: all of it, in one form and no other."""

from __future__ import annotations

from datetime import UTC
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Protocol

COLUMNS = (
    *("id", "at", "actor", "staff_id", "action"),
    *("customer_id", "callback_id", "purpose", "detail"),
)


class Columns(Protocol):
    """A row, by the names of its columns."""

    def __getitem__(self, name: str, /) -> Any: ...


def encoded(row: Columns) -> bytes:
    """An entry's columns as JSON with sorted names and no spaces; the time in UTC with its
    microseconds. There is no personal data in it, so that it can be shown when it is proven.

    Written out by hand, since a verifier does little else than this.
    """
    at = row["at"].astimezone(UTC).replace(tzinfo=None) if row["at"].tzinfo else row["at"]
    return (
        f'{{"action":{_text(row["action"])},"actor":{_text(row["actor"])}'
        f',"at":"{at.isoformat(timespec="microseconds")}Z"'
        f',"callback_id":{_id(row["callback_id"])},"customer_id":{_id(row["customer_id"])}'
        f',"detail":{_text(row["detail"])},"id":{_id(row["id"])}'
        f',"purpose":{_text(row["purpose"])},"staff_id":{_id(row["staff_id"])}}}'
    ).encode()


def _text(value: str | None) -> str:
    return "null" if value is None else quoted(str(value))


def _id(value: object) -> str:
    return "null" if value is None else f'"{value}"'
