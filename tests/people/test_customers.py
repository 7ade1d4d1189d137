"""Customers: each under a key of their own, found by exactly what names them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlmodel import select

from people.customers import customer_creation, customer_records
from people.customers.customer_creation import NewCustomer
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput
from people.models import Customer
from tests.factories import PHONE, a_customer
from tests.processes import at_once
from vault.audit import audit_log
from vault.models import AuditEntry, DataKey

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def test_a_customer_is_found_by_number_and_reference_and_read_as_given(store):
    with store.unit() as session:
        made = a_customer(session, NOW, PHONE, "  Zoë   Ng ", external_ref="CRM-1")
    with store.unit() as session:
        assert customer_records.find_by_phone(session, PHONE).id == made.id
        assert customer_records.find_by_external_ref(session, "CRM-1").id == made.id
        person = customer_records.open_customer_details(session, made)
    assert (person.name, person.phone, person.phone_masked) == ("Zoë Ng", PHONE, "••• ••56")
    assert person.timezone == "Europe/London"
    assert [row.action for row in store.all(select(AuditEntry))] == ["customer.add"]


@pytest.mark.parametrize("asked", ["+4474001234", "%", "+44740012345_", "447400123456", "", "CRM"])
def test_nothing_less_than_the_whole_finds_anybody(store, asked):
    with store.unit() as session:
        a_customer(session, NOW, PHONE, external_ref="CRM-1")
        assert customer_records.find_by_phone(session, asked) is None
        assert customer_records.find_by_external_ref(session, asked) is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " \t "}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "Gwen\x00"}, "name"),
        ({"name": "Gwen\u202e"}, "name"),
        ({"name": "www.evil.example"}, "name"),
        ({"name": "call evil.com"}, "name"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"external_ref": "r" * 61}, "external_ref"),
        ({"phone": "+449098790000"}, "phone"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(store, changes, field):
    given = {"phone": PHONE, "name": "Gwen", "locale": "en", **changes}
    with pytest.raises(InvalidInput) as refused, store.unit() as session:
        customer_creation.add_customer(
            session, NewCustomer(**given), audit_log.SYSTEM, NOW, default_zone="Europe/London"
        )
    assert refused.value.field == field
    assert store.all(select(Customer)) == store.all(select(DataKey)) == []


def test_a_number_or_reference_that_is_taken_is_refused(store):
    with store.unit() as session:
        a_customer(session, NOW, PHONE, external_ref="CRM-1")
    with pytest.raises(InvalidInput, match="phone_already_known"), store.unit() as session:
        a_customer(session, NOW, PHONE)
    with pytest.raises(InvalidInput, match="external_ref_taken"), store.unit() as session:
        a_customer(session, NOW, external_ref="CRM-1")
    assert len(store.all(select(Customer))) == 1


@pytest.mark.both
def test_of_many_who_add_the_same_number_at_once_one_does(store):
    def add() -> str:
        try:
            with store.unit() as session:
                a_customer(session, NOW, PHONE)
            return "added"
        except InvalidInput as error:
            return error.code

    told = at_once([add] * 8, lambda: store.engine.dispose(close=False))
    assert sorted(told) == sorted([PeopleErrorCode.PHONE_ALREADY_KNOWN] * 7 + ["added"])
    assert len(store.all(select(Customer))) == len(store.all(select(DataKey))) == 1
