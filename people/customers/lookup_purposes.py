"""Why somebody looks a customer up: chosen before anything is shown, stored in the audit log, and
visible to the customer later. Fixed words, since the log holds no personal data."""

from __future__ import annotations

from enum import StrEnum

from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput


class LookupPurpose(StrEnum):
    """The possible reasons. ``BOOKING`` is for an API client that books in the same request."""

    ASKED = "asked_us"
    ANSWER = "answer"
    GOES_ON = "goes_on"
    CHANGE = "change"
    BOOKING = "booking"


#: The choices in the console.
CONSOLE_PURPOSES = (
    LookupPurpose.ASKED,
    LookupPurpose.ANSWER,
    LookupPurpose.GOES_ON,
    LookupPurpose.CHANGE,
)


def parse_lookup_purpose(text: str) -> LookupPurpose:
    """Return the chosen purpose. Raises ``InvalidInput``."""
    if text not in CONSOLE_PURPOSES:
        raise InvalidInput("purpose", PeopleErrorCode.LOOKUP_PURPOSE_MISSING)
    return LookupPurpose(text)
