"""What can be wrong in a request about people. Each message is a sentence for its reader."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID


class InvalidInput(ValueError):
    """A value cannot be used; ``field`` names it and the message says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NotAllowed(Exception):
    """The person asking may not do or see this."""


class NotFound(Exception):
    """There is no such thing for the person asking (whether or not it exists for others)."""


class SignInFailed(Exception):
    """The sign-in is not accepted; deliberately without a reason."""


class LinkExpired(Exception):
    """An enrolment link is unknown, used or too old."""


class Conflict(Exception):
    """What was asked of a request does not go with how it stands now."""


class AlreadyRequested(Conflict):
    """The same is asked for already, and waits for approval."""


class ReauthenticationRequired(Exception):
    """The act needs a proof of who is at the desk that is not older than a few minutes."""


class SecondStepFailed(Exception):
    """What is asked beside an enrolment link is missing or does not fit. ``kind`` says what is
    asked, ``pin``, ``recovery`` or both (``pin recovery``), and ``pins`` how many PINs; ``tried``
    whether anything was given."""

    def __init__(self, kind: str, *, tried: bool, pins: int = 0) -> None:
        super().__init__(kind)
        self.kind, self.tried, self.pins = kind, tried, pins


class BudgetExceeded(Exception):
    """A member of staff has opened as many customers as they may: nothing is shown. ``kind`` is
    ``opened`` or ``missed``, ``seen`` of the ``allowed`` are counted ``within`` that time, and
    ``again`` is in how long the first of them counts no more."""

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
