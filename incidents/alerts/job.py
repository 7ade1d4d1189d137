"""The worker's job that delivers alerts of new cases."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Engine

from incidents.alerts import delivery_queue
from incidents.alerts.delivery_queue import LeasedAlert
from messaging import report_texts
from messaging.message_context import MessageContext
from vault.destinations import Destination, DestinationUnreachable, Notification
from vault.threaded_job import ThreadedJob

log = structlog.get_logger("alerts")


def build_alert_notification(taken: LeasedAlert, voice: MessageContext) -> Notification:
    """Build an alert as text for people and as data for programs."""
    named = [(reference, kind) for reference, kind in taken.cases]
    short = report_texts.text_new_cases(voice, named)
    shown = [{"reference": r, "kind": k} for r, k in named if r]
    data = {
        "type": "cases.opened",
        "timestamp": taken.at.isoformat(),
        "data": {"count": len(named), "cases": shown},
    }
    lines = [report_texts.format_case_line(voice, *case) for case in named]
    return Notification(
        body="\n".join([short, "", *lines]) + "\n",
        subject=short,
        short=short,
        data=json.dumps(data, separators=(",", ":")),
        id=str(taken.alert_id),
        at=taken.at,
        again=taken.turn > 1,
    )


class AlertDeliveryJob(ThreadedJob):
    """Delivers alerts of new cases to all destinations."""

    name = "alerts"

    def __init__(
        self,
        places: Sequence[Destination],
        voice: MessageContext,
        engine: Engine,
        info: dict[Any, Any],
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(engine, info, clock)
        self._places = {place.name: place for place in places}
        self._voice = voice

    def run(self) -> None:
        """Queue an alert of new cases, and deliver what is due."""
        with self.open_transaction() as session:
            delivery_queue.queue_new_case_alert(session, list(self._places.values()), self._clock())
        while self._deliver_next_alert():
            pass

    def _deliver_next_alert(self) -> bool:
        with self.open_transaction() as session:
            taken = delivery_queue.lease_alert_delivery(session, list(self._places), self._clock())
        if taken is None:
            return False
        failed = ""
        try:
            self._places[taken.place].send(build_alert_notification(taken, self._voice))
        except DestinationUnreachable as error:
            failed = str(error)
            log.warning("alert not taken", place=taken.place, reason=failed)
        with self.open_transaction() as session:
            delivery_queue.record_delivery_attempt(session, taken, failed, self._clock())
        return True
