"""Opens a case at once when too many wrong page numbers are entered, over all networks (rule M5).

Somebody is trying a list of stolen numbers, or wants the portal shut. While the limit is reached,
page numbers are issued only in reply to texts, so nobody is locked out.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import CaseEvidence, CaseKind
from verification import page_number_limits

EVIDENCE_KIND = "guesses"


def open_guessing_case(session: Session, now: datetime) -> None:
    """Open a case when the limit is reached, with each such hour as evidence (a job of the
    worker)."""
    hour, day = page_number_limits.count_wrong_tries(session, now)
    if not page_number_limits.is_guess_limit_reached(session, now):
        return
    ref = f"{now:%Y%m%d%H}"
    if _is_guess_hour_known(session, ref):
        return
    too_fast = hour >= page_number_limits.MAX_WRONG_PER_HOUR
    facts = {
        "hours": 1 if too_fast else 24,
        "seen": hour if too_fast else day,
        "allowed": page_number_limits.MAX_WRONG_PER_HOUR
        if too_fast
        else page_number_limits.MAX_WRONG_PER_DAY,
    }
    evidence = NewEvidence(EVIDENCE_KIND, ref, now, facts=facts)
    open_or_extend_case(session, CaseKind.GUESSES, f"guesses:{now:%Y-%m-%d}", [evidence], now)


def _is_guess_hour_known(session: Session, ref: str) -> bool:
    """Return whether any case, open or closed, already has this hour as evidence."""
    kind, its = col(CaseEvidence.kind) == EVIDENCE_KIND, col(CaseEvidence.ref) == ref
    return session.exec(select(CaseEvidence.id).where(kind, its).limit(1)).first() is not None
