"""A customer of the journey is erased as two people decide; what the keys open of them then."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from sqlmodel import Session, col, select

from people.approvals import sealed_requests
from people.approvals.models import ApprovalRequest
from people.customers import customer_records
from people.models import Role, Staff
from procedures import approval_registry
from scheduling.booking import cancellations
from scheduling.callback_rows import lock_upcoming_callbacks
from tests.approvals import approve_request
from tests.channels.support import context, unit
from tests.security_rules.support import sealed_columns as columns
from vault.audit import audit_log
from vault.errors import KeyUnavailable, Tampered
from vault.models import DataKey


def erase(app: Flask, phone: str) -> bytes:
    """Erase the customer with this number: the command line asks, two approve. Return their
    wrapped key as it was stored."""
    here = context(app)
    with unit(app) as session:
        found = customer_records.find_by_phone(session, phone)
        assert found is not None
        wrapped = session.get_one(DataKey, found.id).wrapped
        for callback in lock_upcoming_callbacks(session, found.id, here.clock()):
            cancellations.cancel_booked_callback(
                session, callback, here.policy, here.clock(), audit_log.CUSTOMER
            )
    said = command(app, "customers", "erase", "--phone", phone, "--why", "she wants it so")
    assert said == ""  # two must approve
    with unit(app) as session:
        assert _approved(session, here) == "done"
    return wrapped


def _approved(session: Session, here) -> str:
    row = session.exec(select(ApprovalRequest).where(ApprovalRequest.state == "asked")).one()
    kinds, digest = (
        approval_registry.collect_request_types(here.policy),
        sealed_requests.open_approval_request(session, row).digest,
    )
    who = session.exec(select(Staff).where(col(Staff.role) != Role.AGENT)).all()
    said = [approve_request(session, kinds, row.id, digest, item.id, here.clock()) for item in who]
    return str(said[-1])


def command(app: Flask, *words: str) -> str:
    """What a command says."""
    return app.test_cli_runner().invoke(args=[*words]).stdout


def with_a_checkpoint(app: Flask, folder: Path) -> list[str]:
    """A checkpoint of now, kept out of the store's reach, and how to verify the log by it."""
    kept = folder / "checkpoint"
    kept.write_text(command(app, "audit", "checkpoint"))
    key = command(app, "audit", "key").strip()
    return ["audit", "verify", "--checkpoint", str(kept), "--key", key]


def readable(app: Flask) -> bytes:
    """Return all that a holder of the keys can open. The simulator's table stands for the phones of
    customers, who keep what they were texted."""
    found = []
    with unit(app) as session:
        for column in sorted(columns.SEALED - {"demo_text.phone", "demo_text.body"}):
            for row, sealed in columns.values(session, column):
                try:
                    held = columns.opened(session, column, row, sealed, context(app).master)
                except (Tampered, KeyUnavailable):
                    continue
                found.append(held.encode() if isinstance(held, str) else held)
    return b"\n".join(found)
