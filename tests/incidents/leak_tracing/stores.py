"""A leak in a store of ours: staff who look at customers, calls, and reports of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from sqlmodel import col, select

from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import CaseKind
from incidents.reports import report_fields, submission
from incidents.reports.models import Report
from people.models import Role
from tests import factories
from tests.databases import Store
from vault.audit import audit_log

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LOOKED = NOW - timedelta(days=20)


@dataclass
class Scene:
    """Staff with what they have seen; ``reference`` is a case of the reports."""

    store: Store
    staff: list[UUID] = field(default_factory=list)
    customers: list[tuple[UUID, str]] = field(default_factory=list)
    seen: dict[UUID, set[UUID]] = field(default_factory=dict)
    reference: str = ""

    def look(self, who: UUID, customer: UUID, at: datetime, purpose: str = "own day") -> None:
        with self.store.unit() as session:
            audit_log.record_act(
                session,
                audit_log.staff_actor(who),
                "customer.read",
                at,
                customer_id=customer,
                purpose=purpose,
            )
        self.seen.setdefault(who, set()).add(customer)


def a_scene(store: Store, staff: int = 6, customers: int = 60, each: int = 12) -> Scene:
    """Agents, and an investigator at the end, who each looked at some customers; no reports yet."""
    scene, chance = Scene(store), Random(7)
    with store.unit() as session:
        for n in range(staff):
            role = Role.INVESTIGATOR if n == staff - 1 else Role.AGENT
            scene.staff.append(factories.an_agent(session, LOOKED, role=role).id)
        for _ in range(customers):
            phone = factories.a_phone()
            scene.customers.append((factories.a_customer(session, LOOKED, phone).id, phone))
    for n, who in enumerate(scene.staff):
        for customer, _ in chance.sample(scene.customers, each):
            scene.look(who, customer, LOOKED + timedelta(hours=n))
    return scene


def report(scene: Scene, insider: UUID, others: int = 2, **told) -> None:
    """All that the insider has seen report calls, and a few others; a case is made of it."""
    own = [customer for customer in scene.customers if customer[0] in scene.seen[insider]]
    rest = [customer for customer in scene.customers if customer[0] not in scene.seen[insider]]
    with scene.store.unit() as session:
        for n, (_, phone) in enumerate(own + rest[:others]):
            at = NOW - timedelta(days=5, hours=-n)
            given = {"proven": True, "called_at": at, **told}
            submission.submit_for_reference(
                session,
                report_fields.ReportSubmission(phone, "text", **given),
                at + timedelta(hours=1),
            )
        rows = session.exec(select(Report).order_by(col(Report.id))).all()
        evidence = [NewEvidence("report", str(row.id), row.at, row.customer_id) for row in rows]
        scene.reference = open_or_extend_case(session, CaseKind.CALLS, "x", evidence, NOW).reference
