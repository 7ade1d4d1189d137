"""Demo people and callbacks for an empty database. Production refuses a database that has them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

import pyotp
from sqlmodel import Session, select

from incidents.reports import submission
from incidents.reports.report_fields import ReportSubmission
from people import password_seal
from people.credentials import hash_password
from people.customers import customer_creation
from people.models import Customer, Role, Staff
from people.staff import staff_records
from scheduling.booking import bookings
from scheduling.calendars import working_hours
from scheduling.policy import Policy
from vault.audit import audit_log
from vault.keys import keyring

DEMO_PASSWORD = "correct-horse-demo"  # noqa: S105  (meant to be known)


@dataclass(frozen=True)
class DemoStaffMember:
    """A demo member of staff."""

    name: str
    email: str
    role: Role
    phone: str = ""


@dataclass(frozen=True)
class DemoCustomer:
    """A demo customer, with an example number."""

    name: str
    phone: str
    locale: str


DEMO_STAFF_MEMBERS = (
    DemoStaffMember("Ana Silva", "ana@example.org", Role.AGENT, "+447400123401"),
    DemoStaffMember("Ben Okafor", "ben@example.org", Role.AGENT, "+447400123402"),
    DemoStaffMember("Sam Lindqvist", "sam@example.org", Role.SUPERVISOR),
    DemoStaffMember("Ines Moreau", "ines@example.org", Role.INVESTIGATOR),
    DemoStaffMember("Ivo Brandt", "ivo@example.org", Role.INVESTIGATOR),
)
DEMO_CUSTOMERS = (
    DemoCustomer("Gwen Jones", "+447400123456", "en"),
    DemoCustomer("Heinz Becker", "+4915112345678", "de"),
    DemoCustomer("Lucia Romero", "+34612345678", "es"),
    DemoCustomer("Walter Nguyen", "+12025550123", "en"),
)


#: Reports by some of these customers, similar enough to be grouped into one case.
DEMO_REPORTS = (
    ("+447400123456", "He said my router sends spam and wanted to connect with my computer."),
    ("+4915112345678", "My router sends spam, she wanted to connect with my computer today."),
    ("+12025550123", "Router sends spam. Wanted money to clean it."),
)


def is_database_empty(session: Session) -> bool:
    """Return whether the database has no staff and no customers."""
    staffed = session.exec(select(Staff.id).limit(1)).first()
    return staffed is None and session.exec(select(Customer.id).limit(1)).first() is None


def add_seed_data(session: Session, policy: Policy, now: datetime) -> None:
    """Add demo staff, customers, reports, and callbacks. The first callback can be started at
    once."""
    members = [
        _add_seed_staff_member(session, member, policy, now) for member in DEMO_STAFF_MEMBERS
    ]
    ana, ben = members[0], members[1]
    week = {day: [(9 * 60, 17 * 60)] for day in range(5)}
    working_hours.replace_working_hours(session, ben.id, week, audit_log.SYSTEM, now)
    known = [_add_seed_customer(session, customer, ana, policy, now) for customer in DEMO_CUSTOMERS]
    any_hour = replace(policy, min_notice_minutes=0, calling_hours=(time(0), None))
    minute = now.replace(second=0, microsecond=0)
    plan = (
        (known[0], timedelta(minutes=2), 30, "your new router", "T-1001"),
        (known[1], timedelta(minutes=45), 15, "Ihre Rechnung", "T-1002"),
        (known[2], timedelta(hours=2), 15, "su tarjeta", "T-1003"),
        (known[3], timedelta(days=1), 30, "your account", "T-1004"),
    )
    for customer, ahead, minutes, topic, ticket in plan:
        wish = bookings.BookingRequest(minute + ahead, minutes, topic, ticket)
        bookings.book_callback(session, customer, ana.id, wish, any_hour, now)
    for number, (phone, text) in enumerate(DEMO_REPORTS):
        _file_seed_report(session, phone, text, now - timedelta(hours=2 + number))


def _file_seed_report(session: Session, phone: str, said: str, at: datetime) -> None:
    report = ReportSubmission(
        phone,
        "web",
        called_at=at,
        shown_number="+44 20 7946 0999",
        said=said,
        knew=["name", "ticket"],
        claimed_to_be="Example Bank",
        asked_for=["remote"],
    )
    submission.submit_for_reference(session, report, at)


def _add_seed_staff_member(
    session: Session, who: DemoStaffMember, policy: Policy, now: datetime
) -> Staff:
    member = staff_records.add_staff_member(
        session, who.email, who.name, who.role, now, timezone=policy.default_zone, demo=True
    )
    hashed = hash_password(DEMO_PASSWORD)
    member.password_hash = password_seal.seal_password(session, member.id, hashed)
    member.totp_secret = keyring.current_keyring(session).seal_for_purpose(
        keyring.STAFF, f"staff.totp_secret:{member.id}", pyotp.random_base32()
    )
    session.add(member)
    session.flush()
    if who.phone:
        staff_records.set_staff_phone(session, member, who.phone, now)
    return member


def _add_seed_customer(
    session: Session, who: DemoCustomer, agent: Staff, policy: Policy, now: datetime
) -> Customer:
    new = customer_creation.NewCustomer(who.phone, who.name, who.locale)
    return customer_creation.add_customer(
        session, new, audit_log.staff_actor(agent.id), now, default_zone=policy.default_zone
    )
