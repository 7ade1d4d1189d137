"""What a kind of request is: who may ask for it, who may approve it, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session

from people.approvals.states import RequestState
from people.models import Role
from vault.audit import audit_log

PayloadValue = str | int | bool | None
Payload = Mapping[str, PayloadValue]


@dataclass(frozen=True)
class RequestSubject:
    """What a request is about, by ids: nobody approves what is about themself. ``case_id`` is the
    case that it was asked in."""

    customer_id: UUID | None = None
    callback_id: UUID | None = None
    staff_id: UUID | None = None
    case_id: UUID | None = None


@dataclass(frozen=True)
class ApprovalRequestView:
    """A request in plain."""

    id: UUID
    kind: str
    state: RequestState
    payload: Payload
    why: str
    digest: str
    about: RequestSubject
    asked_by: UUID | None
    asked_at: datetime
    expires_at: datetime
    void_why: str = ""
    #: Of an enrolment that is being done: the PINs, by who approved and hands them over.
    pins: Mapping[UUID, str] = field(default_factory=dict)

    @property
    def actor(self) -> audit_log.Actor:
        """In whose name it is done."""
        return audit_log.staff_actor(self.asked_by) if self.asked_by else audit_log.OPERATOR

    def payload_text(self, name: str) -> str:
        """A value of the payload as text."""
        return str(self.payload[name])


#: Does what was approved, in the transaction of the last approval that it needed.
Executor = Callable[[Session, ApprovalRequestView, datetime], None]
#: Why it could not be done any more, in a fixed word of at most 16 letters; empty while it could.
InvalidReason = Callable[[Session, ApprovalRequestView], str]
#: Whether it lets somebody enrol, so that each who approves hands over a PIN in person.
EnrolmentRule = Callable[[Payload], bool]
#: What whoever approves is to read: pairs of a fixed word and a value, numbers masked.
FactsLoader = Callable[[Session, ApprovalRequestView], Sequence[tuple[str, str]]]
#: Which requests are closed to a member of staff, as a condition on their rows.
HiddenCondition = Callable[[UUID], ColumnElement[bool]]
#: Keeps what that rests on from changing until the transaction ends.
BasisLock = Callable[[Session, ApprovalRequestView], None]


@dataclass(frozen=True)
class RequestType:
    """One row of the table of kinds.

    ``asks`` are the roles that may ask, ``by_operator`` says whether the command line may; it has
    no identity, so it does not count among the ``people`` who must stand behind the act. Without
    ``run``, the command that asked does it, when it is run again. ``same`` names what of a payload
    makes two requests about the same one and the same, so that the second is not taken; with none,
    any number may wait. ``hopeless`` says why a request can come to nothing any more. ``enrols``
    says of a payload whether it lets somebody enrol. ``closed_to`` says which requests of this
    kind do not exist for a member of staff, and ``hold`` locks what that rests on.
    """

    name: str
    asks: frozenset[Role]
    approves: frozenset[Role]
    facts: FactsLoader
    run: Executor | None = None
    by_operator: bool = False
    people: int = 2
    same: Sequence[str] | None = None
    hopeless: InvalidReason | None = None
    enrols: EnrolmentRule | None = None
    closed_to: HiddenCondition | None = None
    hold: BasisLock | None = None

    def approvals_required(self, asked_by: UUID | None) -> int:
        """How many must approve, besides whoever asked."""
        return self.people if asked_by is None else self.people - 1


RequestTypes = Mapping[str, RequestType]
