"""Too many wrong page numbers were typed, over all networks: a case, at once (rule M5).

Somebody goes through a list of stolen numbers, or wants the own pages shut. While the bound holds
page numbers are given in answer to texts alone, so nobody is locked out.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import CaseEvidence, CaseKind
from verification import page_number_limits

EVIDENCE_KIND = "guesses"


def open_guessing_case(session: Session, now: datetime) -> None:
    """A case when the bound is reached, with each hour of it as evidence (a job of the worker)."""
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
    """Whether some case rests on this hour already, though it may be closed by now."""
    kind, its = col(CaseEvidence.kind) == EVIDENCE_KIND, col(CaseEvidence.ref) == ref
    return session.exec(select(CaseEvidence.id).where(kind, its).limit(1)).first() is not None
