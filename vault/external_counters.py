"""What must not be taken back by an old row: counts of codes and page numbers, and of what lets
staff in once, outside the database.

Who can write to the database can put a whole former row back, its mark with it, and have its tries
again. So wrong tries, confirmations and ends are counted in the storage of the limits too, under
the code's id and counter. What is counted there is dead whatever its row says. A count lasts for
an hour, and no code is good for longer; one in memory (``memory://``) is that of a single process
and ends with it. A wrong try is counted at once; what is used up is noted when its transaction has
been committed, so that a commit that fails uses up nothing.
"""

from __future__ import annotations

from typing import Protocol, cast
from uuid import UUID

import structlog

from storage import transaction_outcomes
from storage.session import Work

#: Wrong tries at one code after which it is dead: more than rule C4 allows on all channels.
MOST_WRONG = 15
#: How long a count lasts, in seconds.
LASTS = 3600
_CONFIRMED, _CLOSED = 1_000, 1_000_000
_SESSION_KEY = "vouchline.outside_counts"
log = structlog.get_logger("outside_counts")


class Counts(Protocol):
    """Counts by name; they last for :data:`LASTS`. Raises what the storage raises when it is out of
    reach, and then there is no verdict (rule F1)."""

    def read(self, name: str) -> int:
        """How much was added of late."""

    def add(self, name: str, amount: int) -> None:
        """Add so much."""


class _Nothing:
    """Where nobody counts outside the database."""

    def read(self, name: str) -> int:  # noqa: ARG002
        return 0

    def add(self, name: str, amount: int) -> None:
        pass


def _add_on_commit(session: Work, name: str, amount: int) -> None:
    """Add once the transaction (or savepoint) is committed, and not at all when it is rolled back.
    What the storage raises then is logged: the act is done and cannot be refused any more."""
    counts = _of(session)

    def ended(kept: bool) -> None:
        if not kept:
            return
        try:
            counts.add(name, amount)
        except Exception as error:
            log.error("not counted outside the database", kind=type(error).__name__)

    transaction_outcomes.follow(session.connection(), ended)


def carried(counts: Counts) -> dict[str, object]:
    """What to pass as ``info`` when opening a transaction, beside the keys."""
    return {_SESSION_KEY: counts}


def _of(session: Work) -> Counts:
    return cast(Counts, session.info.get(_SESSION_KEY) or _Nothing())


class Outside:
    """What is counted outside the database of one code or page number."""

    def __init__(self, session: Work, row: UUID, counter: int) -> None:
        self._session, self._counts = session, _of(session)
        self._name = f"code:{row.hex}:{counter}"
        self._found = self._counts.read(self._name)

    def may_be(self, *, confirmed: bool, most: int = MOST_WRONG) -> bool:
        """Whether a row that says so can be the latest: not ended, not confirmed unless it says
        so, and without ``most`` wrong tries."""
        rest, wrong = divmod(self._found, _CONFIRMED)
        return wrong < most and rest <= int(confirmed)

    def add_wrong(self, *, counts: bool) -> None:
        """Count a wrong try; one that does not count takes the same work (rule C5)."""
        self._counts.add(self._name if counts else "code:none", 1)

    def add_confirmed(self) -> None:
        """From now on no row that is not confirmed is the latest."""
        if self._found < _CONFIRMED:
            _add_on_commit(self._session, self._name, _CONFIRMED)


def spend(session: Work, what: str) -> bool:
    """Whether something that is good once, like a number of an authenticator, has not been spent
    yet as far as is counted outside the database; from now on it has."""
    if _of(session).read(what):
        return False
    _add_on_commit(session, what, 1)
    return True


def close(session: Work, row: UUID, counter: int) -> None:
    """From now on no row of this code is good."""
    _add_on_commit(session, f"code:{row.hex}:{counter}", _CLOSED)
