"""Errors of requests about people. Each has a code of its subject, and the values of its
sentence."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from config.domain_errors import DomainError, ErrorCode


class InvalidInput(DomainError):
    """A value cannot be used. ``field`` names it, and the code says why."""

    def __init__(self, field: str, code: ErrorCode, **parameters: object) -> None:
        super().__init__(code, **parameters)
        self.field = field


class NotAllowed(DomainError):
    """The person asking may not do or see this."""


class NotFound(DomainError):
    """The object does not exist for the person asking, whether or not it exists for others."""


class SignInFailed(Exception):
    """The sign-in is refused; deliberately without a reason."""


class LinkExpired(Exception):
    """An enrolment link is unknown, used or expired."""


class Conflict(DomainError):
    """The action does not fit the current state of the request."""


class AlreadyRequested(Conflict):
    """The same was already requested and waits for approval."""


class ReauthenticationRequired(Exception):
    """The act needs a re-authentication within the last few minutes."""


class SecondStepFailed(Exception):
    """What is asked beside an enrolment link is missing or wrong.

    ``kind`` is what is asked: ``pin``, ``recovery`` or both (``pin recovery``); ``pins`` is how
    many PINs; ``tried`` is whether anything was entered.
    """

    def __init__(self, kind: str, *, tried: bool, pins: int = 0) -> None:
        super().__init__(kind)
        self.kind, self.tried, self.pins = kind, tried, pins


class BudgetExceeded(Exception):
    """A member of staff has used up their access budget: nothing is shown.

    ``kind`` is ``opened`` or ``missed``. ``seen`` of ``allowed`` accesses were counted ``within``
    that time, and ``again`` is the time until the first of them expires.
    """

    def __init__(
        self,
        staff_id: UUID,
        kind: str,
        allowed: int,
        within: timedelta,
        seen: int,
        again: timedelta,
    ) -> None:
        super().__init__(f"{kind}: {seen} of {allowed}")
        self.staff_id, self.kind, self.allowed = staff_id, kind, allowed
        self.within, self.seen, self.again = within, seen, again
