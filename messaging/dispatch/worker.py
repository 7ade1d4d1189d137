"""The worker: sends what is due, does the periodic jobs, shows that it lives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Event

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from messaging.dispatch import delivery_outcomes, leases
from messaging.dispatch.call_worker import Dialler
from messaging.dispatch.delivery_worker import Deliverer
from messaging.models import Heartbeat
from messaging.providers.base import Gateway
from messaging.providers.failover import Route
from messaging.providers.voice_base import Line
from messaging.sending_limits import Rules
from storage.session import StoreUnavailable, in_short, transaction
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.errors import KeyUnavailable, Tampered
from vault.keys import keyring
from vault.keys.keyring import Keyring

log = structlog.get_logger("worker")

NAME = "worker"
IDLE_SECONDS = 0.5
DEPTH = 4  # texts leased for each hand, so that none waits for the store between two texts
BEAT_EVERY = timedelta(seconds=5)
ALIVE_WITHIN = timedelta(seconds=30)

Job = Callable[[Session, datetime], None]


class Worker:
    """Any number of these may run at once; none sends what another has in hand.

    ``hands`` is how many texts it sends at a time; it takes few more than that, so that what it
    cannot get to stays for others.
    """

    def __init__(
        self,
        engine: Engine,
        ring: Keyring,
        gateways: Sequence[Gateway],
        clock: Callable[[], datetime],
        jobs: Sequence[Job] = (),
        rules: Rules = Rules(),  # noqa: B008 (cannot be changed)
        hands: int = 1,
        line: Line | None = None,
    ) -> None:
        self._engine = engine
        self._info = keyring.carried(ring)
        self._clock = clock
        self._jobs = jobs
        self._rules = rules
        self._hands = hands
        self._route = Route(gateways)
        self._using = gateways[0].name
        self._deliverer = Deliverer(engine, self._info, self._route, clock)
        self._dialler = Dialler(engine, self._info, line, clock, rules) if line else None
        self._dialling: Future[None] | None = None
        self._pool = ThreadPoolExecutor(hands, "text")
        self._busy: set[Future[None]] = set()
        self._beaten: datetime | None = None
        self.stopping = Event()

    def run(self) -> None:
        """Work until :attr:`stopping` is set; texts in hand are finished first."""
        while not self.stopping.is_set():
            try:
                taken = self._round()
            except StoreUnavailable as error:
                log.warning("texts wait: store unavailable", reason=in_short(error))
                taken = 0
            self._rest(taken)
        self._finish()
        self._pool.shutdown()

    def once(self) -> int:
        """One round to its end; gives the number of texts handled."""
        taken = self._round()
        self._finish()
        return taken

    def _round(self) -> int:
        """Take what is due into the free hands; gives the number of texts taken."""
        self._beat(self._clock())
        self._dial()
        now, room = self._clock(), self._room()
        gateway = self._route.choose(now)
        if gateway is None or room < self._hands:
            return 0
        self._note_switch(gateway.name, now)
        with transaction(self._engine, info=self._info) as session:
            taken = leases.lease(session, now, gateway.name, self._rules, room)
        for each in taken:
            self._hand_out(each)
        return len(taken)

    def _dial(self) -> None:
        """Place the calls that are wanted, beside the texts, one round at a time."""
        if self._dialling is not None and self._dialling.done():
            self._dialling = None
        if self._dialler is None or self._dialling is not None or self.stopping.is_set():
            return
        if self._hands == 1:
            self._dialled()
        else:
            self._dialling = self._pool.submit(self._dialled)

    def _dialled(self) -> None:
        try:
            if self._dialler is not None:
                self._dialler.once()
        except (*StoreUnavailable, KeyUnavailable, Tampered) as error:
            log.warning("calls not placed", kind=type(error).__name__)

    def _room(self) -> int:
        self._busy = {each for each in self._busy if not each.done()}
        return self._hands * DEPTH - len(self._busy)

    def _hand_out(self, taken: delivery_outcomes.Leased) -> None:
        if self._hands == 1:
            self._deliver(taken)
        else:
            self._busy.add(self._pool.submit(self._deliver, taken))

    def _deliver(self, taken: delivery_outcomes.Leased) -> None:
        """Nothing that happens to one text may keep the others from leaving."""
        try:
            if self.stopping.is_set():
                self._deliverer.give_back(taken)
            else:
                self._deliverer.deliver(taken)
        except StoreUnavailable as error:
            log.warning("text waits: store unavailable", id=str(taken.id), reason=in_short(error))

    def _rest(self, taken: int) -> None:
        """Until there may be something to do: a hand is free, or a while has gone by."""
        if self._room() < self._hands:
            wait(self._busy, timeout=IDLE_SECONDS, return_when=FIRST_COMPLETED)
        elif not taken:
            self.stopping.wait(IDLE_SECONDS)

    def _finish(self) -> None:
        for each in self._busy:
            each.result()
        if self._dialling is not None:
            self._dialling.result()
        self._busy.clear()

    def _note_switch(self, name: str, now: datetime) -> None:
        if name == self._using:
            return
        with transaction(self._engine, info=self._info) as session:
            change = f"{self._using} to {name}"
            audit_log.record(session, audit_log.SYSTEM, AuditAct.GATEWAY_SWITCH, now, detail=change)
        log.warning("gateway switched", before=self._using, after=name)
        self._using = name

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
