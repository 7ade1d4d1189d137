"""An entry has one form, which is plain JSON with sorted names."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from vault.audit.entry_encoding import CONTENT_COLUMNS, encode_entry

TEXTS = st.one_of(st.none(), st.text(max_size=20))
IDS = st.one_of(st.none(), st.uuids())
ROWS = st.fixed_dictionaries(
    {
        "id": st.integers(1, 2**62),
        "at": st.datetimes(datetime(2000, 1, 1), timezones=st.sampled_from([UTC])),
        **dict.fromkeys(("actor", "action", "purpose", "detail"), TEXTS),
        **dict.fromkeys(("staff_id", "customer_id", "callback_id"), IDS),
    }
)


@given(ROWS)
def test_it_is_what_a_library_writes(row):
    plain = {name: None if row[name] is None else str(row[name]) for name in CONTENT_COLUMNS}
    plain["at"] = f"{row['at']:%Y-%m-%dT%H:%M:%S.%f}Z"
    assert encode_entry(row) == json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()


@given(ROWS)
def test_no_two_moments_nor_nothing_and_empty_are_alike(row):
    later = {**row, "at": row["at"] + timedelta(microseconds=1)}
    assert encode_entry(later) != encode_entry(row)
    assert encode_entry({**row, "detail": None}) != encode_entry({**row, "detail": ""})
    elsewhere = row["at"].astimezone(timezone(timedelta(hours=5)))
    assert encode_entry({**row, "at": elsewhere}) == encode_entry(row)
