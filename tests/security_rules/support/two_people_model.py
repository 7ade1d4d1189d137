"""The rules of requests and approvals as a second, simpler implementation: a machine for hypothesis
that does anything to them in any order, and a model that knows what the result must be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from sqlmodel import Session, select

from people.approvals import approval_requests, command_execution, decisions
from people.approvals.models import ApprovalRequest
from people.approvals.request_types import ApprovalRequestView, RequestSubject, RequestType
from people.error_codes import PeopleErrorCode
from people.errors import Conflict, InvalidInput, NotAllowed, NotFound
from people.models import Role, Staff
from people.staff import staff_status
from tests import factories
from tests.approvals import approve_request
from tests.databases import Store
from vault.audit import audit_log
from vault.keys import keyring

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
A, S, I = Role.AGENT, Role.SUPERVISOR, Role.INVESTIGATOR  # noqa: E741
HANDS = (A, S, S, S, I, I, I)
ERRORS = (InvalidInput, Conflict, NotAllowed, NotFound)
ENDS = ("done", "refused", "withdrawn", "expired")


def no_facts(*_: Any) -> list[tuple[str, str]]:
    return []


@dataclass
class Asked:
    """A request as the model sees it."""

    id: UUID
    kind: RequestType
    by: int | None
    subject: int | None
    payload: dict[str, Any]
    digest: str
    expires_at: datetime
    state: str = "asked"
    begun: bool = False
    said: dict[int, str] = field(default_factory=dict)


class Machine(RuleBasedStateMachine):
    """Works in one transaction that is never committed; each step in a savepoint of its own."""

    requests = Bundle("requests")

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.now = NOW
        self.done: list[tuple[UUID, dict[str, Any]]] = []
        self.all: list[Asked] = []
        self.stumbles = False
        self.kinds = {
            "one": RequestType(
                "one", frozenset({A, S, I}), frozenset({S, I}), no_facts, self.run_it
            ),
            "two": RequestType(
                "two", frozenset({S}), frozenset({I}), no_facts, self.run_it, people=3
            ),
            "shell": RequestType(
                "shell", frozenset({S}), frozenset({S, I}), no_facts, self.run_it, by_operator=True
            ),
            "long": RequestType("long", frozenset(), frozenset({S, I}), no_facts, by_operator=True),
        }
        self.work = Session(
            store.engine,
            expire_on_commit=False,
            info=dict(keyring.keyring_session_info(store.ring)),
        )
        self.people = [
            factories.an_agent(self.work, NOW, role=role, email=f"p{n}@example.org").id
            for n, role in enumerate(HANDS)
        ]
        self.roles = list(HANDS)
        self.active = [True] * len(HANDS)

    def teardown(self) -> None:
        self.work.rollback()
        self.work.close()

    def run_it(self, session: Session, act: ApprovalRequestView, now: datetime) -> None:
        if self.stumbles:
            raise InvalidInput("x", PeopleErrorCode.TEXT_MISSING)
        self.done.append((act.id, dict(act.payload)))

    def tried(self, act: Any) -> Any:
        """What comes of a step: the name of the error, or what it gave."""
        before = list(self.done)
        try:
            with self.work.begin_nested():
                return act()
        except ERRORS as error:
            assert self.done == before
            return type(error)

    def may(self, who: int, roles: frozenset[Role]) -> bool:
        return self.active[who] and self.roles[who] in roles

    def counting(self, asked: Asked) -> int:
        return sum(
            word == "approve"
            and self.may(who, asked.kind.approves)
            and who not in (asked.by, asked.subject)
            for who, word in asked.said.items()
        )

    def enough(self, asked: Asked) -> bool:
        return self.counting(asked) >= asked.kind.people - (asked.by is not None)

    def barred(self, asked: Asked, who: int) -> Any:
        """What keeps somebody from deciding."""
        if not self.may(who, asked.kind.approves):
            return NotFound
        if who in (asked.by, asked.subject):
            return NotAllowed
        return Conflict if who in asked.said else None

    @rule(
        target=requests,
        kind=st.sampled_from(["one", "two", "shell", "long"]),
        by=st.none() | st.sampled_from(range(len(HANDS))),
        subject=st.none() | st.sampled_from(range(len(HANDS))),
        value=st.integers(0, 9),
    )
    def ask(self, kind: str, by: int | None, subject: int | None, value: int) -> Asked | None:
        what, payload = self.kinds[kind], {"value": value}
        about = RequestSubject(staff_id=None if subject is None else self.people[subject])
        who = None if by is None else self.people[by]
        made = self.tried(
            lambda: approval_requests.submit_for_approval(
                self.work, what, payload, "why it is to be", who, self.now, about=about
            )
        )
        if not (what.by_operator if by is None else self.may(by, what.asks)):
            assert made is NotAllowed
            return None
        until = self.now + timedelta(days=7)
        self.all.append(Asked(made.id, what, by, subject, payload, made.digest, until))
        return self.all[-1]

    @rule(
        asked=requests, who=st.sampled_from(range(len(HANDS))), stale=st.booleans(), s=st.booleans()
    )
    def approve(self, asked: Asked | None, who: int, stale: bool, s: bool) -> None:
        if asked is None:
            return
        digest, self.stumbles = "0" * 64 if stale else asked.digest, s
        before, people = len(self.done), self.people
        given = self.tried(
            lambda: approve_request(self.work, self.kinds, asked.id, digest, people[who], self.now)
        )
        barred = self.barred(asked, who)
        asker_gone = asked.by is not None and not self.may(asked.by, asked.kind.asks)
        if barred is not None:
            assert given is barred
        elif stale or asker_gone or asked.state != "asked" or self.now >= asked.expires_at:
            assert given is Conflict
        else:
            self.approved(asked, who, given, before)

    def approved(self, asked: Asked, who: int, given: Any, before: int) -> None:
        asked.said[who] = "approve"
        if not self.enough(asked):
            assert given == "asked"
        elif asked.kind.run is None:
            assert given == "approved"
            asked.state = "approved"
        elif self.stumbles:
            assert given is InvalidInput
            del asked.said[who]
        else:
            assert given == "done"
            assert self.done[before:] == [(asked.id, asked.payload)]
            asked.state = "done"
            return
        assert len(self.done) == before

    @rule(asked=requests, who=st.sampled_from(range(len(HANDS))))
    def refuse(self, asked: Asked | None, who: int) -> None:
        if asked is None:
            return
        people = self.people
        given = self.tried(
            lambda: decisions.refuse_request(self.work, self.kinds, asked.id, people[who], self.now)
        )
        barred = self.barred(asked, who)
        if barred is not None:
            assert given is barred
        elif asked.state in ENDS or self.now >= asked.expires_at:
            assert given is Conflict
        else:
            assert given is None
            asked.state, asked.said[who] = "refused", "refuse"

    @rule(asked=requests, by=st.none() | st.sampled_from(range(len(HANDS))))
    def withdraw(self, asked: Asked | None, by: int | None) -> None:
        if asked is None:
            return
        who = None if by is None else self.people[by]
        given = self.tried(
            lambda: approval_requests.withdraw_approval_request(self.work, asked.id, who, self.now)
        )
        if by != asked.by:
            assert given is NotFound
        elif asked.state in ENDS:
            assert given is Conflict
        else:
            assert given is None
            asked.state = "withdrawn"

    @rule(asked=requests)
    def begin(self, asked: Asked | None) -> None:
        """The command is run again."""
        if asked is None or asked.kind.name != "long":
            return
        given = self.tried(
            lambda: command_execution.begin_approved_command(
                self.work, asked.kind, asked.id, self.now
            )
        )
        if asked.state != "approved" or self.now >= asked.expires_at:
            assert given is False
        elif not self.enough(asked):
            assert given is False
            asked.state = "asked"
        else:
            assert given is True
            if not asked.begun:
                asked.begun, asked.expires_at = True, self.now + timedelta(days=7)

    @rule(asked=requests)
    def finish(self, asked: Asked | None) -> None:
        """The command has come to its end, if it ever began."""
        if asked is None or not asked.begun:
            return
        given = self.tried(
            lambda: command_execution.finish_approved_command(self.work, asked.id, self.now)
        )
        assert given is (None if asked.state == "approved" else Conflict)
        if asked.state == "approved":
            asked.state = "done"

    @rule(who=st.sampled_from(range(len(HANDS))), role=st.sampled_from([A, S, I]))
    def another_role(self, who: int, role: Role) -> None:
        member = self.work.get_one(Staff, self.people[who])
        staff_status.assign_staff_role(self.work, member, role, audit_log.OPERATOR, self.now)
        self.roles[who] = role

    @rule(who=st.sampled_from(range(len(HANDS))), active=st.booleans())
    def on_or_off(self, who: int, active: bool) -> None:
        member = self.work.get_one(Staff, self.people[who])
        if active:
            member.active = True
            self.work.add(member)
        else:
            staff_status.deactivate_staff_member(self.work, member, self.now)
        self.active[who] = active

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def the_worker_looks(self) -> None:
        """Marks what is too old, and nothing else."""
        command_execution.expire_requests(self.work, self.now)
        for asked in self.all:
            if asked.state not in ENDS and self.now >= asked.expires_at:
                asked.state = "expired"

    @invariant()
    def every_request_stands_where_it_should(self) -> None:
        self.work.flush()
        stored = self.work.exec(select(ApprovalRequest.id, ApprovalRequest.state))
        assert dict(stored.all()) == {asked.id: asked.state for asked in self.all}
        assert len(self.done) == len({each for each, _ in self.done})
