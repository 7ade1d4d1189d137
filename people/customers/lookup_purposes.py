"""Why somebody looks a customer up: chosen before anything is shown, kept in the audit log, and
read by the customer later. Fixed words, since the log holds no personal data."""

from __future__ import annotations

from enum import StrEnum

from people.errors import InvalidInput


class LookupPurpose(StrEnum):
    """The reasons there are. ``BOOKING`` is that of a program that books in the same request."""

    ASKED = "asked_us"
    ANSWER = "answer"
    GOES_ON = "goes_on"
    CHANGE = "change"
    BOOKING = "booking"


#: What a person at the console chooses from.
CONSOLE_PURPOSES = (
    LookupPurpose.ASKED,
    LookupPurpose.ANSWER,
    LookupPurpose.GOES_ON,
    LookupPurpose.CHANGE,
)


def parse_lookup_purpose(text: str) -> LookupPurpose:
    """The purpose that was chosen. Raises ``InvalidInput``."""
    if text not in CONSOLE_PURPOSES:
        raise InvalidInput("purpose", "Choose why you look this customer up.")
    return LookupPurpose(text)
