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
from storage.session import UnitOfWork

#: Wrong tries at one code after which it is dead: more than rule C4 allows on all channels.
MAX_WRONG_TRIES = 15
#: How long a count lasts, in seconds.
COUNTER_SECONDS = 3600
_CONFIRMED, _CLOSED = 1_000, 1_000_000
_SESSION_KEY = "vouchline.outside_counts"
log = structlog.get_logger("outside_counts")


class CounterStore(Protocol):
    """Counts by name; they last for :data:`COUNTER_SECONDS`. Raises what the storage raises when it
    is out of reach, and then there is no verdict (rule F1)."""

    def read_counter(self, name: str) -> int:
        """How much was added of late."""

    def add_to_counter(self, name: str, amount: int) -> None:
        """Add so much."""


class _NoCounterStore:
    """Where nobody counts outside the database."""

    def read_counter(self, name: str) -> int:  # noqa: ARG002
        return 0

    def add_to_counter(self, name: str, amount: int) -> None:
        pass


def _add_on_commit(session: UnitOfWork, name: str, amount: int) -> None:
    """Add once the transaction (or savepoint) is committed, and not at all when it is rolled back.
    What the storage raises then is logged: the act is done and cannot be refused any more."""
    counts = _current_counter_store(session)

    def add_if_committed(kept: bool) -> None:
        if not kept:
            return
        try:
            counts.add_to_counter(name, amount)
        except Exception as error:
            log.error("not counted outside the database", kind=type(error).__name__)

    transaction_outcomes.call_on_transaction_end(session.connection(), add_if_committed)


def counter_session_info(counts: CounterStore) -> dict[str, object]:
    """What to pass as ``info`` when opening a transaction, beside the keys."""
    return {_SESSION_KEY: counts}


def _current_counter_store(session: UnitOfWork) -> CounterStore:
    return cast(CounterStore, session.info.get(_SESSION_KEY) or _NoCounterStore())


class CodeCounter:
    """What is counted outside the database of one code or page number."""

    def __init__(self, session: UnitOfWork, row: UUID, counter: int) -> None:
        self._session, self._counts = session, _current_counter_store(session)
        self._name = f"code:{row.hex}:{counter}"
        self._found = self._counts.read_counter(self._name)

    def allows_row_state(self, *, confirmed: bool, most: int = MAX_WRONG_TRIES) -> bool:
        """Whether a row that says so can be the latest: not ended, not confirmed unless it says
        so, and without ``most`` wrong tries."""
        rest, wrong = divmod(self._found, _CONFIRMED)
        return wrong < most and rest <= int(confirmed)

    def add_wrong_try(self, *, counts: bool) -> None:
        """Count a wrong try; one that does not count takes the same work (rule C5)."""
        self._counts.add_to_counter(self._name if counts else "code:none", 1)

    def add_confirmation(self) -> None:
        """From now on no row that is not confirmed is the latest."""
        if self._found < _CONFIRMED:
            _add_on_commit(self._session, self._name, _CONFIRMED)


def use_once(session: UnitOfWork, what: str) -> bool:
    """Whether something that is good once, like a number of an authenticator, has not been spent
    yet as far as is counted outside the database; from now on it has."""
    if _current_counter_store(session).read_counter(what):
        return False
    _add_on_commit(session, what, 1)
    return True


def close_code(session: UnitOfWork, row: UUID, counter: int) -> None:
    """From now on no row of this code is good."""
    _add_on_commit(session, f"code:{row.hex}:{counter}", _CLOSED)
