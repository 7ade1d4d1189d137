"""A canary that is called or texted speaks for a leak by somebody who had opened it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import col, select

from incidents.canaries import creation, detections
from incidents.canaries import store as register
from incidents.canaries.detections import DetectionKind
from incidents.cases.models import Case
from incidents.leak_tracing import service
from people.customer_import.validation import ImportRules
from tests import factories

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
LATER = NOW + timedelta(days=2)
PHONES = ("+447400200001", "+447400200002")
RULES = ImportRules(("en", "de", "es"), "GB", (), "Europe/London")


def opened_and_rung(store):
    """Two canaries that Ana has opened, beside customers of Ben's; both have been called."""
    with store.unit() as session:
        creation.plan_canaries(session, PHONES, RULES, NOW, reference="K-######")
        for phone in PHONES:
            factories.a_customer(session, NOW, phone, "Ruth Evans")
        register.link_imported_canaries(session, register.load_canaries(session))
    with store.unit() as session:
        ana, ben = (factories.an_agent(session, NOW, name=name) for name in ("Ana", "Ben"))
        for phone in PHONES:
            factories.looked_up(session, ana, phone, NOW)
        for _ in range(8):
            other = factories.a_phone()
            factories.a_customer(session, NOW, other)
            factories.looked_up(session, ben, other, NOW)
    for phone in PHONES:
        with store.unit() as session:
            assert detections.detect_canary_contact(
                session, phone, DetectionKind.CALL, f"call {phone}", LATER
            )
    return ana, ben


def test_who_opened_the_canaries_that_were_rung_leads_over_who_did_not(store):
    ana, ben = opened_and_rung(store)
    with store.unit() as session:
        found = service.trace_recent_signals(session, None, LATER)
    rows = {row.source: row for row in found.rows}
    assert (found.customers, found.strays) == (2, 0)
    assert rows[str(ana.id)].seen == 2
    assert rows[str(ana.id)].posterior > rows["outside"].posterior
    assert str(ben.id) not in rows or rows[str(ben.id)].posterior < 0.1


def test_the_case_of_one_canary_is_traced_by_its_own_contacts(store):
    ana, _ = opened_and_rung(store)
    with store.unit() as session:
        reader = factories.an_agent(session, NOW, name="Ines", role="investigator")
    contact = col(Case.fold).like("canary:contact:%")
    references = store.all(select(Case.reference).where(contact))
    assert len(references) == 2
    with store.unit() as session:
        found = service.trace_case_signals(session, references[0], reader.id, LATER)
    assert found is not None
    assert (found.customers, found.likeliest.source) == (1, str(ana.id))
