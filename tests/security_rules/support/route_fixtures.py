"""What a house needs so that each of its routes really does or shows something when it is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select
from webauthn.helpers import base64url_to_bytes

from incidents.cases import merge_split, workflow
from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import Case, CaseEvidence, CaseKind, CaseOutcome
from incidents.evening_notes import case_evidence, note_creation
from incidents.evening_notes.due_evenings import DueEvening
from incidents.response import warning_runs
from messaging import call_queue
from messaging.call_states import CallState
from people.approvals import sealed_requests
from people.approvals.models import ApprovalRequest
from people.credential_models import StaffSession
from people.models import Customer, Role, Staff
from people.passkeys import credential_records, registration
from people.staff import second_factor, session_lifecycle, suspension
from procedures import number_change
from scheduling.booking import bookings, cancellations
from scheduling.models import Callback
from storage.column_types import new_id
from tests import factories
from tests.authenticator import Authenticator
from tests.channels.conftest import Console
from vault.audit import audit_log
from vault.models import AuditEntry
from verification import call_session

#: Number of a customer nobody calls but an agent looked up; number a customer changes to.
STRANGER, NEW = "+447400123458", "+447400123459"
_SITE = {"rp_id": "check.example.org", "origin": "https://check.example.org"}
_WHY = "as she told us on the phone"


def furnish(console: Console, people: dict[Role, UUID], names: dict[str, Any]) -> dict[str, Any]:
    """More for a house of these people, by name. ``names`` are what there is."""
    made: dict[str, Any] = {"stranger": STRANGER, "new": NEW}
    stranger = console.customer(STRANGER, "Uma Field")
    with console.unit() as session:
        ana = session.get_one(Staff, people[Role.AGENT])
        factories.looked_up(session, ana, STRANGER, console.now)
        made |= _of_calls(console, session, names)
        made |= _of_staff(console, session, people, names["colleague"])
        made |= _cases(console, session, people)
    assert stranger
    return made


def _of_calls(console: Console, session: Session, names: dict[str, Any]) -> dict[str, Any]:
    """A call that missed its customer, one that was cancelled, a number to be changed, and an
    opening that its customer sees."""
    now, policy = console.now, console.context.policy
    going = session.get_one(Callback, names["going"])
    number_change.request_number_change(session, going, NEW, _WHY, policy, now)
    asked = session.exec(select(ApprovalRequest)).one()
    booked = session.get_one(Callback, names["callback"])
    wish = bookings.BookingRequest(
        now.replace(second=0, microsecond=0) + timedelta(hours=2), 15, "your bill"
    )
    customer = session.get_one(Customer, booked.customer_id)
    off = bookings.book_callback(session, customer, booked.agent_id, wish, policy, now)
    cancellations.cancel_booked_callback(session, off, policy, now)
    about = {"customer_id": booked.customer_id, "callback_id": booked.id}
    audit_log.record_act(
        session, audit_log.staff_actor(booked.agent_id), "customer.read", now, **about
    )
    newest = select(AuditEntry.id).order_by(col(AuditEntry.id).desc()).limit(1)
    entry, digest = (
        session.exec(newest).one(),
        sealed_requests.open_approval_request(session, asked).digest,
    )
    return {
        "off": off.id,
        "rung": _rung(console, session, going.agent_id),
        "asked": asked.id,
        "digest": digest,
        "entry": entry,
    }


def _rung(console: Console, session: Session, agent: UUID) -> UUID:
    """A call that another had begun, which missed its customer."""
    now, policy = console.now, replace(console.context.policy, min_notice_minutes=0)
    at = now.replace(second=0, microsecond=0) + timedelta(minutes=2)
    wish = bookings.BookingRequest(at, 15, "your bill")
    other, customer = factories.an_agent(session, now), factories.a_customer(session, now)
    callback = bookings.book_callback(session, customer, other.id, wish, policy, now)
    call_session.start_call(session, callback, policy, now)
    callback.agent_id = agent
    call = call_queue.queue_call(session, callback.id, "+447400123499", now)
    call.state = CallState.NO_ANSWER
    session.add_all([callback, call])
    return callback.id


def _of_staff(
    console: Console, session: Session, people: dict[Role, UUID], colleague: UUID
) -> dict[str, Any]:
    """Another browser and passkeys; a colleague who could be helped with a link; and one who is
    suspended."""
    now, devices = console.now, {}
    ana = session.get_one(Staff, people[Role.AGENT])
    session_lifecycle.open_staff_session(session, ana, now, browser="Firefox, Linux")
    newest = select(StaffSession.id).order_by(col(StaffSession.id).desc()).limit(1)
    for role in (Role.AGENT, Role.INVESTIGATOR):
        device = devices[role] = Authenticator(**_SITE)
        device.handle = registration.ensure_user_handle(
            session, session.get_one(Staff, people[role])
        )
        credential_records.store_passkey(
            session, people[role], device.credential, device._public(), 0, "Phone", now
        )
    second_factor.issue_recovery_codes(session, colleague)
    carl = factories.an_agent(session, now, name="Carl Ortiz")
    suspension.suspend_staff_member(session, carl.id, audit_log.SYSTEM, now)
    mine = credential_records.list_passkey_rows(session, ana.id)[0].id
    return {
        "passkey_id": mine,
        "session_id": session.exec(newest).one(),
        "carl": carl.id,
        "devices": devices,
    }


def _cases(console: Console, session: Session, people: dict[Role, UUID]) -> dict[str, Any]:
    """One that names the agent, with what she was asked about; one that is decided; one that is
    closed, and names who is suspended."""
    now, ivy, ana = console.now, people[Role.INVESTIGATOR], people[Role.AGENT]
    evening = DueEvening(ana, now.date(), now + timedelta(minutes=1))
    note = note_creation.create_evening_note(session, evening, now)
    assert note is not None
    found: dict[str, Any] = {"note_id": note.id}
    for name in ("sought", "decided", "closed", "other"):
        found_in = [NewEvidence("report", str(new_id()), now) for _ in range(2)]
        case = open_or_extend_case(session, CaseKind.ACCESS, f"{name} case", found_in, now)
        workflow.claim_case(session, case.reference, ivy, now)
        found[name] = case.reference
    carl = session.exec(select(Staff.id).where(col(Staff.suspended_at).is_not(None))).one()
    for name, person in (("sought", ana), ("closed", carl)):
        workflow.add_named_staff_member(session, found[name], ivy, person, _WHY, now)
    for name in ("decided", "closed"):
        workflow.decide_case_outcome(session, found[name], ivy, CaseOutcome.EXPLAINED, _WHY, now)
    workflow.close_decided_case(session, found["closed"], ivy, _WHY, now)
    case_evidence.attach_notes_to_cases(session, timedelta(0), now)
    merge_split.merge_cases(session, found["decided"], found["other"], ivy, _WHY, now)
    case = session.exec(select(Case).where(Case.reference == found["decided"])).one()
    since, until = now - timedelta(days=1), now + timedelta(days=1)
    warning_runs.start_warning_run(session, case, ana, since, until, now)
    parts = select(CaseEvidence.id).where(CaseEvidence.case_id == case.id)
    return {**found, "part": session.exec(parts.limit(1)).one()}


def answers(house: Any) -> dict[str, str]:
    """What the browsers' devices answer to being asked for a passkey; each challenge waits in the
    browser's own cookie."""
    devices = house.names["devices"]
    ivys, new = devices[Role.INVESTIGATOR], Authenticator(**_SITE)
    made = _asked(house, Role.AGENT, "account/passkeys/ask")
    handle = base64url_to_bytes(made["user"]["id"])
    challenges = {
        who: base64url_to_bytes(_asked(house, who, path)["challenge"])
        for who, path in (
            (Role.INVESTIGATOR, "account/proof/passkey/ask"),
            ("anybody", "sign-in/passkey/ask"),
        )
    }
    return {
        "made": new.make(base64url_to_bytes(made["challenge"]), handle),
        "proof": ivys.use(challenges[Role.INVESTIGATOR]),
        "entrance": devices[Role.AGENT].use(challenges["anybody"]),
    }


def _asked(house: Any, who: str, path: str) -> Any:
    headers = {"X-CSRFToken": house.forms[who]}
    answer = house.tabs[who].post(f"/staff/{path}", json={}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json
