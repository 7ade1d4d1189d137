"""A customer says that they did not ask for a booked call: somebody booked it, and had a reason."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from incidents.reports import report_fields, submission
from people.customers import customer_records
from people.models import Customer
from scheduling.booking import bookings
from scheduling.models import Callback


def refuse_and_report(
    session: Session, callback: Callback, channel: str, now: datetime, *, proven: bool = True
) -> str:
    """Take the call off and file it for the investigators; gives the reference of the report.

    ``proven`` says that the customer is known to hold their number. Raises ``WrongState``.
    """
    bookings.refuse_callback(session, callback, now)
    customer = session.get_one(Customer, callback.customer_id)
    told = report_fields.ReportSubmission(
        phone=customer_records.open_customer_details(session, customer).phone,
        channel=channel,
        proven=proven,
        called_at=None,
        kind=report_fields.REFUSED,
        callback_id=callback.id,
    )
    return submission.submit_for_reference(session, told, now)
