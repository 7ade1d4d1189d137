"""A short reference of a callback that can be spoken and typed; it identifies no person."""

from __future__ import annotations

from uuid import UUID

#: Crockford's base 32, which has no letters and digits that look alike.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def format_callback_reference(callback_id: UUID) -> str:
    """Return a reference like ``K7Q4M-XW2PD``: the last 50 random bits of the id."""
    value, letters = callback_id.int, ""
    for _ in range(10):
        value, digit = divmod(value, 32)
        letters = _LETTERS[digit] + letters
    return f"{letters[:5]}-{letters[5:]}"
