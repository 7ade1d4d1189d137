"""The worker: sends what is due, does the periodic jobs, shows that it lives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Event

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from messaging import outbox
from messaging.gateways.base import Gateway, OutcomeUnknown, Rejected, Unavailable
from messaging.models import Heartbeat
from storage.session import StoreUnavailable, transaction
from vault import keyring
from vault.errors import KeyUnavailable, Tampered
from vault.keyring import Keyring

log = structlog.get_logger("worker")

NAME = "worker"
IDLE_SECONDS = 0.5
SEND_WITHIN = timedelta(seconds=40)  # a look-up and a try at the slowest gateway, and some
BEAT_EVERY = timedelta(seconds=5)
ALIVE_WITHIN = timedelta(seconds=30)

Job = Callable[[Session, datetime], None]


class Worker:
    """Any number of these may run at once; none sends what another has in hand."""

    def __init__(
        self,
        engine: Engine,
        ring: Keyring,
        gateway: Gateway,
        clock: Callable[[], datetime],
        jobs: Sequence[Job] = (),
    ) -> None:
        self._engine = engine
        self._info = keyring.carried(ring)
        self._gateway = gateway
        self._clock = clock
        self._jobs = jobs
        self._beaten: datetime | None = None
        self.stopping = Event()

    def run(self) -> None:
        """Work until :attr:`stopping` is set; a text in hand is finished first."""
        while not self.stopping.is_set():
            try:
                busy = self.once()
            except StoreUnavailable:
                log.warning("store unavailable")
                busy = False
            if not busy:
                self.stopping.wait(IDLE_SECONDS)

    def once(self) -> int:
        """One round; gives the number of texts handled."""
        now = self._clock()
        self._beat(now)
        with transaction(self._engine, info=self._info) as session:
            taken = outbox.lease(session, now)
        for each in taken:
            self._deliver(each)
        return len(taken)

    def _deliver(self, taken: outbox.Leased) -> None:
        if self._clock() > taken.leased_until - SEND_WITHIN:
            return  # held up too long; whoever takes it next looks it up first
        provider_id, error = self._try(taken)
        unknown = isinstance(error, OutcomeUnknown) or (taken.unknown and error is not None)
        with transaction(self._engine, info=self._info) as session:
            now = self._clock()
            if provider_id is not None:
                outbox.settle_sent(session, taken, provider_id, now)
            elif isinstance(error, Rejected):
                outbox.settle_failed(session, taken, error.code, now)
            elif error is None:
                outbox.settle_expired(session, taken, now)
            else:
                outbox.settle_later(session, taken, now, unknown=unknown)
        log.info(
            "text",
            id=str(taken.id),
            outcome=type(error).__name__ if error else "settled",
        )

    def _try(self, taken: outbox.Leased) -> tuple[str | None, Exception | None]:
        """The provider's id, or what went wrong; neither when it was never sent and is too late."""
        try:
            found = self._gateway.find(taken.letter) if taken.unknown else None
            if found is None and self._clock() < taken.expires_at:
                found = self._gateway.send(taken.letter, self._clock())
            return found, None
        except (Rejected, Unavailable, OutcomeUnknown) as problem:
            return None, problem
        except Exception as problem:  # one text must not keep the others from leaving
            # Without its words, which may be the text's.
            log.error("gateway failed", kind=type(problem).__name__)
            return None, OutcomeUnknown()

    def _beat(self, now: datetime) -> None:
        """Show that we live, and do the periodic jobs at the same pace."""
        if self._beaten is not None and now - self._beaten < BEAT_EVERY:
            return
        # The very first beat of two workers at once is a race; either is as good.
        with suppress(IntegrityError), transaction(self._engine, info=self._info) as session:
            session.merge(Heartbeat(name=NAME, at=now))
        for job in self._jobs:
            try:
                with transaction(self._engine, info=self._info) as session:
                    job(session, now)
            except (KeyUnavailable, Tampered):
                log.exception("job failed", job=job.__name__)
        self._beaten = now


def alive(session: Session, now: datetime) -> bool:
    """Whether some worker has been at work lately."""
    beat = session.get(Heartbeat, NAME)
    return beat is not None and now - beat.at <= ALIVE_WITHIN
