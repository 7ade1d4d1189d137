"""Too many wrong page numbers were typed, over all networks: a case, at once (rule M5).

Somebody goes through a list of stolen numbers, or wants the own pages shut. While the bound holds
page numbers are given in answer to texts alone, so nobody is locked out.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from incidents.cases.creation import Evidence, raise_case
from incidents.cases.models import CaseEvidence, Kind
from verification import page_number_limits

EVIDENCE = "guesses"


def raise_cases(session: Session, now: datetime) -> None:
    """A case when the bound is reached, with each hour of it as evidence (a job of the worker)."""
    hour, day = page_number_limits.wrong_tries(session, now)
    if not page_number_limits.bound_reached(session, now):
        return
    ref = f"{now:%Y%m%d%H}"
    if _known(session, ref):
        return
    too_fast = hour >= page_number_limits.MAX_WRONG_AN_HOUR
    facts = {
        "hours": 1 if too_fast else 24,
        "seen": hour if too_fast else day,
        "allowed": page_number_limits.MAX_WRONG_AN_HOUR
        if too_fast
        else page_number_limits.MAX_WRONG_A_DAY,
    }
    evidence = Evidence(EVIDENCE, ref, now, facts=facts)
    raise_case(session, Kind.GUESSES, f"guesses:{now:%Y-%m-%d}", [evidence], now)


def _known(session: Session, ref: str) -> bool:
    """Whether some case rests on this hour already, though it may be closed by now."""
    kind, its = col(CaseEvidence.kind) == EVIDENCE, col(CaseEvidence.ref) == ref
    return session.exec(select(CaseEvidence.id).where(kind, its).limit(1)).first() is not None
