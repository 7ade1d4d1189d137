"""The life of a case: the one table of allowed moves, and the one place that sets a state."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from incidents.cases.models import Case, CaseState
from scheduling.errors import WrongState

#: From each state, the states that may follow. An open case is closed only by being joined to
#: another; a taken one is open again when it is given back; a closed one when it is reopened.
ALLOWED_TRANSITIONS: dict[CaseState, frozenset[CaseState]] = {
    CaseState.OPEN: frozenset({CaseState.TAKEN, CaseState.CLOSED}),
    CaseState.TAKEN: frozenset({CaseState.OPEN, CaseState.CLOSED}),
    CaseState.CLOSED: frozenset({CaseState.OPEN}),
}

_REFUSAL_MESSAGES = {
    CaseState.OPEN: "Nobody has taken this case.",
    CaseState.TAKEN: "Somebody has taken this case.",
    CaseState.CLOSED: "This case is closed.",
}


def transition_case(
    session: Session, case: Case, wanted: CaseState, now: datetime, *, taker: UUID | None = None
) -> None:
    """Let a case, locked by the caller, go into a state; ``taker`` is who takes it. A closed case
    is about nothing any more: what comes opens another. Raises :class:`WrongState`."""
    if wanted not in ALLOWED_TRANSITIONS[CaseState(case.state)]:
        raise WrongState(_REFUSAL_MESSAGES[CaseState(case.state)])
    case.state, case.changed_at = wanted, now
    if wanted != CaseState.CLOSED:
        case.taken_by, case.taken_at, case.closed_at = taker, now if taker else None, None
    else:
        case.closed_at, case.fold = now, None
    session.add(case)
    session.flush()
