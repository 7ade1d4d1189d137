"""What of an audit entry goes into the tree: all of it, in one form and no other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

COLUMNS = (
    *("id", "at", "actor", "staff_id", "action"),
    *("customer_id", "callback_id", "purpose", "detail"),
)


def encoded(row: Mapping[str, Any]) -> bytes:
    """An entry's columns as JSON with sorted names and no spaces; the time in UTC with its
    microseconds. There is no personal data in it, so that it can be shown when it is proven."""
    plain = {name: None if row[name] is None else str(row[name]) for name in COLUMNS}
    at = row["at"].astimezone(UTC) if row["at"].tzinfo else row["at"]
    plain["at"] = f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()
