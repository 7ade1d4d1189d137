"""The worker: sends due texts, runs periodic jobs, and writes a heartbeat."""

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
from messaging.dispatch.call_placer import CallPlacer
from messaging.dispatch.delivery_worker import MessageDeliverer
from messaging.models import Heartbeat
from messaging.providers.base import TEXT, VOICE, SmsProvider
from messaging.providers.failover import FailoverRouter
from messaging.providers.no_voice import NoVoiceProvider
from messaging.providers.voice_base import VoiceProvider
from messaging.sending_limits import SendingLimits
from storage.session import StoreUnavailable, summarise_store_error, transaction
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.errors import KeyUnavailable, Tampered
from vault.keys import keyring
from vault.keys.keyring import Keyring

log = structlog.get_logger("worker")

NAME = "worker"
IDLE_SECONDS = 0.5
LEASES_PER_THREAD = (
    4  # texts leased per sending thread, so that none waits for the database between two texts
)
HEARTBEAT_INTERVAL = timedelta(seconds=5)
ALIVE_WITHIN = timedelta(seconds=30)

PeriodicJob = Callable[[Session, datetime], None]


class Worker:
    """Any number of workers can run at once; leases keep them from sending the same text twice.

    ``gateways`` send texts; ``voices`` speak messages, which fail without one; ``line`` bridges
    calls. ``hands`` is how many texts it sends at a time. It leases only a few more, so that the
    rest is left to other workers.
    """

    def __init__(
        self,
        engine: Engine,
        ring: Keyring,
        gateways: Sequence[SmsProvider],
        clock: Callable[[], datetime],
        jobs: Sequence[PeriodicJob] = (),
        rules: SendingLimits = SendingLimits(),  # noqa: B008 (cannot be changed)
        hands: int = 1,
        line: VoiceProvider | None = None,
        voices: Sequence[VoiceProvider] = (),
    ) -> None:
        self._engine = engine
        self._info = keyring.keyring_session_info(ring)
        self._clock = clock
        self._jobs = jobs
        self._rules = rules
        self._hands = hands
        self._routes = {
            TEXT: FailoverRouter(gateways),
            VOICE: FailoverRouter(voices or [NoVoiceProvider()]),
        }
        self._using = gateways[0].name
        self._deliverer = MessageDeliverer(engine, self._info, self._routes, clock)
        self._dialler = CallPlacer(engine, self._info, line, clock, rules) if line else None
        self._dialling: Future[None] | None = None
        self._pool = ThreadPoolExecutor(hands, "text")
        self._busy: set[Future[None]] = set()
        self._beaten: datetime | None = None
        self.stopping = Event()

    def run_until_stopped(self) -> None:
        """Work until :attr:`stopping` is set; finish texts in flight before returning."""
        while not self.stopping.is_set():
            try:
                taken = self._lease_and_dispatch()
            except StoreUnavailable as error:
                log.warning("texts wait: store unavailable", reason=summarise_store_error(error))
                taken = 0
            self._wait_for_work(taken)
        self._finish_in_flight()
        self._pool.shutdown()

    def run_once(self) -> int:
        """Run one complete round; return the number of texts handled."""
        taken = self._lease_and_dispatch()
        self._finish_in_flight()
        return taken

    def _lease_and_dispatch(self) -> int:
        """Lease due texts for the free threads; return their number."""
        self._beat_and_run_jobs(self._clock())
        self._start_call_round()
        now, room = self._clock(), self._free_capacity()
        chosen = {medium: route.choose_provider(now) for medium, route in self._routes.items()}
        gateways = {medium: gateway.name for medium, gateway in chosen.items() if gateway}
        if not gateways or room < self._hands:
            return 0
        if TEXT in gateways:
            self._record_provider_switch(gateways[TEXT], now)
        with transaction(self._engine, info=self._info) as session:
            taken = leases.lease_messages(session, now, gateways, self._rules, room)
        for message in taken:
            self._dispatch_message(message)
        return len(taken)

    def _start_call_round(self) -> None:
        """Handle queued calls in parallel with texts, one round at a time."""
        if self._dialling is not None and self._dialling.done():
            self._dialling = None
        if self._dialler is None or self._dialling is not None or self.stopping.is_set():
            return
        if self._hands == 1:
            self._handle_calls_safely()
        else:
            self._dialling = self._pool.submit(self._handle_calls_safely)

    def _handle_calls_safely(self) -> None:
        try:
            if self._dialler is not None:
                self._dialler.handle_due_calls()
        except (*StoreUnavailable, KeyUnavailable, Tampered) as error:
            log.warning("calls not placed", kind=type(error).__name__)

    def _free_capacity(self) -> int:
        self._busy = {future for future in self._busy if not future.done()}
        return self._hands * LEASES_PER_THREAD - len(self._busy)

    def _dispatch_message(self, taken: delivery_outcomes.LeasedMessage) -> None:
        if self._hands == 1:
            self._deliver_safely(taken)
        else:
            self._busy.add(self._pool.submit(self._deliver_safely, taken))

    def _deliver_safely(self, taken: delivery_outcomes.LeasedMessage) -> None:
        """Deliver one text; a database failure must not stop the others."""
        try:
            if self.stopping.is_set():
                self._deliverer.return_message(taken)
            else:
                self._deliverer.deliver_message(taken)
        except StoreUnavailable as error:
            log.warning(
                "text waits: store unavailable",
                id=str(taken.id),
                reason=summarise_store_error(error),
            )

    def _wait_for_work(self, taken: int) -> None:
        """Wait until a thread is free or the idle time has passed."""
        if self._free_capacity() < self._hands:
            wait(self._busy, timeout=IDLE_SECONDS, return_when=FIRST_COMPLETED)
        elif not taken:
            self.stopping.wait(IDLE_SECONDS)

    def _finish_in_flight(self) -> None:
        for future in self._busy:
            future.result()
        if self._dialling is not None:
            self._dialling.result()
        self._busy.clear()

    def _record_provider_switch(self, name: str, now: datetime) -> None:
        if name == self._using:
            return
        with transaction(self._engine, info=self._info) as session:
            change = f"{self._using} to {name}"
            audit_log.record_act(
                session, audit_log.SYSTEM, AuditAct.GATEWAY_SWITCH, now, detail=change
            )
        log.warning("gateway switched", before=self._using, after=name)
        self._using = name

    def _beat_and_run_jobs(self, now: datetime) -> None:
        """Write a heartbeat, and run the periodic jobs at the same interval."""
        if self._beaten is not None and now - self._beaten < HEARTBEAT_INTERVAL:
            return
        # The very first heartbeats of two workers may race; either of them will do.
        with suppress(IntegrityError), transaction(self._engine, info=self._info) as session:
            session.merge(Heartbeat(name=NAME, at=now))
        for job in self._jobs:
            try:
                with transaction(self._engine, info=self._info) as session:
                    job(session, now)
            except (KeyUnavailable, Tampered):
                log.exception("job failed", job=job.__name__)
        self._beaten = now


def is_worker_alive(session: Session, now: datetime) -> bool:
    """Return whether any worker has written a recent heartbeat."""
    beat = session.get(Heartbeat, NAME)
    return beat is not None and now - beat.at <= ALIVE_WITHIN
