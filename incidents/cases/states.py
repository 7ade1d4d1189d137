"""State machine of a case: the table of allowed transitions, and the only function that sets a
state."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from incidents.cases.models import Case, CaseState
from incidents.error_codes import IncidentErrorCode
from scheduling.errors import WrongState

#: Allowed transitions. An open case is closed only by a merge into another case. A taken case
#: becomes open when it is given back, a closed case when it is reopened.
ALLOWED_TRANSITIONS: dict[CaseState, frozenset[CaseState]] = {
    CaseState.OPEN: frozenset({CaseState.TAKEN, CaseState.CLOSED}),
    CaseState.TAKEN: frozenset({CaseState.OPEN, CaseState.CLOSED}),
    CaseState.CLOSED: frozenset({CaseState.OPEN}),
}

_REFUSAL_CODES = {
    CaseState.OPEN: IncidentErrorCode.CASE_IS_OPEN,
    CaseState.TAKEN: IncidentErrorCode.CASE_IS_TAKEN,
    CaseState.CLOSED: IncidentErrorCode.CASE_IS_CLOSED,
}


def transition_case(
    session: Session, case: Case, wanted: CaseState, now: datetime, *, taker: UUID | None = None
) -> None:
    """Move a case, locked by the caller, to the state ``wanted``; ``taker`` is who takes it.

    A closed case loses its deduplication key, so new evidence opens another case. Raises
    :class:`WrongState`.
    """
    if wanted not in ALLOWED_TRANSITIONS[CaseState(case.state)]:
        raise WrongState(_REFUSAL_CODES[CaseState(case.state)])
    case.state, case.changed_at = wanted, now
    if wanted != CaseState.CLOSED:
        case.taken_by, case.taken_at, case.closed_at = taker, now if taker else None, None
    else:
        case.closed_at, case.fold = now, None
    session.add(case)
    session.flush()
