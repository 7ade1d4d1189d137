"""A stranger who may do all that a stranger can, in any order, for a week; and what must come of
our own messages and verdicts all the same: a machine for hypothesis."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlmodel import Session

from channels.texts.handler import handle_text
from channels.texts.text_job import ReceivedText
from incidents.reports import report_fields, reporter_feedback, submission
from messaging import inbox, report_texts
from messaging.dispatch import delivery_outcomes, leases
from messaging.message_kinds import ANYONE_CAN_TRIGGER
from messaging.models import OutboxMessage
from messaging.sending_limits import SendingLimits, parse_limits
from people.models import Customer
from scheduling.booking import bookings, cancellations
from scheduling.models import Callback
from scheduling.notifications import ring_back
from tests import factories
from tests.databases import Store
from vault.keys import keyring
from verification import call_end, call_session, number_proof, page_number_check

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
PHONES = tuple(f"+447400123{n:03d}" for n in range(6))
VICTIM = PHONES[0]
WORDS = ("CHECK", "SCAM", "MOVE", "PHRASE blue moon", "PAGE", "hello", "2", "000000")
NOISE = ("SCAM", "MOVE", "PHRASE red sun", "PAGE", "hello", "REFUSE", "2")
#: Small enough that a stranger can empty what is theirs.
MONEY = 1_000_000
RULES = SendingLimits(
    per_number=parse_limits("10/hour;30/day"),
    asked_per_number=parse_limits("4/hour;8/day"),
    segment_price=1 * MONEY,
    call_price=2 * MONEY,
    per_hour=80 * MONEY,
    per_day=700 * MONEY,
)


class Machine(RuleBasedStateMachine):
    """Works in one transaction that is never committed."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.now, self.ids = START, count(1)
        self.work = Session(
            store.engine,
            expire_on_commit=False,
            info=dict(keyring.keyring_session_info(store.ring)),
        )
        self.policy = factories.a_policy(min_notice_minutes=0)
        known = [factories.a_customer(self.work, START, phone) for phone in PHONES[:4]]
        self.victim = known[0].id
        self.left: list[tuple[datetime, str, str]] = []
        self.answers: list[datetime] = []
        self.booked: list[datetime] = []

    def teardown(self) -> None:
        self.work.rollback()
        self.work.close()

    # The stranger

    @rule(
        phone=st.sampled_from(PHONES),
        medium=st.sampled_from(("text", "voice")),
        times=st.integers(1, 6),
    )
    def asks_page_number(self, phone: str, medium: str, times: int) -> None:
        for _ in range(times):
            number_proof.issue_page_number(self.work, phone, medium, self.policy, self.now)

    @rule(phone=st.sampled_from(PHONES), number=st.integers(0, 10**8 - 1), times=st.integers(1, 4))
    def guesses(self, phone: str, number: int, times: int) -> None:
        for n in range(times):
            page_number_check.verify_page_number(
                self.work, phone, f"{(number + n) % 10**8:08d}", self.now
            )

    @rule(phone=st.sampled_from(PHONES), word=st.sampled_from(WORDS), times=st.integers(1, 40))
    def texts(self, phone: str, word: str, times: int) -> None:
        for _ in range(times):
            if self.says(phone, word) is not None and phone == VICTIM:
                self.answers.append(self.now)

    @rule(phone=st.sampled_from(PHONES), times=st.integers(1, 4))
    def rings_the_line(self, phone: str, times: int) -> None:
        for _ in range(times):
            inbox.record_once(self.work, f"CA{next(self.ids)}", phone, "own", self.now)
            ring_back.queue_ring_back(self.work, phone, self.policy, self.now)

    @rule(times=st.integers(1, 40))
    def keys_codes_in(self, times: int) -> None:
        for _ in range(times):
            inbox.record_once(self.work, f"CA{next(self.ids)}", VICTIM, "keypad", self.now)

    @rule(phone=st.sampled_from(PHONES), times=st.integers(1, 5))
    def reports_a_call(self, phone: str, times: int) -> None:
        for n in range(times):
            told = report_fields.ReportSubmission(
                phone=phone, channel="web", said=f"call {n}", tell_me=True
            )
            report = submission.submit_report(self.work, told, self.now)
            reporter_feedback.record_report_outcome(
                self.work, report, next(iter(report_texts.REPORT_OUTCOMES)), self.now
            )
        reporter_feedback.queue_feedback_texts(self.work, self.policy, self.now)

    @rule(minutes=st.sampled_from((1, 7, 20, 61, 5 * 60, 11 * 60)))
    def waits(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.worker()

    # What protects

    def may_book(self) -> bool:
        """In the day, and not so often that the customer's own share is used up."""
        if self.booked and self.now < self.booked[-1] + timedelta(minutes=15):
            return False
        today = sum(at > self.now - timedelta(days=1) for at in self.booked)
        return 9 <= self.now.hour < 20 and today < 8

    @precondition(may_book)
    @rule(minutes=st.integers(10, 50))
    def an_insider_makes_up_a_booking(self, minutes: int) -> None:
        self.booked.append(self.now)
        callback = self.book(minutes)
        assert callback.id in self.worker(), "the customer is not told"
        cancellations.cancel_booked_callback(self.work, callback, self.policy, self.now)
        assert callback.id in self.worker(), "the customer is not told that it is off"

    @precondition(may_book)
    @rule(noise=st.lists(st.sampled_from(NOISE), max_size=30), asks=st.integers(0, 3))
    def a_call_is_checked_by_text(self, noise: list[str], asks: int) -> None:
        self.booked.append(self.now)
        callback = self.book(5)
        assert callback.id in self.worker()
        self.now += timedelta(seconds=1)
        issued = call_session.start_call(self.work, callback, self.policy, self.now)
        self.now += timedelta(seconds=1)
        for word in (*noise, *["CHECK"] * asks, *["000000"] * asks):
            if self.says(VICTIM, word) is not None:
                self.answers.append(self.now)
        number_proof.issue_page_number(self.work, VICTIM, "text", self.policy, self.now)
        checked = self.says(VICTIM, "CHECK")
        assert checked is not None
        assert "is calling you" in checked
        told = self.says(VICTIM, issued.code)
        assert told is not None, "the verdict is not answered"
        assert "GENUINE" in told
        call_end.end_call(self.work, callback, "reached", self.policy, self.now)

    def book(self, minutes: int) -> Callback:
        """With an agent who has nothing else to do."""
        customer = self.work.get_one(Customer, self.victim)
        agent = factories.an_agent(self.work, self.now)
        at = self.now.replace(second=0, microsecond=0) + timedelta(minutes=minutes)
        wish = bookings.BookingRequest(at, 5, "your router", "T-1")
        return bookings.book_callback(self.work, customer, agent.id, wish, self.policy, self.now)

    # The rest

    def says(self, phone: str, body: str) -> str | None:
        text = ReceivedText(f"SM{next(self.ids)}", phone, body)
        return handle_text(self.work, text, self.policy, RULES, self.now)

    def worker(self) -> set[Any]:
        """One round, of eight messages; which callbacks they are about."""
        told = set()
        for message in leases.lease_messages(self.work, self.now, "post", RULES, 8):
            delivery_outcomes.mark_sent(self.work, message, f"SM{message.id.hex}", self.now)
            row = self.work.get_one(OutboxMessage, message.id)
            told.add(row.callback_id)
            if row.kind in ANYONE_CAN_TRIGGER and message.letter.to == VICTIM:
                self.left.append((self.now, row.kind, row.medium))
        return told

    @invariant()
    def few_messages_and_one_call(self) -> None:
        days = (self.now - START) // timedelta(days=1) + 1
        assert sum(medium == "voice" for *_, medium in self.left) <= 1
        assert len(self.left) <= 8 * days
        groups = len(inbox.COUNTED_SEPARATELY) + 1
        assert len(
            self.answers
        ) <= groups * inbox.MAX_PER_DAY * days + 2 * inbox.MAX_PER_CALL * len(self.booked)
        for at, _, medium in self.left:
            assert medium != "voice" or 8 <= at.hour < 21
        nights = Counter(at.date() for at, kind, _ in self.left if kind == "proof" and at.hour < 8)
        assert max(nights.values(), default=0) <= 1

    @invariant()
    def strangers_spend_their_share(self) -> None:
        from messaging import spending

        small, day = spending.small_budgets_spent(self.work, self.now)
        for purse in small | day:
            assert small[purse] <= RULES.per_hour * RULES.small_share
            assert day[purse] <= RULES.per_day * RULES.small_share
