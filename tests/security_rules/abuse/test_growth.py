"""No table grows for ever by what strangers do: each has an answer, and a new one must get one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlmodel import SQLModel, select

import app  # noqa: F401  (so that every table is known)
from incidents.cases.models import Case, CaseEvidence, GroupedReport
from incidents.reports.models import Report, SignalRecord
from messaging.models import InboundText
from people.models import NumberProof
from procedures import data_expiry
from vault.keys import keyring

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
OURS = "only our own staff, command line or worker add to it"
A_CALL = "one or a few a callback, which staff or a customer with a proven page number book"
A_CUSTOMER = "one or a few a customer, and goes with them (retention, erasure)"
A_CASE = "one or a few a case or report, and cases are opened within limits"
ANSWERS = {
    # Strangers add to these, and a job takes from them.
    "number_proof": "procedures/data_expiry.py: after 7 days",
    "inbound_text": "procedures/data_expiry.py: the sender after 90 days; the id stays (rule M2),"
    " and its sender has paid for a text",
    "stream_item": "procedures/data_expiry.py: after 400 days where no customer and no report is"
    " named",
    "report": "procedures/data_expiry.py: after 400 days where no customer and no case is named",
    "grouped_report": "procedures/data_expiry.py: with its report",
    "delivery": "messaging/delivery_reports.py: after 90 days",
    "spent_challenge": "people/passkeys/relying_party.py: after minutes",
    "budget_opening": "people/customers/access_budgets.py: after a day",
    "page_number_tries": "verification/page_number_limits.py: one an hour, after two days",
    # Strangers add to these, and nothing may take from them.
    "audit_entry": "kept for ever by design; failed tries of strangers are counted, not each kept",
    "audit_tile": "one for 256 entries of the audit log",
    "opt_out": "one a number; kept by law, and its sender has paid for a text",
    # Strangers do not add to these.
    **dict.fromkeys(("purpose_key", "key_register", "heartbeat", "spending"), OURS),
    **dict.fromkeys(("audit_run", "audit_state", "audit_checkpoint", "audit_publication"), OURS),
    "audit_writer": "one for each process of ours",
    **dict.fromkeys(("staff", "team", "membership", "recovery_code", "enrolment_link"), OURS),
    **dict.fromkeys(("staff_session", "api_token", "passkey", "staff_notice"), OURS),
    **dict.fromkeys(("budget_unlock", "approval_request", "approval_vote"), OURS),
    **dict.fromkeys(("working_hours", "dated_hours", "time_off", "skill", "calendar_feed"), OURS),
    **dict.fromkeys(("idempotency_key", "customer_import", "canary_batch"), OURS),
    **dict.fromkeys(("evening_round", "evening_note", "noted_access", "audit_reading"), OURS),
    **dict.fromkeys(("access_tally", "access_mark", "watch_mark", "watch_person"), OURS),
    **dict.fromkeys(("watch_open",), OURS),
    **dict.fromkeys(("customer", "data_key", "customer_session", "line_kind"), A_CUSTOMER),
    **dict.fromkeys(("objection", "objected_entry", "outbox_message"), A_CUSTOMER),
    **dict.fromkeys(("callback", "code", "taken_step", "follow_up", "former_time"), A_CALL),
    **dict.fromkeys(("slot_offer", "phone_call"), A_CALL),
    **dict.fromkeys(("incident_case", "case_subject", "case_evidence", "case_step"), A_CASE),
    **dict.fromkeys(("case_alert", "alert_delivery", "warning_run", "warned_customer"), A_CASE),
    "demo_text": "the simulator's, which production refuses",
    "demo_line": "the simulator's, which production refuses",
}


def test_every_table_has_an_answer():
    assert set(ANSWERS) == set(SQLModel.metadata.tables)


def test_what_strangers_added_long_ago_is_removed(store):
    """Was red on c916469: nothing removed any of it."""
    young = [
        NOW - data_expiry.PROOF_RETENTION,
        NOW - data_expiry.SENDER_RETENTION,
        NOW - data_expiry.SIGNAL_RETENTION,
    ]
    old = [item - timedelta(seconds=1) for item in young]
    for times in (young, old):
        fill(store, *times, count=3)
    job = data_expiry.DataExpiryJob()
    for _ in range(3):
        with store.unit() as session:
            job(session, NOW)
    assert [row.made_at for row in store.all(select(NumberProof))] == [young[0]] * 3
    texts = store.all(select(InboundText))
    assert sorted((row.received_at, bool(row.sender_index)) for row in texts) == sorted(
        [(young[1], True)] * 3 + [(old[1], False)] * 3
    )
    assert [row.at for row in store.all(select(SignalRecord))] == [young[2]] * 3
    reports = store.all(select(Report))
    assert sorted(row.at for row in reports) == [young[2]] * 3
    with store.unit() as session:
        job(session, NOW + timedelta(minutes=59))
    assert len(store.all(select(NumberProof))) == 3
    with store.unit() as session:
        job(session, NOW + timedelta(minutes=60))
    assert store.all(select(NumberProof)) == []


@pytest.mark.parametrize("named", ["customer", "case"])
def test_a_report_that_names_a_customer_or_a_case_stays(store, named):
    fill(store, NOW, NOW, NOW - timedelta(days=900), count=1)
    with store.unit() as session:
        row = session.exec(select(Report)).one()
        if named == "customer":
            row.customer_id = uuid4()
            session.add(row)
        else:
            case = Case(reference="C", kind="calls", opened_at=NOW, changed_at=NOW)
            session.add(case)
            session.flush()
            ref = str(row.id)
            session.add(CaseEvidence(case_id=case.id, kind="report", ref=ref, at=NOW))
    with store.unit() as session:
        data_expiry.DataExpiryJob()(session, NOW)
    assert len(store.all(select(Report))) == 1


def test_many_are_removed_in_batches(store, monkeypatch):
    monkeypatch.setattr(data_expiry, "BATCH_SIZE", 2)
    fill(store, *(NOW - timedelta(days=900) for _ in range(3)), count=5)
    job = data_expiry.DataExpiryJob()
    for _ in range(5):
        with store.unit() as session:
            job(session, NOW)
    for table in (NumberProof, SignalRecord, Report, GroupedReport):
        assert store.all(select(table)) == []


def fill(store, proof_at: datetime, text_at: datetime, sign_at: datetime, *, count: int) -> None:
    """What strangers cause, at these times."""
    with store.unit() as session:
        ring = keyring.current_keyring(session)
        for _ in range(count):
            form = ring.compute_blind_index("phone", str(uuid4()))
            session.add(NumberProof(phone_index=form, made_at=proof_at, valid_until=proof_at))
            session.add(
                InboundText(
                    provider_id=uuid4().hex, sender_index=form, word="other", received_at=text_at
                )
            )
            session.add(
                SignalRecord(
                    kind="unconfirmed", at=sign_at, channel="web", proven=False, phone_index=form
                )
            )
            report = Report(
                reference=uuid4().hex[:12],
                at=sign_at,
                channel="web",
                proven=False,
                phone_index=form,
                **dict.fromkeys(("phone", "shown_number", "said", "knew"), b"x"),
            )
            session.add(report)
            session.flush()
            session.add(GroupedReport(report_id=report.id, at=sign_at))
