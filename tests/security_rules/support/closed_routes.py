"""Every route, requested by a role that may use it, in a house where each has something to show.

A new route needs a row in :data:`ROUTES`, or the test of rule I3 fails.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlmodel import select
from werkzeug.test import TestResponse

from channels.web.portal.auth import TOKEN_KEY
from incidents.audit_search import customer_search
from incidents.cases import workflow
from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import CaseKind
from incidents.reports import report_fields, submission
from messaging.models import OutboxMessage
from people.customers import customer_preferences, customer_records, customer_sessions
from people.models import Role, Staff
from people.staff import link_creation, staff_records
from scheduling import models
from scheduling.availability import teams
from scheduling.calendars import calendar_feeds
from storage.column_types import new_id
from tests.channels.conftest import PASSWORD, PHONE, Console, make_console
from tests.channels.support import AUTH_TOKEN, a_token, signed_post
from tests.channels.telnyx.support import PUBLIC_KEY, a_report, signed_event
from tests.security_rules.support.route_fixtures import answers, furnish
from verification import call_session

SETTINGS: dict[str, Any] = {
    "public_url": "https://check.example.org",
    "twilio_auth_token": AUTH_TOKEN,
    "telnyx_public_key": PUBLIC_KEY,
    "bridge_calls": True,
    **{
        f"{name}_limit_per_network": "100000/second"
        for name in ("check", "report", "calendar", "page_number")
    },
    "check_limit_per_number": "100000/second",
    "sign_in_limit": "100000/second",
}
#: What nobody may be shown of the customer without an entry; the code is added to it.
SECRETS = ("Gwen", "400123456", "400 123456", "••56", "your router", "T-1001", "blue teapot")
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
AGENT, SUPERVISOR, INVESTIGATOR = Role.AGENT, Role.SUPERVISOR, Role.INVESTIGATOR
CUSTOMER, TOKEN_OF, PROVIDER, ANYBODY = "customer", "token", "provider", "anybody"
TELNYX = "telnyx"


@dataclass(frozen=True)
class Ask:
    """A request. ``who`` asks, with ``data``; one that is ``closed`` writes an entry where it can,
    and must be refused where it cannot."""

    who: str
    data: dict[str, str] = field(default_factory=dict)
    closed: bool = True
    #: The simulated phone is the customer's own, with the texts that the customer got before.
    own_phone: bool = False
    path: dict[str, str] = field(default_factory=dict)
    #: A script of a page sends it.
    script: bool = False


def _open(who: str, **data: str) -> Ask:
    return Ask(who, data, closed=False)


def _ask(who: str, **data: str) -> Ask:
    return Ask(who, data)


_CODE = {"phone": PHONE, "code": "{code}"}
_WHY, _PASSWORD = "as she told us on the phone", "many other good words"
_ASKED = {"request_id": "asked"}
_SOUGHT, _DECIDED = {"reference": "sought"}, {"reference": "decided"}
_LATER = "2026-11-25T12:00:00+00:00"
_DEMO = Ask(ANYBODY, {"phone": PHONE}, closed=False, own_phone=True)

#: By endpoint and method. Braces stand for what the house has.
ROUTES: dict[str, Ask] = {
    "check.show_start_page GET": _open(ANYBODY),
    "check.show_check_form GET": _open(ANYBODY),
    "check.check_caller POST": _ask(ANYBODY, **_CODE),
    "report.show_report_start GET": _open(ANYBODY),
    "report.submit_whole_report POST": _ask(ANYBODY, phone=PHONE),
    "health.healthz GET": _open(ANYBODY),
    "health.readyz GET": _open(ANYBODY),
    "health.serve_metrics GET": _open(ANYBODY),
    "static GET": _open(ANYBODY),
    "bootstrap.static GET": _open(ANYBODY),
    "api_docs.show_api_docs GET": _open(ANYBODY),
    "api_docs.serve_openapi_document GET": _open(ANYBODY),
    "feed.serve_calendar_feed GET": _open(ANYBODY),
    "api_checks.make_check POST": _ask(ANYBODY, **_CODE),
    "api_reports.make_report POST": _ask(ANYBODY, phone=PHONE),
    "api_reports.list_reports GET": _ask(f"{TOKEN_OF} {INVESTIGATOR}"),
    "api_slots.list_slots GET": _open(TOKEN_OF),
    "api_handing.list_colleagues GET": _open(TOKEN_OF),
    "api_callbacks.make_callback POST": _ask(
        TOKEN_OF, customer_id="{customer}", starts_at=_LATER, minutes="15", topic="x"
    ),
    "api_callbacks.list_callbacks GET": _ask(TOKEN_OF),
    "api_callbacks.get_callback GET": _ask(TOKEN_OF),
    "api_callbacks.cancel_callback DELETE": _ask(TOKEN_OF),
    "api_callbacks.renew_code POST": Ask(TOKEN_OF, path={"callback": "going"}),
    "api_callbacks.end_callback POST": Ask(
        TOKEN_OF, {"outcome": "reached"}, path={"callback": "going"}
    ),
    "api_callbacks.move_callback POST": _ask(TOKEN_OF, starts_at=_LATER),
    "api_callbacks.start_callback POST": _ask(TOKEN_OF),
    "api_callbacks.ring_callback_again POST": Ask(TOKEN_OF, path={"callback": "rung"}),
    "api_handing.hand_over_to_colleague POST": _ask(TOKEN_OF, agent="{colleague}"),
    "api_handing.revive_callback POST": Ask(
        TOKEN_OF, {"starts_at": _LATER}, path={"callback": "off"}
    ),
    "demo.show_keypad GET": _DEMO,
    "demo.show_keypad POST": _DEMO,
    "demo.list_demo_messages GET": _DEMO,
    "demo.show_phone GET": _DEMO,
    "demo.send_text_from_phone POST": Ask(ANYBODY, {"phone": PHONE, "body": "CHECK"}, False, True),
    "demo.show_phone_call GET": _DEMO,
    "demo.submit_phone_action POST": _DEMO,
    "demo.choose_phone_mode POST": Ask(ANYBODY, {"phone": PHONE, "mode": "late"}, False, True),
    "demo.show_phone_texts GET": _DEMO,
    "own.show_portal_home GET": _ask(CUSTOMER),
    "own.show_portal_booking GET": _open(CUSTOMER),
    "own.submit_portal_booking POST": _ask(CUSTOMER, topic="x", starts_at=_LATER),
    "own.show_portal_callback GET": _ask(CUSTOMER),
    "own.download_calendar_file GET": _ask(CUSTOMER),
    "own.submit_portal_cancellation POST": _ask(CUSTOMER),
    "own.set_earlier_times_wish POST": _ask(CUSTOMER, wanted="1"),
    "own.submit_portal_move POST": _ask(CUSTOMER, starts_at=_LATER),
    "own.submit_portal_refusal GET": _ask(CUSTOMER),
    "own.submit_portal_refusal POST": _ask(CUSTOMER),
    "own.show_past_callbacks GET": _ask(CUSTOMER),
    "own.submit_phone_number POST": _ask(CUSTOMER, phone=PHONE),
    "own.submit_page_number POST": _ask(CUSTOMER, phone=PHONE, number="12345678"),
    "own.show_portal_settings GET": _ask(CUSTOMER),
    "own.submit_portal_settings POST": _ask(CUSTOMER, locale="de", timezone="Europe/Berlin"),
    "own.submit_safe_phrase POST": _ask(CUSTOMER, phrase="green kettle"),
    "console.show_role_home GET": _open(AGENT),
    "console.reject_unknown_address GET": _open(AGENT),
    "console.show_audit_log GET": _ask(INVESTIGATOR),
    "console.show_booking_search GET": _open(AGENT),
    "console.make_booking POST": _ask(
        AGENT, find=PHONE, purpose="answer", minutes="15", topic="x", slot=_LATER
    ),
    "console.redirect_to_booking_search GET": _open(AGENT),
    "console.show_booking_details POST": _ask(AGENT, find="07400 123456", purpose="answer"),
    "console.show_calendar_feed GET": _open(AGENT),
    "console.submit_calendar_feed POST": _ask(AGENT, make="1"),
    "console.show_callback_page GET": _ask(AGENT),
    "console.submit_cancellation POST": _ask(AGENT),
    "console.submit_new_code POST": Ask(AGENT, path={"callback": "going"}),
    "console.submit_call_end POST": Ask(AGENT, {"outcome": "reached"}, path={"callback": "going"}),
    "console.submit_handover POST": _ask(AGENT, agent="{colleague}"),
    "console.poll_call_status GET": Ask(AGENT, closed=False, path={"callback": "going"}),
    "console.submit_callback_move POST": _ask(AGENT, slot=_LATER),
    "console.submit_rebooking POST": Ask(AGENT, {"slot": _LATER}, path={"callback": "off"}),
    "console.submit_ring_again POST": Ask(AGENT, path={"callback": "rung"}),
    "console.submit_call_start POST": _ask(AGENT),
    "console.show_coverage GET": _open(SUPERVISOR),
    "console.show_own_day GET": _ask(AGENT),
    "console.show_enrolment GET": _open(ANYBODY),
    "console.submit_enrolment POST": _open(ANYBODY, password="several good words", code="000000"),
    "console.show_latest_reports GET": _ask(INVESTIGATOR),
    "console.show_staff_sign_in GET": _open(ANYBODY),
    "console.submit_staff_sign_in POST": _ask(
        ANYBODY, email="bob@example.org", password=PASSWORD, code="{totp}"
    ),
    "console.show_demo_codes GET": _open(ANYBODY),
    "console.show_team_overview GET": _open(SUPERVISOR),
    "console.show_agent_settings GET": _open(SUPERVISOR),
    "console.set_agent_day POST": _ask(SUPERVISOR, on="2026-12-01", hours="09:00-12:00"),
    "console.submit_reassignment POST": _ask(SUPERVISOR, callback="{callback}", to="{colleague}"),
    "console.set_weekly_hours POST": _ask(SUPERVISOR, day0="09:00-12:00"),
    "console.set_days_off POST": _ask(SUPERVISOR, first="2026-12-01"),
    "console.set_skills POST": _ask(SUPERVISOR, language="de"),
    "console.show_team_settings GET": _open(SUPERVISOR),
    "console.add_team POST": _ask(SUPERVISOR, name="Night", assignment="least_busy"),
    "console.change_team POST": _ask(SUPERVISOR, name="Day", assignment="round_robin"),
    "console.show_own_week GET": _ask(AGENT),
    "console.show_account GET": _open(AGENT),
    "console.add_passkey POST": Ask(AGENT, {"answer": "{made}", "name": "Key"}, script=True),
    "console.get_registration_options POST": _open(AGENT),
    "console.get_sign_in_options POST": _open(ANYBODY),
    "console.get_proof_options POST": _open(AGENT),
    "console.start_customer_audit POST": _ask(
        INVESTIGATOR, phone=PHONE, reason="She asked who looked."
    ),
    "console.show_customer_audit GET": Ask(INVESTIGATOR, path={"reading_id": "reading"}),
    "console.show_case GET": _ask(INVESTIGATOR),
    "console.show_case_board GET": _ask(INVESTIGATOR),
    "console.change_password POST": _ask(AGENT, password=_PASSWORD, again=_PASSWORD),
    "console.close_case POST": Ask(INVESTIGATOR, {"closing": _WHY}, path=_DECIDED),
    "console.show_reset_links GET": _open(SUPERVISOR),
    "console.decide_case POST": _ask(INVESTIGATOR, outcome="explained", why=_WHY),
    "console.end_own_session POST": _ask(AGENT),
    "console.give_back_case POST": _ask(INVESTIGATOR, words="Somebody else knows more."),
    "console.sign_in_by_passkey POST": Ask(ANYBODY, {"answer": "{entrance}"}, script=True),
    "console.show_lost_credentials GET": _open(ANYBODY),
    "console.issue_reset_link POST": Ask(SUPERVISOR, path={"staff": "colleague"}),
    "console.start_authenticator_change POST": _ask(AGENT),
    "console.show_authenticator_form GET": _open(AGENT),
    "console.submit_authenticator POST": _open(AGENT, password="several good words", code="000000"),
    "console.show_role_form GET": _open(AGENT),
    "console.submit_new_role POST": _open(AGENT, piece="000000"),
    "console.replace_recovery_codes POST": _ask(AGENT),
    "console.submit_case_note POST": _ask(INVESTIGATOR, words="Rang her back."),
    "console.mark_notices_read POST": _open(AGENT),
    "console.show_case_customer POST": _ask(
        INVESTIGATOR, customer="{customer}", reason="Ring her back."
    ),
    "console.show_password_form GET": _open(AGENT),
    "console.show_proof_form GET": _open(AGENT),
    "console.prove_by_passkey POST": Ask(INVESTIGATOR, {"answer": "{proof}"}, script=True),
    "console.submit_proof POST": _ask(AGENT, password=PASSWORD, code="{totp}"),
    "console.remove_passkey POST": _ask(AGENT),
    "console.reopen_case POST": Ask(
        INVESTIGATOR, {"reopening": _WHY}, path={"reference": "closed"}
    ),
    "console.take_case POST": Ask(INVESTIGATOR, path={"reference": "free"}),
    "console.show_leak_ranking GET": _ask(INVESTIGATOR),
    "own.submit_access_objection POST": _ask(CUSTOMER, entry="{entry}"),
    "own.show_access_history GET": _ask(CUSTOMER),
    "console.show_approvals GET": _open(SUPERVISOR),
    "console.submit_approval POST": Ask(SUPERVISOR, {"digest": "{digest}"}, path=_ASKED),
    "console.submit_number_change POST": _ask(AGENT, number="{new}", why=_WHY),
    "console.submit_role_request POST": Ask(
        SUPERVISOR, {"role": "supervisor", "why_role": _WHY}, path={"staff": "colleague"}
    ),
    "console.submit_new_staff_member POST": _ask(
        SUPERVISOR, email="eve@example.org", name="Eve Hall", role="agent", why=_WHY
    ),
    "console.submit_erasure_request POST": _ask(INVESTIGATOR, customer="{stranger}", why=_WHY),
    "console.submit_unlock_request POST": _ask(AGENT, why_unlock=_WHY),
    "console.show_case_notes GET": Ask(INVESTIGATOR, path=_SOUGHT),
    "console.submit_explanations POST": _ask(AGENT, all=_WHY),
    "console.export_case POST": _ask(INVESTIGATOR, exporting="For the police.", field="name"),
    "console.show_exposed_customers GET": Ask(
        INVESTIGATOR, {"person": "{staff}", "list": "1"}, path=_SOUGHT
    ),
    "console.submit_case_merge POST": _ask(
        INVESTIGATOR, other="{free}", joining="One and the same."
    ),
    "console.submit_naming POST": _ask(INVESTIGATOR, person="{colleague}", naming="Seen with it."),
    "console.show_evening_notes GET": _open(INVESTIGATOR),
    "console.show_staff_directory GET": _open(SUPERVISOR),
    "console.submit_refusal POST": Ask(SUPERVISOR, path=_ASKED),
    "console.split_case POST": Ask(
        INVESTIGATOR, {"part": "{part}", "parting": _WHY}, path=_DECIDED
    ),
    "console.submit_warning_stop POST": Ask(INVESTIGATOR, {"stopping": _WHY}, path=_DECIDED),
    "console.submit_suspension_request POST": Ask(
        INVESTIGATOR, {"person": "{staff}", "why_access": _WHY}, path=_SOUGHT
    ),
    "console.show_suspensions GET": _open(INVESTIGATOR),
    "console.submit_lift_request POST": Ask(INVESTIGATOR, {"why": _WHY}, path={"staff": "carl"}),
    "console.submit_case_unmerge POST": Ask(
        INVESTIGATOR, {"other": "{other}", "parting": _WHY}, path=_DECIDED
    ),
    "console.submit_warning_request POST": Ask(
        INVESTIGATOR, {"person": "{staff}", "why": _WHY}, path=_SOUGHT
    ),
    "console.submit_withdrawal POST": Ask(AGENT, path=_ASKED),
    "asking.show_wizard_question GET": _open(ANYBODY),
    "asking.submit_wizard_answer POST": _open(ANYBODY),
    "asking.start_wizard POST": _open(ANYBODY),
    "report.show_whole_report GET": _open(ANYBODY),
    "console.show_agent_report_form GET": _open(AGENT),
    "console.submit_agent_report POST": _ask(AGENT, phone=PHONE),
    "voice.report_gave POST": _open(PROVIDER),
    "voice.report_when POST": _open(PROVIDER),
    "twilio.receive_sms POST": _ask(PROVIDER, Body="CHECK"),
    "twilio.receive_message_status POST": _open(PROVIDER, MessageStatus="delivered"),
    "telnyx.receive_message_event POST": _open(TELNYX),
    "bridge.receive_call_status POST": _open(PROVIDER, CallStatus="ringing"),
    "bridge.receive_agent_pick_up POST": _open(PROVIDER),
    "bridge.finish_customer_leg POST": _open(PROVIDER, DialCallStatus="completed"),
    "bridge.dial_customer POST": _open(PROVIDER, Digits="1"),
    "voice.answer POST": _open(PROVIDER),
    "voice.after POST": _ask(PROVIDER, Digits="2"),
    "voice.keyed POST": _ask(PROVIDER, Digits="{code}"),
    "voice.language POST": _open(PROVIDER, Digits="1"),
    "voice.number POST": _open(PROVIDER, Digits="07400123456"),
    "aloud.receive_pick_up POST": _open(PROVIDER, Digits="1"),
    # Last: what ends a browser's session needs no entry of its own in every case.
    "console.end_all_sessions POST": _ask(AGENT),
    "own.leave_portal POST": _open(CUSTOMER),
    "console.sign_out POST": _ask(SUPERVISOR),
}

#: Afterwards their browsers are nobody's.
SIGNED_IN = (AGENT, SUPERVISOR, INVESTIGATOR)

LEAVING = ("console.end_all_sessions POST", "own.leave_portal POST", "console.sign_out POST")


class House:
    """An application in which every route has something to show, and everybody is signed in."""

    def __init__(self, url: str, folder: Path) -> None:
        self.console: Console = make_console(url, folder, **SETTINGS)
        self.app = self.console.app
        roles = {AGENT: "ana", SUPERVISOR: "sue", INVESTIGATOR: "ivy"}
        people = {
            role: self.console.member(f"{name}@example.org", role) for role, name in roles.items()
        }
        agent, colleague = people[AGENT], self.console.member("bob@example.org")
        booked = self.console.callback(agent, 25)
        going = self.console.callback(agent, 10, "+447400123457")
        self.console.wait(minutes=19)
        self.tabs = {
            role: self.console.sign_in(f"{name}@example.org").client for role, name in roles.items()
        }
        self.names = {"callback": booked, "going": going, "colleague": colleague}
        self.names |= {"staff": agent}
        self._more(agent, going)
        self._case(people[INVESTIGATOR])
        self.tokens = {str(role): self._token(role) for role in (AGENT, INVESTIGATOR)}
        self.names |= furnish(self.console, people, self.names)
        self.forms = {name: self._csrf(name) for name in (*self.tabs, CUSTOMER, ANYBODY)}
        self.names |= {**answers(self), "totp": self.console.code()}

    def _more(self, agent: Any, going: Any) -> None:
        now, policy = self.console.now, self.console.context.policy
        with self.console.unit() as session:
            gwen = customer_records.find_by_phone(session, PHONE)
            customer_preferences.save_safe_phrase(session, gwen, "blue teapot", now)
            cookie = customer_sessions.start_customer_session(session, gwen.id, now)
            link = link_creation.create_enrolment_link(
                session, staff_records.find_staff_by_email(session, "bob@example.org"), now
            )
            feed = calendar_feeds.create_feed(session, agent, now)
            team = teams.create_team(session, teams.TeamSettings("Day"), _by(agent), now)
            message = session.exec(select(OutboxMessage.id)).first()
            staff_records.set_staff_phone(
                session, session.get_one(Staff, agent), "+447400123499", now
            )
            submission.submit_for_reference(
                session, report_fields.ReportSubmission(PHONE, "web", said="about your router"), now
            )
            held = session.get_one(models.Callback, going)
            self.code = call_session.start_call(session, held, policy, now).code
        self.names |= {"customer": gwen.id, "link": link, "feed": feed, "team": team.id}
        self.names |= {"none": new_id()}
        self.names |= {"message": message, "call": message, "code": self.code}
        self.tabs[CUSTOMER] = self.app.test_client()
        self.tabs[ANYBODY] = self.app.test_client()
        with self.tabs[CUSTOMER].session_transaction() as kept:
            kept[TOKEN_KEY] = cookie

    def _case(self, investigator: Any) -> None:
        """One that the investigator holds, with the customer in it, and one that is free."""
        gwen, now = self.names["customer"], self.console.now
        with self.console.unit() as session:
            found = [NewEvidence("report", str(new_id()), now, gwen)]
            case, free = (
                open_or_extend_case(session, CaseKind.CALLS, fold, found, now)
                for fold in ("fold", "other")
            )
            workflow.claim_case(session, case.reference, investigator, now)
            reading = customer_search.start_search_by_number(
                session, investigator, PHONE, "She asked who looked.", now
            )
            self.names |= {"reference": case.reference, "free": free.reference, "reading": reading}

    def _token(self, role: Role) -> dict[str, str]:
        email = {AGENT: "ana@example.org", INVESTIGATOR: "ivy@example.org"}[role]
        return a_token(self.app, email=email)

    def _csrf(self, who: str) -> str:
        page = {CUSTOMER: "/my/settings", ANYBODY: "/staff/sign-in"}.get(who, "/staff/account")
        found = _CSRF.search(self.tabs[who].get(page).text)
        assert found, who  # else nothing that is sent would be looked at
        return found[1]

    def asks(self) -> dict[str, tuple[str, str]]:
        """The path and method of each route, by its row's name."""
        return {
            f"{rule.endpoint} {method}": (rule.rule, method)
            for rule in self.app.url_map.iter_rules()
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        }

    def ask(self, name: str) -> TestResponse:
        """Send it, by a browser of its own, so that many can ask at once."""
        rule, method = self.asks()[name]
        row = ROUTES[name]
        path = re.sub(r"<(?:[a-z]+:)?(\w+)>", lambda found: self._filled(found[1], row), rule)
        data = {key: value.format(**self.names) for key, value in row.data.items()}
        if row.who == PROVIDER:
            form = {"From": PHONE, "To": "+442079460123", "CallSid": _sid("CA")}
            return signed_post(self.app.test_client(), path, {**_ids(), **form, **data})
        if row.who == TELNYX:
            event = a_report(str(new_id()), "delivered")
            return signed_event(self.app.test_client(), event, self.console.now)
        if row.who.startswith(TOKEN_OF) or path.startswith("/api/"):
            return self._by_program(row, path, method, data)
        if row.script:
            body = {
                key: json.loads(value) if value[0] == "{" else value for key, value in data.items()
            }
            headers = {"X-CSRFToken": self.forms[row.who]}
            return self._browser(row.who).post(path, json=body, headers=headers)
        form = {"csrf_token": self.forms[row.who], **data}
        more = {"query_string": data} if method == "GET" else {"data": form}
        return self._browser(row.who).open(path, method=method, **more)

    def _browser(self, who: str) -> FlaskClient:
        """One that is signed in like theirs, and shares no cookie with it."""
        kept, browser = self.tabs[who].get_cookie("__Host-vouchline"), self.app.test_client()
        if kept is not None:
            browser.set_cookie(kept.key, kept.value, secure=True)
        return browser

    def _by_program(self, row: Ask, path: str, method: str, data: dict[str, str]) -> TestResponse:
        role = row.who.partition(" ")[2] or str(AGENT)
        headers = self.tokens[role] if row.who != ANYBODY else {}
        if path == "/api/v1/callbacks" and method == "GET":
            path += "?on=2026-11-24"
        if path == "/api/v1/slots":
            path += "?from=2026-11-25T10:00:00Z&to=2026-11-25T12:00:00Z&minutes=15"
        body: dict[str, Any] = {k: int(v) if k == "minutes" else v for k, v in data.items()}
        client = self.app.test_client()
        if method == "POST":
            headers = {**headers, "Idempotency-Key": _sid("K")}
        return client.open(path, method=method, json=body or None, headers=headers)

    def _filled(self, name: str, row: Ask) -> str:
        """What the house has for a part of a path."""
        known = {"id": "callback", "callback_id": "callback", "staff_id": "staff"}
        known |= {"team_id": "team", "filename": "style", "_": "style"}
        known["token"] = "feed" if "calendar" in self._rule_of(row) else "link"
        key = known.get(name, name)
        names = {**self.names, "style": "none.css"}
        return str(names.get(row.path.get(key, key), names["none"]))

    @staticmethod
    def _rule_of(row: Ask) -> str:
        return next(name for name, each in ROUTES.items() if each is row)


def _by(staff_id: Any) -> Any:
    from vault.audit import audit_log

    return audit_log.staff_actor(staff_id)


def _sid(kind: str) -> str:
    return f"{kind}{os.urandom(16).hex()}"


def _ids() -> dict[str, str]:
    return {"MessageSid": _sid("SM"), "Body": ""}
