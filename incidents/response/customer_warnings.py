"""Warns the customers exposed by a staff member's access: each once, by text, in batches so that
other texts do not wait behind them. The spending limit and calling hours apply as to every text.

A batch and the progress after it are stored in one transaction, so that a crash neither skips nor
warns anybody twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from incidents.cases.creation import add_case_event
from incidents.cases.models import Case, WarnedCustomer, WarningRun
from incidents.response import exposure
from incidents.response.warning_runs import DONE, RUNNING
from messaging import calling_hours, line_types, outbox, report_texts
from messaging.models import MessageState, OutboxMessage, Priority
from people.customers import customer_records
from people.models import Customer
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from vault.audit import audit_log
from vault.audit.acts import AuditAct

MESSAGE_KIND = outbox.WARNING
#: At most this many texts wait to be sent; the next batch follows as they leave.
MAX_QUEUED, BATCH_SIZE = 300, 100
TEXT_LIFETIME = timedelta(days=3)


@dataclass(frozen=True)
class WarningProgress:
    """Progress of a warning run: ``done`` of ``total`` customers, the number of ``texts`` by state,
    and the ``landlines``, which cannot receive texts."""

    state: str
    begun_at: datetime
    total: int
    done: int
    landlines: int
    texts: dict[str, int]


class CustomerWarningJob:
    """A job of the worker: queues the next batch of the oldest running warning."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    @property
    def __name__(self) -> str:
        return "warnings"

    def __call__(self, session: Session, now: datetime) -> None:
        """Queue the next batch, unless too many texts of earlier batches are still waiting."""
        run = session.exec(
            select(WarningRun)
            .where(col(WarningRun.state) == RUNNING)
            .order_by(col(WarningRun.id))
            .limit(1)
            .with_for_update(skip_locked=True)
        ).first()
        if run is None or _count_queued_warnings(session) >= MAX_QUEUED:
            return
        ids = exposure.list_exposed_ids(
            session, run.staff_id, run.since, run.until, run.reached, BATCH_SIZE
        )
        for id_ in ids:
            self._warn_customer_once(session, run, id_, now)
        if ids:
            run.reached, run.done = ids[-1], run.done + len(ids)
        else:
            run.state = DONE
            case = session.get_one(Case, run.case_id)
            add_case_event(
                session, case, AuditAct.CASE_WARNED, str(run.done), audit_log.SYSTEM, now
            )
        session.add(run)
        session.flush()

    def _warn_customer_once(
        self, session: Session, run: WarningRun, customer_id: UUID, now: datetime
    ) -> None:
        if session.get(WarnedCustomer, (run.case_id, customer_id)) is not None:
            return
        customer = session.get(Customer, customer_id)
        if customer is None or customer.erased_at is not None:
            return
        audit_log.record_act(
            session,
            audit_log.SYSTEM,
            AuditAct.CUSTOMER_WARN,
            now,
            customer_id=customer_id,
            purpose=session.get_one(Case, run.case_id).reference,
        )
        message_id = self._queue_warning_text(session, customer, now)
        session.add(
            WarnedCustomer(
                case_id=run.case_id, customer_id=customer_id, message_id=message_id, at=now
            )
        )
        session.flush()

    def _queue_warning_text(
        self, session: Session, customer: Customer, now: datetime
    ) -> UUID | None:
        """Queue the text and return its id, or ``None`` for a landline: an unexpected call is what
        we warn of."""
        phone = customer_records.open_customer_details(session, customer).phone
        if line_types.find_line_type(session, phone, now) == line_types.LANDLINE:
            return None
        voice = callback_notifier.customer_message_context(session, customer, self._policy, now)
        zone = customer.timezone
        due_at = calling_hours.next_allowed_time(now, zone, self._policy.calling_hours_in(zone))
        draft = outbox.NewMessage(
            customer_id=customer.id,
            kind=MESSAGE_KIND,
            to=phone,
            body=report_texts.text_exposure_warning(voice),
            due_at=due_at,
            expires_at=due_at + TEXT_LIFETIME,
            priority=Priority.WARNING,
            decent=self._policy.calling_hours_for(zone),
        )
        return outbox.queue_message(session, draft, now)


def _count_queued_warnings(session: Session) -> int:
    return session.exec(
        select(func.count())
        .select_from(OutboxMessage)
        .where(
            col(OutboxMessage.kind) == MESSAGE_KIND,
            col(OutboxMessage.state).in_([MessageState.QUEUED, MessageState.SENDING]),
        )
    ).one()


def load_warning_progress(session: Session, run: WarningRun) -> WarningProgress:
    """Return the progress of a warning run."""
    states = session.exec(
        select(col(OutboxMessage.state), func.count())
        .select_from(WarnedCustomer)
        .join(OutboxMessage, col(OutboxMessage.id) == col(WarnedCustomer.message_id), isouter=True)
        .where(col(WarnedCustomer.case_id) == run.case_id)
        .group_by(col(OutboxMessage.state))
    ).all()
    counts = {state or "landline": count for state, count in states}
    landlines = counts.pop("landline", 0)
    return WarningProgress(run.state, run.begun_at, run.total, run.done, landlines, counts)
