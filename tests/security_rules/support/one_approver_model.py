"""An adversary who controls one account that may approve, and may ask for anything (rules I4, I7).

She holds every enrolment link, and the PINs that are shown to the accounts she controls. If she has
everything that a link asks for, she enrols and controls that account too. Everybody else is honest
and gullible: they ask for what others request and approve without reading, but hand a PIN only to
the person it is for. Nothing may ever be done that only accounts of hers have supported.

The model runs in one transaction that is never committed, with a savepoint for each step. The steps
are random; a failure names the seed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pyotp
from sqlmodel import Session, select

from people.approvals import (
    approval_requests,
    bootstrap,
    command_execution,
    decisions,
    valid_approvals,
)
from people.approvals.models import ApprovalRequest
from people.approvals.request_types import RequestSubject, RequestType
from people.approvals.states import RequestState
from people.errors import (
    Conflict,
    InvalidInput,
    LinkExpired,
    NotAllowed,
    NotFound,
    SecondStepFailed,
)
from people.models import Role, Staff
from people.staff import (
    link_creation,
    reset_links,
    second_factor,
    staff_approvals,
    staff_enrolment,
    staff_status,
)
from people.staff.enrolment_links import SecondStepInput
from procedures import role_change
from tests import factories
from tests.databases import Store
from vault.audit import audit_log
from vault.keys import keyring

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
A, S, I = Role.AGENT, Role.SUPERVISOR, Role.INVESTIGATOR  # noqa: E741
ERRORS = (InvalidInput, LinkExpired, Conflict, NotAllowed, NotFound, SecondStepFailed)
ANYBODY, BOTH = frozenset(Role), frozenset({S, I})
PASSWORD = "several good words"


def nothing(*_: Any) -> None:
    """What the kinds of this model do; what counts is who stood behind it."""


def no_facts(*_: Any) -> list[tuple[str, str]]:
    return []


KINDS = {
    kind.name: kind
    for kind in (
        RequestType("one", ANYBODY, BOTH, no_facts, nothing),
        RequestType("three", ANYBODY, BOTH, no_facts, nothing, people=3),
        RequestType("shell", frozenset(), BOTH, no_facts, nothing, by_operator=True),
        RequestType("long", frozenset(), BOTH, no_facts, by_operator=True),
        *(staff_approvals.ADD, staff_approvals.INVITE, reset_links.RESET, role_change.CHANGE_ROLE),
    )
}
ACTS = ("one", "three", "shell", "long")


@dataclass
class Asked:
    """A request, the token of its link, and the PINs that were shown for it, by who saw them."""

    id: UUID
    kind: RequestType
    digest: str
    by: UUID | None
    subject: UUID | None
    token: str = ""
    pins: dict[UUID, str] = field(default_factory=dict)
    open: bool = True


class Broken(AssertionError):
    """The adversary got something done alone."""


@dataclass(frozen=True)
class House:
    """People of the time of setting up, with their recovery codes; all runs begin with them."""

    store: Store
    people: tuple[UUID, ...]
    codes: dict[UUID, list[str]]


def furnish(store: Store) -> House:
    """Six who may approve, and two agents."""
    people, codes = [], {}
    with store.unit() as session:
        for n, role in enumerate((S, I, S, S, I, I, A, A)):
            made = factories.an_agent(
                session, NOW, role=role, email=f"p{n}@example.org", name=f"P{n}"
            )
            token = link_creation.create_enrolment_link(session, made, NOW)
            code = pyotp.TOTP(staff_enrolment.open_enrolment_link(session, token, NOW)[2]).at(NOW)
            codes[made.id] = staff_enrolment.enrol_with_link(session, token, PASSWORD, code, NOW)[1]
            people.append(made.id)
    return House(store, tuple(people), codes)


class Run:
    """One run of so many steps."""

    def __init__(self, house: House, seed: int) -> None:
        self.random, self.seed, self.now = random.Random(seed), seed, NOW
        info = dict(keyring.keyring_session_info(house.store.ring))
        self.work = Session(house.store.engine, expire_on_commit=False, info=info)
        self.asked: list[Asked] = []
        self.people, self.codes = list(house.people), dict(house.codes)
        self.done = self.taken = self.refused = 0
        self.number = len(self.people)
        self.she = self.random.choice(self.people[:6])
        self.hers = {self.she}

    def enrolled(self, token: str, pieces: SecondStepInput) -> UUID:
        secret = staff_enrolment.open_enrolment_link(self.work, token, self.now, pieces=pieces)[2]
        code = pyotp.TOTP(secret).at(self.now)
        member, codes = staff_enrolment.enrol_with_link(
            self.work, token, PASSWORD, code, self.now, pieces=pieces
        )
        self.codes[member.id] = codes
        if member.id not in self.people:
            self.people.append(member.id)
        return member.id

    def go(self, steps: int) -> None:
        for _ in range(steps):
            step = self.random.choices(*STEPS)[0]
            try:
                with self.work.begin_nested():
                    step(self)
            except ERRORS:
                self.refused += 1

    def end(self) -> None:
        self.work.rollback()
        self.work.close()

    # Asking.

    def somebody(self) -> UUID:
        """Hers half of the time: she tries more than they do."""
        if self.random.random() < 0.5:
            return self.random.choice([person for person in self.people if person in self.hers])
        return self.random.choice(self.people)

    def keep(self, token: str = "") -> None:
        row = self.work.exec(
            select(ApprovalRequest).order_by(ApprovalRequest.id.desc()).limit(1)  # type: ignore[attr-defined]
        ).one()
        asked = Asked(row.id, KINDS[row.kind], row.digest, row.asked_by, row.staff_id, token)
        self.asked.append(asked)

    def ask_act(self) -> None:
        kind = KINDS[self.random.choice(ACTS)]
        by = None if kind.by_operator else self.somebody()
        about = RequestSubject(staff_id=self.random.choice([None, self.random.choice(self.people)]))
        approval_requests.submit_for_approval(
            self.work, kind, {"n": 1}, "why it is to be", by, self.now, about=about
        )
        self.keep()

    def ask_to_add(self) -> None:
        self.number += 1
        by = self.random.choice([None, self.somebody(), self.somebody()])
        made = staff_approvals.request_new_staff_member(
            self.work,
            f"p{self.number}@example.org",
            f"P{self.number}",
            self.random.choice((A, S, S, I, I)),
            "why it is to be",
            by,
            self.now,
            timezone="Europe/London",
        )
        self.keep(made.token)

    def ask_to_reset(self) -> None:
        about = self.work.get_one(Staff, self.somebody())
        if self.random.random() < 0.3:
            made = staff_approvals.request_enrolment_link(
                self.work, about, "why it is to be", self.now
            )
            self.keep(made.token)
            return
        by = self.work.get_one(Staff, self.somebody())
        role = Role(by.role)
        token = reset_links.request_reset_link(
            self.work, by.id, role, about.id, "why it is to be", self.now
        )
        self.keep(token)

    def ask_for_role(self) -> None:
        about = self.work.get_one(Staff, self.somebody())
        by = self.random.choice([None, self.somebody(), self.somebody()])
        role = self.random.choice((A, S, I))
        role_change.request_role_change(self.work, about, role, "why it is to be", by, self.now)
        self.keep()

    # Deciding.

    def approve(self) -> None:
        waiting = [item for item in self.asked if item.open][-6:]
        if not waiting:
            return
        asked, by = self.random.choice(waiting), self.somebody()
        given = decisions.approve_issuing_pin(
            self.work, KINDS, asked.id, asked.digest, by, self.now
        )
        if given.pin:
            asked.pins[by] = given.pin
        if given.state in (RequestState.DONE, RequestState.APPROVED):
            self.behind(asked)

    def behind(self, asked: Asked) -> None:
        """Something was done, or may be: by more than her?"""
        asked.open, self.done = False, self.done + 1
        row = self.work.get_one(ApprovalRequest, asked.id)
        voices = {
            approval.staff_id
            for approval in valid_approvals.list_valid_approvals(self.work, asked.kind, row)
        }
        voices |= {asked.by} if asked.by else set()
        if len(voices) < asked.kind.people or voices <= self.hers:
            raise Broken(f"seed {self.seed}: {asked.kind.name} by {voices}, hers {self.hers}")
        if len(voices & self.hers) > 1:
            raise Broken(f"seed {self.seed}: {asked.kind.name}: hers count twice")

    def begin(self) -> None:
        """The command is run again."""
        found = [item for item in self.asked if item.kind.name == "long" and not item.open]
        if found:
            asked = self.random.choice(found)
            if command_execution.begin_approved_command(self.work, asked.kind, asked.id, self.now):
                self.behind(asked)

    def refuse(self) -> None:
        if self.asked:
            asked = self.random.choice(self.asked)
            decisions.refuse_request(self.work, KINDS, asked.id, self.somebody(), self.now)

    # Enrolling.

    def she_enrols(self) -> None:
        """With all the links, and the PINs that accounts of hers were shown."""
        for asked in reversed(self.asked):
            pins = [pin for by, pin in asked.pins.items() if by in self.hers]
            if asked.token and pins and len(pins) == len(asked.pins):
                theirs = self.codes.get(asked.subject) if asked.subject in self.hers else None
                if self.tried(asked, pins, theirs):
                    return

    def tried(self, asked: Asked, pins: list[str], codes: list[str] | None) -> bool:
        pieces = SecondStepInput(
            " ".join(self.random.sample(pins, len(pins))), codes[0] if codes else ""
        )
        try:
            with self.work.begin_nested():
                who = self.enrolled(asked.token, pieces)
        except ERRORS:
            return False
        self.taken += who not in self.hers
        self.hers.add(who)
        return True

    def they_enrol(self) -> None:
        """The owner of a link enrols, with all PINs and, if they have one, their recovery code."""
        found = [item for item in self.asked if item.token and item.pins]
        if not found:
            return
        asked = self.random.choice(found)
        if all(by in self.hers for by in asked.pins):
            return  # nobody honest has met anybody
        codes = self.codes.get(asked.subject, [""]) if asked.subject else [""]
        pins = " ".join(asked.pins.values())
        who = self.enrolled(asked.token, SecondStepInput(pins, codes[0]))
        if who != self.she:  # there she is the person
            self.hers.discard(who)

    def role_is_taken_up(self) -> None:
        """Signed in: by her where the account is hers and she was shown all PINs, else by the
        person themself."""
        found = [item for item in self.asked if item.kind.name == "staff.role" and item.pins]
        if not found:
            return
        asked = self.random.choice(found)
        if asked.subject in self.hers and not set(asked.pins) <= self.hers:
            return
        pins = " ".join(asked.pins.values())
        link = role_change.open_role_enrolment(self.work, asked.subject, pins, self.now)
        code = pyotp.TOTP(link.secret).at(self.now)
        self.codes[asked.subject] = role_change.accept_role(
            self.work, asked.subject, pins, PASSWORD, code, self.now
        )

    # And else.

    def a_guess(self) -> None:
        """She holds the link and guesses the PIN."""
        found = [item for item in self.asked if item.token]
        if found:
            token = self.random.choice(found).token
            guess = f"{self.random.randrange(10**6):06d}"
            staff_enrolment.open_enrolment_link(
                self.work, token, self.now, pieces=SecondStepInput(guess)
            )

    def somebody_leaves(self) -> None:
        who = self.random.choice(self.people)
        member = self.work.get_one(Staff, who)
        if who != self.she and bootstrap.count_approvers(self.work) > 4:
            staff_status.deactivate_staff_member(self.work, member, self.now)

    def new_codes(self) -> None:
        who = self.random.choice(self.people)
        self.codes[who] = second_factor.issue_recovery_codes(self.work, who)

    def demoted(self) -> None:
        who = self.work.get_one(Staff, self.random.choice(self.people))
        if who.role != A and bootstrap.count_approvers(self.work) > 4:
            staff_status.assign_staff_role(self.work, who, A, audit_log.OPERATOR, self.now)

    def time_passes(self) -> None:
        self.now += timedelta(hours=self.random.randrange(1, 20))


STEPS = (
    [
        *(Run.ask_act, Run.ask_to_add, Run.ask_to_reset, Run.ask_for_role),
        *(Run.approve, Run.refuse, Run.begin),
        *(Run.she_enrols, Run.they_enrol, Run.role_is_taken_up),
        *(Run.a_guess, Run.somebody_leaves, Run.new_codes, Run.demoted, Run.time_passes),
    ],
    [4, 4, 2, 2, 14, 1, 1, 8, 3, 2, 1, 0.3, 0.3, 0.3, 1],
)


@dataclass
class Figures:
    """What came of many runs."""

    runs: int = 0
    done: int = 0
    taken: int = 0
    refused: int = 0


def play(store: Store, seeds: range, steps: int) -> Figures:
    """Run after run; raises ``Broken`` at the first that she wins."""
    told, house = Figures(), furnish(store)
    for seed in seeds:
        run = Run(house, seed)
        try:
            run.go(steps)
        finally:
            run.end()
        told.runs += 1
        told.done, told.taken = told.done + run.done, told.taken + run.taken
        told.refused += run.refused
    return told
