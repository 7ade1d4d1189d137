"""The worker's job that delivers alerts of new cases."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from incidents.alerts import delivery_queue
from incidents.alerts.delivery_queue import LeasedAlert
from messaging import text_templates
from messaging.text_templates import MessageContext
from storage.session import StoreUnavailable, transaction
from vault.destinations import Destination, DestinationUnreachable, Notification
from vault.errors import KeyUnavailable, Tampered

log = structlog.get_logger("alerts")


def build_alert_notification(taken: LeasedAlert, voice: MessageContext) -> Notification:
    """Build an alert as text for people and as data for programs."""
    named = [(reference, kind) for reference, kind in taken.cases]
    short = text_templates.text_new_cases(voice, named)
    shown = [{"reference": r, "kind": k} for r, k in named if r]
    data = {
        "type": "cases.opened",
        "timestamp": taken.at.isoformat(),
        "data": {"count": len(named), "cases": shown},
    }
    lines = [text_templates.format_case_line(voice, *case) for case in named]
    return Notification(
        body="\n".join([short, "", *lines]) + "\n",
        subject=short,
        short=short,
        data=json.dumps(data, separators=(",", ":")),
        id=str(taken.alert_id),
        at=taken.at,
        again=taken.turn > 1,
    )


class AlertDeliveryJob:
    """A job of the worker, in its own thread: a destination that hangs delays nothing else."""

    def __init__(
        self,
        places: Sequence[Destination],
        voice: MessageContext,
        engine: Engine,
        info: dict[Any, Any],
        clock: Callable[[], datetime],
    ) -> None:
        self._places = {place.name: place for place in places}
        self._voice, self._engine, self._info, self._clock = voice, engine, info, clock
        self._hands = ThreadPoolExecutor(1, "alerts")
        self._busy: Future[None] | None = None

    @property
    def __name__(self) -> str:
        return "alerts"

    def __call__(self, _session: Session, _now: datetime) -> None:
        """Start a delivery run, unless the last is still running."""
        if self._busy is None or self._busy.done():
            self._busy = self._hands.submit(self.deliver_due_alerts)

    def deliver_due_alerts(self) -> None:
        """Queue an alert of new cases, and deliver what is due."""
        try:
            with transaction(self._engine, info=self._info) as session:
                delivery_queue.queue_new_case_alert(
                    session, list(self._places.values()), self._clock()
                )
            while self._deliver_next_alert():
                pass
        except (*StoreUnavailable, KeyUnavailable, Tampered):
            log.exception("alerts cannot be sent")

    def _deliver_next_alert(self) -> bool:
        with transaction(self._engine, info=self._info) as session:
            taken = delivery_queue.lease_alert_delivery(session, list(self._places), self._clock())
        if taken is None:
            return False
        failed = ""
        try:
            self._places[taken.place].send(build_alert_notification(taken, self._voice))
        except DestinationUnreachable as error:
            failed = str(error)
            log.warning("alert not taken", place=taken.place, reason=failed)
        with transaction(self._engine, info=self._info) as session:
            delivery_queue.record_delivery_attempt(session, taken, failed, self._clock())
        return True
