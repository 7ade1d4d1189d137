"""Request types: who may request, who may approve, and what is executed."""

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
    """The ids a request is about; nobody approves a request about themself. ``case_id`` is the case
    that it was made in."""

    customer_id: UUID | None = None
    callback_id: UUID | None = None
    staff_id: UUID | None = None
    case_id: UUID | None = None


@dataclass(frozen=True)
class ApprovalRequestView:
    """A decrypted request."""

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
    #: For an enrolment being executed: the PINs by the approver who hands them over.
    pins: Mapping[UUID, str] = field(default_factory=dict)

    @property
    def actor(self) -> audit_log.Actor:
        """The actor in whose name it is executed."""
        return audit_log.staff_actor(self.asked_by) if self.asked_by else audit_log.OPERATOR

    def payload_text(self, name: str) -> str:
        """Return a value of the payload as text."""
        return str(self.payload[name])


#: Executes what was approved, in the transaction of the last approval it needed.
Executor = Callable[[Session, ApprovalRequestView, datetime], None]
#: Returns why it can no longer be executed, in a fixed word of at most 16 letters; empty while it
#: can.
InvalidReason = Callable[[Session, ApprovalRequestView], str]
#: Returns whether it enrols somebody, so that each approver hands over a PIN in person.
EnrolmentRule = Callable[[Payload], bool]
#: Returns what an approver reads: pairs of a fixed word and a value, numbers masked.
FactsLoader = Callable[[Session, ApprovalRequestView], Sequence[tuple[str, str]]]
#: Returns which requests are hidden from a member of staff, as a condition on their rows.
HiddenCondition = Callable[[UUID], ColumnElement[bool]]
#: Locks what that condition depends on until the transaction ends.
BasisLock = Callable[[Session, ApprovalRequestView], None]


@dataclass(frozen=True)
class RequestType:
    """One row of the table of request types.

    ``asks`` are the roles that may request. ``by_operator`` says whether the command line may; it
    has no identity, so it does not count among the ``people`` who must support the act. Without
    ``run``, the command that made the request executes it when it is run again. ``same`` names the
    payload keys that make two requests about the same subject equal, so that the second is refused;
    without it, any number may wait. ``hopeless`` returns why a request can no longer be executed.
    ``enrols`` returns whether a payload enrols somebody. ``closed_to`` returns which requests of
    this type are hidden from a member of staff, and ``hold`` locks what that depends on.
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
        """Return how many people must approve, besides the requester."""
        return self.people if asked_by is None else self.people - 1


RequestTypes = Mapping[str, RequestType]
