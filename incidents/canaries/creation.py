"""Plans new canaries: with names in the language of their number's country and references like any
customer's, to be added by the next import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import phonenumbers
from sqlmodel import Session

from incidents.canaries import fake_names, store
from incidents.canaries.store import Canary
from incidents.error_codes import IncidentErrorCode
from messaging.i18n import best_language
from people import phone_numbers
from people.customer_import.validation import ImportRules
from people.customers import customer_records
from people.errors import InvalidInput, NotFound
from scheduling.models import Callback
from vault.audit import audit_log
from vault.audit.acts import AuditAct

MAX_ATTEMPTS = 200


def plan_canaries(
    session: Session,
    numbers: Sequence[str],
    rules: ImportRules,
    now: datetime,
    *,
    reference: str,
) -> None:
    """Plan a canary for each number (E.164).

    ``reference`` is a pattern in which ``#`` stands for a digit and ``?`` for a letter. Raises
    ``InvalidInput`` with the line that it is about; then nothing is planned.
    """
    before = store.load_canaries(session).canaries
    taken = {canary.phone for canary in before}
    refs = {canary.external_ref for canary in before if canary.external_ref}
    number = max((canary.number for canary in before), default=0)
    batch: list[Canary] = []
    for line, text in enumerate(numbers, 1):
        try:
            phone = _parse_canary_phone(session, text, rules, taken)
        except InvalidInput as error:
            raise InvalidInput(
                "numbers", IncidentErrorCode.CANARY_LINE_INVALID, line=line, problem=error
            ) from None
        number += 1
        ref = _generate_canary_reference(session, reference, refs)
        taken.add(phone)
        refs.add(ref)
        batch.append(_build_planned_canary(number, phone, ref, rules))
    store.save_canary_batch(session, batch)
    audit_log.record_act(session, audit_log.OPERATOR, AuditAct.CANARIES_PLAN, now)


def _parse_canary_phone(session: Session, text: str, rules: ImportRules, taken: set[str]) -> str:
    if not text.startswith("+"):
        raise InvalidInput("numbers", IncidentErrorCode.CANARY_COUNTRY_MISSING)
    phone = phone_numbers.parse_phone(text, rules.default_region)
    phone_numbers.require_callable(phone, rules.countries)
    if phone in taken:
        raise InvalidInput("numbers", IncidentErrorCode.NUMBER_IS_A_CANARYS)
    if customer_records.find_by_phone(session, phone) is not None:
        raise InvalidInput("numbers", IncidentErrorCode.NUMBER_IS_A_CUSTOMERS)
    return phone


def _generate_canary_reference(session: Session, pattern: str, taken: set[str]) -> str:
    for _ in range(MAX_ATTEMPTS):
        ref = fake_names.fill_reference_pattern(pattern)
        if ref not in taken and customer_records.find_by_external_ref(session, ref) is None:
            return ref
    raise InvalidInput("reference", IncidentErrorCode.CANARY_REFERENCES_USED_UP)


def _build_planned_canary(number: int, phone: str, ref: str, rules: ImportRules) -> Canary:
    region = phonenumbers.region_code_for_number(phonenumbers.parse(phone)) or ""
    language = fake_names.get_region_language(region)
    return Canary(
        number=number,
        phone=phone,
        name=fake_names.generate_fake_name(language),
        external_ref=ref,
        locale=best_language(language, rules.languages),
        timezone=phone_numbers.guess_phone_zone(phone, rules.default_zone),
    )


def plant_canary_callback(session: Session, callback_id: UUID, now: datetime) -> None:
    """Allow staff to meet a canary through one of its callbacks, booked like anybody's.

    From now on, opening the canary through this callback is expected. Raises ``NotFound``.
    """
    callback = session.get(Callback, callback_id)
    canaries_by_customer = store.link_imported_canaries(
        session, store.load_canaries(session)
    ).by_customer
    canary = canaries_by_customer.get(callback.customer_id) if callback else None
    if canary is None:
        raise NotFound(IncidentErrorCode.CANARY_CALLBACK_NOT_FOUND)
    store.update_canaries(session, [replace(canary, planted=(*canary.planted, callback_id))])
    audit_log.record_act(session, audit_log.OPERATOR, AuditAct.CANARIES_PLANT, now)
