"""A house for rule I6: a journey that runs in one transaction, which somebody else writes to
between its acts, and which is rolled back at its end. What is true is known beforehand, so that
what the house says can be held against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pyotp
from sqlalchemy import Connection, Engine, event
from sqlmodel import Session, select

from channels.rate_limits import ExternalCounters
from channels.texts.handler import handle_text
from channels.texts.text_job import ReceivedText
from messaging.dispatch import leases
from people.customers import customer_sessions
from people.models import Customer, Role, Staff
from people.passkeys import credential_records
from people.staff import (
    api_tokens,
    authentication,
    link_creation,
    second_factor,
    session_lifecycle,
    staff_enrolment,
    staff_status,
)
from scheduling import callback_rows, callbacks
from scheduling.booking import bookings, customer_callbacks
from scheduling.calendars import calendar_feeds
from scheduling.models import Callback
from storage import transaction_outcomes
from tests import factories
from tests.channels.conftest import SECRET, Console
from vault import external_counters
from vault.audit import log_verification
from vault.models import AuditEntry
from verification import (
    call_end,
    call_session,
    call_status,
    codes,
    issued_codes,
    number_proof,
    page_number_check,
)
from verification.code_check import check_code
from verification.verdicts import AlreadyConfirmed, Channel, Genuine

VICTIM, ACCOMPLICE, GWEN = "+447400123456", "+447400555555", "+447400777777"
AGENTS = {"ana": "Ana Silva", "ben": "Ben Silva"}
TOPICS = {VICTIM: "your gas meter", ACCOMPLICE: "your broadband", GWEN: "your boiler"}


class Broken(AssertionError):
    """The house said what is not true."""


@dataclass
class House:
    """What there is, and what is true of it."""

    console: Console
    people: dict[str, UUID] = field(default_factory=dict)
    roles: dict[UUID, str] = field(default_factory=dict)
    customers: dict[str, UUID] = field(default_factory=dict)
    calls: dict[str, UUID] = field(default_factory=dict)
    #: Of each callback: phone, agent's first name, instant.
    truth: dict[UUID, tuple[str, str, datetime]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    spare: dict[str, str] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.console.now


def built(console: Console) -> House:
    """A house with staff, customers, and a call booked with each of them."""
    house = House(console)
    policy = console.context.policy
    roles = {"ana": Role.AGENT, "ben": Role.AGENT, "sue": Role.SUPERVISOR, "off": Role.AGENT}
    for name, role in roles.items():
        house.people[name] = console.member(f"{name}@example.org", role)
        house.roles[house.people[name]] = role.value
    with console.unit() as session:
        for phone in (VICTIM, ACCOMPLICE, GWEN):
            made = factories.a_customer(session, console.now, phone, external_ref=f"r{phone}")
            house.customers[phone] = made.id
        at = console.now.replace(second=0, microsecond=0) + timedelta(minutes=10)
        for phone, agent in ((ACCOMPLICE, "ana"), (GWEN, "ben")):
            row = session.get_one(Customer, house.customers[phone])
            wish = bookings.BookingRequest(at, 15, TOPICS[phone], f"T-{phone[-3:]}")
            made_call = bookings.book_callback(
                session, row, house.people[agent], wish, policy, console.now
            )
            house.calls[phone] = made_call.id
            house.truth[made_call.id] = (phone, agent.title(), at)
        later = bookings.BookingRequest(at + timedelta(hours=3), 15, TOPICS[VICTIM], "T-1")
        row = session.get_one(Customer, house.customers[VICTIM])
        made_call = bookings.book_callback(
            session, row, house.people["ben"], later, policy, console.now
        )
        house.calls[VICTIM] = made_call.id
        house.truth[made_call.id] = (VICTIM, "Ben", later.starts_at)
        for name, who in house.people.items():
            member = session.get_one(Staff, who)
            house.tokens[f"session {name}"] = session_lifecycle.open_staff_session(
                session, member, console.now
            )
            house.tokens[f"bearer {name}"] = api_tokens.create_api_token(
                session, member, "x", console.now
            )
            house.tokens[f"link {name}"] = link_creation.create_enrolment_link(
                session, member, console.now
            )
            house.spare[name] = second_factor.issue_recovery_codes(session, who)[0]
            credential_records.store_passkey(
                session, who, name.encode(), b"key", 0, "phone", console.now
            )
            if member.role == Role.AGENT:
                house.tokens[f"feed {name}"] = calendar_feeds.create_feed(session, who, console.now)
        for phone, who in house.customers.items():
            token = customer_sessions.start_customer_session(session, who, console.now)
            house.tokens[f"customer {phone}"] = token
        staff_status.deactivate_staff_member(
            session, session.get_one(Staff, house.people["off"]), console.now
        )
    console.wait(minutes=9)
    with console.unit() as session:
        row = session.get_one(Callback, house.calls[GWEN])
        call_session.start_call(session, row, policy, console.now)
    return house


class Journey:
    """The acts of one journey over one connection."""

    def __init__(self, house: House, connection: Connection) -> None:
        self.house, self.connection = house, connection
        here = house.console.context
        counts = external_counters.counter_session_info(ExternalCounters("memory://"))
        self.info = {**here.info, **counts}
        here.ring._writer = None  # a process of its own, whose entries nothing has rolled back
        #: Codes that agents saw, each with the callback it may be said in.
        self.told: dict[str, UUID] = {}
        self.confirmed: set[UUID] = set()
        #: Checked by a text of their own, whose answer may have been held back.
        self.texted: set[UUID] = set()
        self.now = house.now
        self.readings = self.missed = 0
        #: What was refused or failed, by act.
        self.refused: list[str] = []
        self.page_number = ""

    @contextmanager
    def unit(self) -> Iterator[Session]:
        with Session(
            self.connection,
            expire_on_commit=False,
            info=dict(self.info),
            join_transaction_mode="create_savepoint",
        ) as session:
            yield session
            session.commit()
        # What is rolled back with the whole journey counts as committed while it runs.
        transaction_outcomes.settle_transaction(self.connection, True)

    def run(self, act: Callable[[], None]) -> None:
        """An act; whatever it raises is an answer that lets in nobody, and never says *genuine*."""
        try:
            act()
        except Broken:
            raise
        except Exception as error:
            self.refused.append(f"{getattr(act, '__name__', act)}: {error!r}")

    def acts(self) -> list[Callable[[], None]]:
        found: list[Callable[[], None]] = [self.start, self.reveal]
        found += [self.check_others(channel) for channel in Channel]
        found += [self.guess, self.send_page_number, self.prove, self.own_pages, self.staff_doors]
        found += [self.links, self.sign_in, self.read, self.text, self.check_own, self.check_own]
        found += [self.other_call, self.end, self.after_end]
        return found

    # -- calls
    def start(self) -> None:
        self._issue(ACCOMPLICE, call_session.start_call)

    def reveal(self) -> None:
        self._issue(GWEN, lambda s, row, _policy, now: issued_codes.current_code(s, row, now))

    def _issue(self, phone: str, by: Callable[..., Any]) -> None:
        callback = self.house.calls[phone]
        with self.unit() as session:
            row = session.get_one(Callback, callback)
            issued = by(session, row, self.house.console.context.policy, self.now)
        self.told[issued.code] = callback

    def check_others(self, channel: Channel) -> Callable[[], None]:
        """Codes that others get than those they are for: the scammer's call."""

        def act() -> None:
            for code, callback in list(self.told.items()):
                for phone in TOPICS:
                    if phone != self.house.truth[callback][0]:
                        self._check(phone, code, channel)

        return act

    def check_own(self) -> None:
        for code, callback in list(self.told.items()):
            self._check(self.house.truth[callback][0], code, Channel.WEB)

    def guess(self) -> None:
        for code, callback in list(self.told.items()):
            phone = self.house.truth[callback][0]
            self._check(phone, factories.wrong(code), Channel.API)

    def _check(self, phone: str, code: str, channel: Channel) -> None:
        with self.unit() as session:
            found = check_code(session, phone, code, channel, self.now, organisation="Example Bank")
        self._hold(found, phone, code)

    def _hold(self, found: Any, phone: str, code: str) -> None:
        if isinstance(found, AlreadyConfirmed):
            if self.told.get(code) not in self.confirmed | self.texted:
                raise Broken("already confirmed, by nobody")
            return
        if not isinstance(found, Genuine):
            return
        callback = self.told.get(code)
        if callback is None:
            raise Broken("genuine, and told by nobody")
        truth = self.house.truth[callback]
        if (phone, found.caller, found.booked_for) != truth or found.topic != TOPICS[phone]:
            raise Broken(f"genuine for {phone}: {found} but {truth}")
        if callback in self.confirmed:
            raise Broken("genuine twice")
        self.confirmed.add(callback)

    def text(self) -> None:
        """By a text of the number's own, and the question whether we are calling."""
        here = self.house.console.context
        for code, callback in list(self.told.items()):
            for phone in TOPICS:
                body, own_number = f"{code}", phone == self.house.truth[callback][0]
                with self.unit() as session:
                    message = ReceivedText(f"SM{phone}{code}", phone, body)
                    if own_number:
                        self.texted.add(callback)
                    answer = handle_text(session, message, here.policy, here.rules, self.now) or ""
                if "genuine" in answer.lower() and "not" not in answer.lower():
                    if not own_number or callback in self.confirmed:
                        raise Broken(f"by text: {answer}")
                    self.confirmed.add(callback)
        self._ask_whether_we_call(VICTIM)

    def _ask_whether_we_call(self, phone: str) -> None:
        with self.unit() as session:
            if call_status.find_active_call(session, phone, self.now) is not None:
                raise Broken("we are said to call a number that we do not call")

    def other_call(self) -> None:
        """A new code of the same call: the former is dead."""
        former = [code for code, callback in self.told.items() if self._is_of(callback, GWEN)]
        self._issue(GWEN, issued_codes.reissue_code)
        self.confirmed.discard(self.house.calls[GWEN])
        for code in former:
            self.told.pop(code, None)
            self._check(GWEN, code, Channel.WEB)
        self.check_own()

    def _is_of(self, callback: UUID, phone: str) -> bool:
        return callback == self.house.calls[phone]

    def end(self) -> None:
        policy = self.house.console.context.policy
        for phone in (ACCOMPLICE, GWEN):
            with self.unit() as session:
                row = session.get_one(Callback, self.house.calls[phone])
                call_end.end_call(session, row, "reached", policy, self.now)
            for code, callback in list(self.told.items()):
                if self._is_of(callback, phone):
                    self.told.pop(code)
                    self._ended = [*getattr(self, "_ended", []), (phone, code)]

    def after_end(self) -> None:
        for phone, code in getattr(self, "_ended", []):
            with self.unit() as session:
                found = check_code(session, phone, code, Channel.API, self.now, organisation="")
            if isinstance(found, Genuine):
                raise Broken("genuine after the call's end")

    # -- own page
    def send_page_number(self) -> None:
        here = self.house.console.context
        with self.unit() as session:
            number_proof.issue_page_number(session, ACCOMPLICE, "text", here.policy, self.now)
            found = leases.lease_messages(session, self.now, "post", here.rules, 50)
        sent = [item.letter for item in found if item.letter.to == ACCOMPLICE]
        for letter in sent:
            digits = "".join(c if c.isdigit() else " " for c in letter.body).split()
            groups = ["".join(digits[n : n + 2]) for n in range(len(digits))]
            self.page_number = next(
                (g for g in groups if codes.normalise_code(g, 6)), self.page_number
            )
        for item in found:
            if "page" in item.letter.body.lower() and item.letter.to != ACCOMPLICE:
                raise Broken("a page number went to somebody else")

    def prove(self) -> None:
        for phone in (VICTIM, ACCOMPLICE, ACCOMPLICE):
            for number in ("000000", self.page_number or "111111"):
                with self.unit() as session:
                    found = page_number_check.verify_page_number(session, phone, number, self.now)
                if found is None:
                    continue
                right = phone == ACCOMPLICE and number == self.page_number
                if not right or found != self.house.customers[ACCOMPLICE]:
                    raise Broken(f"the page of {found} was opened by {phone}")
                self.page_number = ""  # used

    def own_pages(self) -> None:
        for phone, who in self.house.customers.items():
            token = self.house.tokens[f"customer {phone}"]
            with self.unit() as session:
                found = customer_sessions.find_session_customer(session, token, self.now)
                if found not in (None, who):
                    raise Broken("another customer's page")
                shown = (
                    customer_callbacks.list_booked_calls(session, who, self.now) if found else []
                )
            for item in shown:
                self.readings += 1
                if (phone, item.agent, item.starts_at) != self.house.truth[item.id]:
                    raise Broken(f"the customer's own page shows {item}")

    # -- staff
    def staff_doors(self) -> None:
        for name, who in self.house.people.items():
            for kind, enter in (
                ("session", session_lifecycle.find_session_principal),
                ("bearer", None),
            ):
                token = self.house.tokens[f"{kind} {name}"]
                with self.unit() as session:
                    if enter is None:
                        found = api_tokens.find_token_principal(session, token)
                    else:
                        found = enter(session, token, self.now)
                self._hold_member(name, who, found.id if found else None, found and found.role)
            if feed := self.house.tokens.get(f"feed {name}"):
                with self.unit() as session:
                    entries = calendar_feeds.read_feed_entries(session, feed, self.now)
                if entries is not None and name == "off":
                    raise Broken("the calendar of somebody who is off")

    def _hold_member(self, name: str, who: UUID, found: UUID | None, role: Any) -> None:
        if found is None:
            return
        if found != who or name == "off" or role != self.house.roles[who]:
            raise Broken(f"{name} came in as {found} {role}")

    def links(self) -> None:
        for name, who in self.house.people.items():
            with self.unit() as session:
                _, member, _ = staff_enrolment.open_enrolment_link(
                    session, self.house.tokens[f"link {name}"], self.now
                )
                self._hold_member(name, who, member.id, member.role)
                found = credential_records.lock_passkey(session, name.encode())
            if found is not None and found.staff_id != who and keeping_opens(self, found):
                raise Broken("a passkey of somebody else's")

    def sign_in(self) -> None:
        """Past the password, which takes long and is its own test: by the second factor, and by
        a recovery code, each of which works once."""
        self.now += timedelta(seconds=30)
        for name, who in self.house.people.items():
            code = pyotp.TOTP(SECRET).at(self.now)
            for given in (code, code, self.house.spare[name], self.house.spare[name]):
                self.run(lambda n=name, w=who, g=given: self._second_factor(n, w, g))

    def _second_factor(self, name: str, who: UUID, given: str) -> None:
        with self.unit() as session:
            seen = authentication.find_account_by_email(session, f"{name}@example.org")
            member = authentication.check_second_factor(session, seen, True, given, self.now)
            self._hold_member(name, who, member.id, member.role)
        used = (name, given)
        if used in self._used():
            raise Broken("one code let somebody in twice")
        self._used().add(used)

    def _used(self) -> set[tuple[str, str]]:
        if not hasattr(self, "_spent"):
            self._spent: set[tuple[str, str]] = set()
        return self._spent

    # -- readings
    def read(self) -> None:
        """An agent opens a call of theirs. What was shown and has no entry is counted, and must be
        found by a verification of the log."""
        for phone, name in ((ACCOMPLICE, "ana"), (GWEN, "ben")):
            who = self.house.people[name]
            with self.unit() as session:
                row = callback_rows.get_held_callback(session, self.house.calls[phone], who)
                shown = callbacks.read_callback(session, row, self.now, "own day")
            self.readings += 1
            if shown.customer.id != self.house.customers[phone]:
                raise Broken("an agent was shown another customer")
            if not kept_reading(self, who, shown.customer.id):
                self.missed += 1
                with self.unit() as session:
                    found = log_verification.verify_log(session, [], now=self.now)
                if not (found.bad or found.ends):
                    raise Broken("a reading has no entry, and verification finds nothing")


def keeping_opens(journey: Journey, row: Any) -> bool:
    """Whether a passkey's key opens, which it does for its owner alone."""
    try:
        with journey.unit() as session:
            credential_records.open_public_key(session, row)
    except Exception:
        return False
    return True


def kept_reading(journey: Journey, who: UUID, customer: UUID) -> bool:
    """Whether a reading has its entry."""
    with journey.unit() as session:
        found = session.exec(
            select(AuditEntry.id).where(
                AuditEntry.staff_id == who,
                AuditEntry.customer_id == customer,
                AuditEntry.action == "customer.read",
            )
        ).first()
    return found is not None


def touched(engine: Engine, act: Callable[[], Any]) -> set[str]:
    """The tables that statements of an act name."""
    from sqlmodel import SQLModel

    asked: list[str] = []

    def hook(_c: Any, _cursor: Any, sql: str, *_: Any) -> None:
        asked.append(sql)

    event.listen(engine, "before_cursor_execute", hook)
    try:
        act()
    finally:
        event.remove(engine, "before_cursor_execute", hook)
    words = set(" ".join(asked).replace('"', " ").replace(".", " ").replace("(", " ").split())
    return {name for name in SQLModel.metadata.tables if name in words}
