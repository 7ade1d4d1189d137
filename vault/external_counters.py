"""External counters: counts that restoring an old row must not reset, of codes, page numbers and
one-time staff credentials, kept outside the database.

Somebody who can write to the database can restore a whole former row together with its MAC, and so
get its attempts back. So wrong attempts, confirmations and closings are also counted in the rate
limits' storage, under the code's id and counter. A code that is used up there is invalid whatever
its row says. A count lasts for an hour, and no code is valid for longer; one in memory
(``memory://``) belongs to a single process and ends with it. A wrong attempt is counted at once; a
use is counted when its transaction has been committed, so that a failed commit uses up nothing.
"""

from __future__ import annotations

from typing import Protocol, cast
from uuid import UUID

import structlog

from storage import transaction_outcomes
from storage.session import UnitOfWork

#: Wrong attempts after which a code is invalid: more than rule C4 allows on all channels.
MAX_WRONG_TRIES = 15
#: Lifetime of a count, in seconds.
COUNTER_SECONDS = 3600
_CONFIRMED, _CLOSED = 1_000, 1_000_000
_SESSION_KEY = "vouchline.outside_counts"
log = structlog.get_logger("outside_counts")


class CounterStore(Protocol):
    """Counts by name, which last for :data:`COUNTER_SECONDS`. Raises the storage's errors if it
    cannot be reached; there is then no verdict (rule F1)."""

    def read_counter(self, name: str) -> int:
        """Return the current count."""

    def add_to_counter(self, name: str, amount: int) -> None:
        """Add an amount."""


class _NoCounterStore:
    """The counter store of sessions without one."""

    def read_counter(self, name: str) -> int:  # noqa: ARG002
        return 0

    def add_to_counter(self, name: str, amount: int) -> None:
        pass


def _add_on_commit(session: UnitOfWork, name: str, amount: int) -> None:
    """Add once the transaction (or savepoint) is committed; do nothing if it is rolled back. Errors
    of the storage are logged then: the act is done and can no longer be refused."""
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
    """Return the entries for a session's ``info``, to be passed beside the keys when opening a
    transaction."""
    return {_SESSION_KEY: counts}


def _current_counter_store(session: UnitOfWork) -> CounterStore:
    return cast(CounterStore, session.info.get(_SESSION_KEY) or _NoCounterStore())


class CodeCounter:
    """The external counter of one code or page number."""

    def __init__(self, session: UnitOfWork, row: UUID, counter: int) -> None:
        self._session, self._counts = session, _current_counter_store(session)
        self._name = f"code:{row.hex}:{counter}"
        self._found = self._counts.read_counter(self._name)

    def allows_row_state(self, *, confirmed: bool, most: int = MAX_WRONG_TRIES) -> bool:
        """Return whether a row in this state can be the latest: not closed, not confirmed unless
        the row says so, and with fewer than ``most`` wrong attempts."""
        rest, wrong = divmod(self._found, _CONFIRMED)
        return wrong < most and rest <= int(confirmed)

    def add_wrong_try(self, *, counts: bool) -> None:
        """Count a wrong attempt; one that does not count takes the same work (rule C5)."""
        self._counts.add_to_counter(self._name if counts else "code:none", 1)

    def add_confirmation(self) -> None:
        """Count the confirmation: from now on a row that is not confirmed is outdated."""
        if self._found < _CONFIRMED:
            _add_on_commit(self._session, self._name, _CONFIRMED)


def use_once(session: UnitOfWork, what: str) -> bool:
    """Return whether a one-time value, such as an authenticator code, is still unused according to
    the external counters; count it as used."""
    if _current_counter_store(session).read_counter(what):
        return False
    _add_on_commit(session, what, 1)
    return True


def close_code(session: UnitOfWork, row: UUID, counter: int) -> None:
    """Count the code as closed: from now on no row of it is valid."""
    _add_on_commit(session, f"code:{row.hex}:{counter}", _CLOSED)
