"""A customer refuses a booked callback that they did not ask for: it is cancelled and reported to
the investigators."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from incidents.reports import report_fields, submission
from people.customers import customer_records
from people.models import Customer
from scheduling.booking import cancellations
from scheduling.models import Callback


def refuse_and_report(
    session: Session, callback: Callback, channel: str, now: datetime, *, proven: bool = True
) -> str:
    """Cancel the callback, file a report for the investigators and return the report's reference.

    ``proven`` says that the customer has proven to hold their number. Raises ``WrongState``.
    """
    cancellations.refuse_callback(session, callback, now)
    customer = session.get_one(Customer, callback.customer_id)
    report = report_fields.ReportSubmission(
        phone=customer_records.open_customer_details(session, customer).phone,
        channel=channel,
        proven=proven,
        called_at=None,
        kind=report_fields.REFUSED,
        callback_id=callback.id,
    )
    return submission.submit_for_reference(session, report, now)
