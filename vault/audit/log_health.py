"""The health of the audit log, for ``doctor``, ``/readyz`` and metrics: what stops or silences
it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from storage import foreign_objects
from vault.audit import completeness, log_state, recent_entries, sequencer
from vault.audit.row_macs import LogTampered

#: Entries are sequenced within seconds; one that waits this long means that something is wrong.
LATE_AFTER = timedelta(minutes=2)


def find_log_faults(session: Session, now: datetime) -> list[str]:
    """Return what is wrong, in sentences."""
    faults = [
        f"The store has {one_object}, which is none of ours."
        for one_object in _list_foreign_objects(session)
    ]
    wrong = log_state.find_state_fault(session, now, sequencer.SETTLES_AFTER)
    faults += [wrong] if wrong else []
    since = unsequenced_since(session, now)
    if since is not None and now - since > LATE_AFTER:
        faults.append(
            f"An audit entry has had no place in the log since {since:%Y-%m-%d %H:%M} UTC."
        )
    return faults


def describe_lost_writers(session: Session, now: datetime) -> list[str]:
    """Return the unexplained ends of processes, in sentences."""
    try:
        heard = completeness.CompletenessCheck(session)
    except LogTampered as error:
        return [str(error)]
    return [writer.sentence for writer in heard.find_lost_writers(now)]


def unsequenced_since(session: Session, now: datetime) -> datetime | None:
    """Return since when an entry has been waiting to be sequenced; one day ago for one that cannot
    be read."""
    try:
        return recent_entries.find_first_unsequenced_time(session)
    except (ValueError, TypeError):
        return now - timedelta(days=1)


def _list_foreign_objects(session: Session) -> list[str]:
    return foreign_objects.find_foreign_objects(session.connection())
