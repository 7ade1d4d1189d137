"""The base of domain errors: a stable code with parameters, instead of a sentence.

What a person reads is worded where they read it, in their language, by
``channels/error_texts``.
"""

from __future__ import annotations

from enum import StrEnum


class ErrorCode(StrEnum):
    """A code of a domain error. Each subject enumerates its own; a code is unique in all of them,
    and is never renamed, since programs read it."""


class DomainError(Exception):
    """A refusal that its reader can understand.

    ``code`` names the reason. ``parameters`` are the values that its sentence contains: text,
    numbers, dates, times, sequences of text, or another domain error that is the cause.
    """

    def __init__(self, code: ErrorCode, **parameters: object) -> None:
        super().__init__(code)
        self.code, self.parameters = code, parameters

    def __str__(self) -> str:
        """Return the code. Parameters may be personal data, and this is what is logged."""
        return self.code
