"""One text to a provider: looked up first if need be, sent, and its outcome written down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from messaging import line_types, opt_outs
from messaging.dispatch import delivery_outcomes, leases
from messaging.dispatch.delivery_outcomes import Leased
from messaging.providers.base import Gateway, OutcomeUnknown, Rejected, Unavailable
from messaging.providers.failover import Route
from storage.session import transaction

log = structlog.get_logger("worker")

SEND_WITHIN = timedelta(seconds=40)  # a look-up and a try at the slowest gateway, and some


class Deliverer:
    """Delivers what has been leased; any number of threads may use one."""

    def __init__(
        self, engine: Engine, info: dict[str, Any], route: Route, clock: Callable[[], datetime]
    ) -> None:
        self._engine, self._info, self._route, self._clock = engine, info, route, clock

    def deliver(self, taken: Leased) -> None:
        """Try once and write down how it ended."""
        if self._clock() > taken.leased_until - SEND_WITHIN:
            return  # held up too long; whoever takes it next looks it up first
        if not taken.unknown and not self._route.well(taken.gateway, self._clock()):
            self.give_back(taken)  # it fell ill meanwhile
            return
        provider_id, error = self._tried(taken)
        self._settle(taken, provider_id, error)
        log.info("text", id=str(taken.id), outcome=type(error).__name__ if error else "settled")

    def give_back(self, taken: Leased) -> None:
        """Leave it to another worker."""
        with transaction(self._engine, info=self._info) as session:
            delivery_outcomes.give_back(session, taken, self._clock())

    def _settle(self, taken: Leased, provider_id: str | None, error: Exception | None) -> None:
        unknown = isinstance(error, OutcomeUnknown) or (taken.unknown and error is not None)
        with transaction(self._engine, info=self._info) as session:
            now = self._clock()
            if provider_id is not None:
                delivery_outcomes.sent(session, taken, provider_id, now)
            elif isinstance(error, Rejected):
                delivery_outcomes.failed(session, taken, error.code, now)
                _learn(session, taken.letter.to, error.code, now)
            elif error is None:
                delivery_outcomes.expired(session, taken, now)
            else:
                rest = error.rest if isinstance(error, Unavailable) else None
                delivery_outcomes.later(session, taken, now, unknown=unknown, rest=rest)

    def _tried(self, taken: Leased) -> tuple[str | None, Exception | None]:
        """The provider's id, or what went wrong; neither when it was never sent and is too late."""
        try:
            found = self._found(taken)
            if found is None and self._clock() < taken.expires_at:
                found = self._send(taken)
            return found, None
        except (Rejected, Unavailable, OutcomeUnknown) as problem:
            return None, problem
        except Exception as problem:
            # Without its words, which may be the text's.
            log.error("gateway failed", kind=type(problem).__name__)
            return None, OutcomeUnknown()

    def _found(self, taken: Leased) -> str | None:
        """The provider's id of a text that an earlier try may have handed over."""
        if not taken.unknown:
            return None
        gateway = self._route[taken.gateway]
        return self._heard(gateway, lambda: gateway.find(taken.letter))

    def _require_no_landline(self, taken: Leased, gateway: Gateway) -> None:
        """Ask the provider where the rules say so; when it cannot tell, the text itself will."""
        try:
            kind = gateway.line_kind(taken.letter.to)
        except (Unavailable, Rejected):
            return
        with transaction(self._engine, info=self._info) as session:
            line_types.note(session, taken.letter.to, kind, self._clock())
        if kind == line_types.LANDLINE:
            raise Rejected(line_types.LANDLINE)

    def _send(self, taken: Leased) -> str | None:
        gateway = self._route[taken.gateway]
        if taken.ask_line:
            self._require_no_landline(taken, gateway)
        if taken.unknown:
            gateway = self._route.choose(self._clock()) or gateway
            with transaction(self._engine, info=self._info) as session:
                if not leases.hand_over(session, taken, gateway.name):
                    raise OutcomeUnknown
        return self._heard(gateway, lambda: gateway.send(taken.letter, self._clock()))

    def _heard(self, gateway: Gateway, act: Callable[[], str | None]) -> str | None:
        """Do it, and remember how well the gateway did."""
        try:
            done = act()
        except Rejected:
            self._route.hear(gateway.name, good=True, now=self._clock())
            raise
        except Exception as problem:
            rest = problem.rest if isinstance(problem, Unavailable) else None
            self._route.hear(gateway.name, good=False, now=self._clock(), rest=rest)
            raise
        self._route.hear(gateway.name, good=True, now=self._clock())
        return done


def _learn(session: Session, phone: str, code: str, now: datetime) -> None:
    """What a refusal says of the number holds for the next text too."""
    if code == "opted_out":
        opt_outs.note_out(session, phone, now)
    if code == line_types.LANDLINE:
        line_types.note(session, phone, code, now)
