"""What can be wrong in a request about people. Each message is a sentence for its reader."""


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


class LinkSpent(Exception):
    """An enrolment link is unknown, used or too old."""


class NoLonger(Exception):
    """What was asked of a request does not go with how it stands now."""


class ProofNeeded(Exception):
    """The act needs a proof of who is at the desk that is not older than a few minutes."""


class SecondPieceWrong(Exception):
    """What is asked beside an enrolment link is missing or does not fit. ``kind`` says what is
    asked, ``pin`` or ``recovery``; ``tried`` whether anything was given."""

    def __init__(self, kind: str, *, tried: bool) -> None:
        super().__init__(kind)
        self.kind, self.tried = kind, tried
