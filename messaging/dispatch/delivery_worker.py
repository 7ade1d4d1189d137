"""Delivers one text: looks it up first if necessary, sends it, and records the outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from messaging import line_types, opt_outs
from messaging.dispatch import delivery_outcomes, leases
from messaging.dispatch.delivery_outcomes import LeasedMessage
from messaging.providers.base import (
    LineTypeLookup,
    MessageProvider,
    OutcomeUnknown,
    Rejected,
    RepeatSafeProvider,
    Unavailable,
)
from messaging.providers.failover import FailoverRouter
from storage.session import transaction

log = structlog.get_logger("worker")

SEND_MARGIN = timedelta(seconds=40)  # a look-up and a try at the slowest gateway, with reserve


class MessageDeliverer:
    """Delivers leased texts; safe for use by several threads."""

    def __init__(
        self,
        engine: Engine,
        info: dict[str, Any],
        routes: Mapping[str, FailoverRouter],
        clock: Callable[[], datetime],
    ) -> None:
        self._engine, self._info, self._routes, self._clock = engine, info, routes, clock

    def deliver_message(self, taken: LeasedMessage) -> None:
        """Try once, and record the outcome."""
        if self._clock() > taken.leased_until - SEND_MARGIN:
            return  # too little of the lease is left; the next worker looks it up first
        route = self._routes[taken.letter.medium]
        if not taken.unknown and not route.is_provider_available(taken.gateway, self._clock()):
            self.return_message(taken)  # the provider became unavailable meanwhile
            return
        provider_id, error = self._attempt_delivery(taken)
        self._record_delivery_result(taken, provider_id, error)
        log.info("text", id=str(taken.id), outcome=type(error).__name__ if error else "settled")

    def return_message(self, taken: LeasedMessage) -> None:
        """Release the text for another worker."""
        with transaction(self._engine, info=self._info) as session:
            delivery_outcomes.return_to_queue(session, taken, self._clock())

    def _record_delivery_result(
        self, taken: LeasedMessage, provider_id: str | None, error: Exception | None
    ) -> None:
        unknown = isinstance(error, OutcomeUnknown) or (taken.unknown and error is not None)
        with transaction(self._engine, info=self._info) as session:
            now = self._clock()
            if provider_id is not None:
                delivery_outcomes.mark_sent(session, taken, provider_id, now)
            elif isinstance(error, Rejected):
                delivery_outcomes.mark_failed(session, taken, error.code, now)
                _remember_rejection(session, taken.letter.to, error.code, now)
            elif error is None:
                delivery_outcomes.mark_expired(session, taken, now)
            else:
                rest = error.rest if isinstance(error, Unavailable) else None
                delivery_outcomes.schedule_retry(session, taken, now, unknown=unknown, rest=rest)

    def _attempt_delivery(self, taken: LeasedMessage) -> tuple[str | None, Exception | None]:
        """Return the provider's id or the error; neither if it was never sent and is too late."""
        try:
            provider_id = self._find_earlier_attempt(taken)
            if provider_id is None and self._clock() < taken.expires_at:
                provider_id = self._send_leased_message(taken)
            return provider_id, None
        except (Rejected, Unavailable, OutcomeUnknown) as problem:
            return None, problem
        except Exception as problem:
            # Do not log the message: it may contain the text.
            log.error("gateway failed", kind=type(problem).__name__)
            return None, OutcomeUnknown()

    def _find_earlier_attempt(self, taken: LeasedMessage) -> str | None:
        """Return the provider's id of a text that an earlier try may have sent."""
        if not taken.unknown:
            return None
        gateway = self._routes[taken.letter.medium][taken.gateway]
        return self._call_provider(taken, gateway, lambda: gateway.find_message(taken.letter))

    def _reject_landline(self, taken: LeasedMessage, gateway: LineTypeLookup) -> None:
        """Look up the line type, and raise ``Rejected`` for a landline; ignore failed look-ups."""
        try:
            kind = gateway.look_up_line_type(taken.letter.to)
        except (Unavailable, Rejected):
            return
        with transaction(self._engine, info=self._info) as session:
            line_types.record_line_type(session, taken.letter.to, kind, self._clock())
        if kind == line_types.LANDLINE:
            raise Rejected(line_types.LANDLINE)

    def _send_leased_message(self, taken: LeasedMessage) -> str | None:
        route = self._routes[taken.letter.medium]
        gateway = route[taken.gateway]
        if taken.ask_line and isinstance(gateway, LineTypeLookup):
            self._reject_landline(taken, gateway)
        if taken.unknown and not self._is_repeat_safe(taken, gateway):
            gateway = route.choose_provider(self._clock()) or gateway
            with transaction(self._engine, info=self._info) as session:
                if not leases.record_failover(session, taken, gateway.name):
                    raise OutcomeUnknown
        return self._call_provider(
            taken, gateway, lambda: gateway.send_message(taken.letter, self._clock())
        )

    def _is_repeat_safe(self, taken: LeasedMessage, gateway: MessageProvider) -> bool:
        """Return whether the provider that may have the text can be given it again."""
        return (
            gateway.name == taken.gateway
            and isinstance(gateway, RepeatSafeProvider)
            and gateway.is_repeat_safe(taken.letter, self._clock())
        )

    def _call_provider(
        self, taken: LeasedMessage, gateway: MessageProvider, act: Callable[[], str | None]
    ) -> str | None:
        """Call the provider, and record its health."""
        route = self._routes[taken.letter.medium]
        try:
            done = act()
        except Rejected:
            route.record_provider_result(gateway.name, good=True, now=self._clock())
            raise
        except Exception as problem:
            rest = problem.rest if isinstance(problem, Unavailable) else None
            route.record_provider_result(gateway.name, good=False, now=self._clock(), rest=rest)
            raise
        route.record_provider_result(gateway.name, good=True, now=self._clock())
        return done


def _remember_rejection(session: Session, phone: str, code: str, now: datetime) -> None:
    """Store what a rejection says about the number, for later texts."""
    if code == "opted_out":
        opt_outs.record_opt_out(session, phone, now)
    if code == line_types.LANDLINE:
        line_types.record_line_type(session, phone, code, now)
