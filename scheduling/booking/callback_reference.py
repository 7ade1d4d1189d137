"""A short name for a callback, to be said and typed, which says nothing of anybody."""

from __future__ import annotations

from uuid import UUID

#: Without letters and digits that look alike (after Crockford's base 32).
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def format_callback_reference(callback_id: UUID) -> str:
    """Like ``K7Q4M-XW2PD``: the last 50 random bits of the id."""
    value, found = callback_id.int, ""
    for _ in range(10):
        value, digit = divmod(value, 32)
        found = _LETTERS[digit] + found
    return f"{found[:5]}-{found[5:]}"
