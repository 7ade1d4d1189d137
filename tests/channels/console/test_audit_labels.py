"""Every act of the audit log has words of its own and can be filtered by."""

from __future__ import annotations

import re
from pathlib import Path

from channels.console.investigator import audit_labels
from messaging.call_states import CallState
from people.models import Role
from tests.channels.conftest import Console
from vault.audit import audit_log
from vault.audit.acts import ACTS_BY_VALUE, CUSTOMER_ACCESS_ACTS, ActGroup, AuditAct, acts_in_group
from verification.models import is_decoy_id

ROOT = Path(__file__).resolve().parents[3]
ROOMS = (
    "channels",
    "incidents",
    "procedures",
    "verification",
    "scheduling",
    "people",
    "messaging",
    "vault",
)
_USED = re.compile(r"AuditAct\.([A-Z_]+)")
#: Written by way of a table over all states of a call.
_BY_STATE = {f"CALL_{state.name}" for state in CallState}


def used() -> set[str]:
    """The acts that the sources name."""
    sources = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return {name for path in sources for name in _USED.findall(path.read_text())}


def test_every_act_is_used_somewhere_and_every_use_is_an_act():
    assert used() <= set(AuditAct.__members__)
    assert set(AuditAct.__members__) == used() | _BY_STATE


def test_no_two_acts_have_the_same_words():
    assert len({act.label for act in AuditAct}) == len(AuditAct)


def test_every_act_is_in_exactly_one_group_that_can_be_filtered(app):
    with app.test_request_context():
        members = [act for _, _, acts in audit_labels.list_act_groups() for act in acts]
    assert sorted(members) == sorted(AuditAct)


def test_an_act_is_filtered_by_its_own_value_or_its_groups():
    assert audit_labels.parse_act_filter("check") == (AuditAct.CHECK,)
    assert audit_labels.parse_act_filter("keys") == acts_in_group(ActGroup.KEYS)
    assert audit_labels.parse_act_filter("customer.") is None
    assert audit_labels.parse_act_filter("nonsense") is None


def test_what_is_traced_and_budgeted_as_a_reading_is_what_the_acts_say():
    assert CUSTOMER_ACCESS_ACTS == (AuditAct.CUSTOMER_READ, AuditAct.CUSTOMER_LOOK_UP)


def test_a_stored_value_that_no_act_has_is_shown_as_it_is(app):
    with app.test_request_context():
        assert audit_labels.describe_act("other.thing") == "other.thing"
        assert all(audit_labels.describe_act(value) != value for value in ACTS_BY_VALUE)


def test_each_act_is_filtered_on_the_page(console: Console):
    console.member("ines@example.org", Role.INVESTIGATOR)
    tab = console.sign_in("ines@example.org")
    with console.unit() as session:
        audit_log.record_act(
            session, audit_log.CUSTOMER, AuditAct.CHECK, console.now, detail="web genuine"
        )
        audit_log.record_act(
            session, audit_log.OPERATOR, AuditAct.KEYS_ROTATE, console.now, detail="k-2"
        )
    checks = tab.get("/staff/audit?what=checks").text
    assert "checked a call</a>" in checks
    assert "began to rotate master keys</a>" not in checks
    only = tab.get("/staff/audit?what=keys.rotate").text
    assert "began to rotate master keys</a>" in only
    assert "checked a call</a>" not in only
    assert tab.get("/staff/audit?what=check.").status_code == 422
    for act in AuditAct:
        assert tab.get(f"/staff/audit?what={act}").status_code == 200


def test_a_check_of_a_number_that_nobody_called_names_no_customer_and_no_call(console: Console):
    """Its entry names a decoy, so that it takes as long as another, but a decoy is nobody."""
    agent, _ = console.agent()
    callback = console.callback(agent)
    console.member("ines@example.org", Role.INVESTIGATOR)
    tab = console.sign_in("ines@example.org")
    body = {"phone": "+447911123456", "code": "123456"}
    assert console.app.test_client().post("/check", data=body).status_code == 200
    (entry,) = console.trail(AuditAct.CHECK)
    assert is_decoy_id(entry.customer_id) and is_decoy_id(entry.callback_id)
    assert not is_decoy_id(callback)
    page = tab.get("/staff/audit?what=check").text
    assert "checked a call</a>" in page
    assert str(entry.customer_id) not in page
