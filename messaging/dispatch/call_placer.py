"""The worker's job that places queued calls and hangs up those that must end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Engine

from messaging.dispatch.call_worker import (
    PLACED_WITHIN,
    LeasedCall,
    lease_calls,
    record_call_hung_up,
    record_call_not_placed,
    record_call_placed,
)
from messaging.providers.base import OutcomeUnknown, Rejected, Unavailable
from messaging.providers.voice_base import VoiceProvider
from messaging.sending_limits import SendingLimits
from storage.session import transaction

log = structlog.get_logger("worker")


class CallPlacer:
    """Places and ends calls over one provider; every worker may have one."""

    def __init__(
        self,
        engine: Engine,
        info: dict[str, Any],
        line: VoiceProvider,
        clock: Callable[[], datetime],
        rules: SendingLimits,
    ) -> None:
        self._engine, self._info, self._line = engine, info, line
        self._clock, self._rules = clock, rules

    def handle_due_calls(self) -> int:
        """Handle all due calls; return their number."""
        with transaction(self._engine, info=self._info) as session:
            jobs = lease_calls(session, self._rules, self._clock())
        for job in jobs:
            (self._hang_up_call if job.hang_up else self._place_leased_call)(job)
        return len(jobs)

    def _place_leased_call(self, job: LeasedCall) -> None:
        sid, error = self._attempt_call(job)
        with transaction(self._engine, info=self._info) as session:
            if sid is not None:
                record_call_placed(session, job, sid, self._line.placed, self._clock())
            else:
                record_call_not_placed(session, job, error, self._clock())
        log.info("call", id=str(job.id), outcome=type(error).__name__ if error else "placed")

    def _attempt_call(self, job: LeasedCall) -> tuple[str | None, Exception | None]:
        try:
            sid = job.agent_sid or (self._line.find_placed_call(job.ring) if job.unknown else None)
            if sid is None and self._clock() < job.wanted_at + PLACED_WITHIN:
                sid = self._line.place_call(job.ring)
            return sid, None
        except (Rejected, Unavailable, OutcomeUnknown) as problem:
            return None, problem
        except Exception as problem:
            # Do not log the message: it may contain a phone number.
            log.error("line failed", kind=type(problem).__name__)
            return None, OutcomeUnknown()

    def _hang_up_call(self, job: LeasedCall) -> None:
        try:
            sid = job.agent_sid or self._line.find_placed_call(job.ring)
            if sid is not None:
                self._line.hang_up(sid)
        except Exception as problem:  # the call stays due; it is retried when its lease ends
            log.warning("not hung up", id=str(job.id), kind=type(problem).__name__)
            return
        with transaction(self._engine, info=self._info) as session:
            record_call_hung_up(session, job)
