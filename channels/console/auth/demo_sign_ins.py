"""Demo sign-ins. A newcomer has no authenticator, so the sign-in page shows the current codes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from channels.app_context import current_context
from channels.simulator.seed_data import DEMO_PASSWORD
from people.models import Staff
from people.staff import second_factor, staff_records
from people.staff.second_factor import STEP_SECONDS
from vault.keys import keyring


@dataclass(frozen=True)
class DemoSignIn:
    """A demo member of staff. ``spent`` means that the current code has been used already."""

    name: str
    email: str
    role: str
    code: str
    spent: bool


@dataclass(frozen=True)
class DemoSignIns:
    """All demo sign-ins, and the ``seconds`` until the codes change."""

    people: list[DemoSignIn]
    password: str
    seconds: int


def is_on() -> bool:
    """Return whether demo sign-ins are offered: only where no real text or call can be sent."""
    return current_context().demo and current_context().simulated


def list_demo_sign_ins(session: Session, now: datetime) -> DemoSignIns:
    """Return the demo members of staff with their current authenticator codes."""
    rows = session.exec(
        select(Staff)
        .where(
            col(Staff.demo).is_(True),
            col(Staff.active).is_(True),
            col(Staff.totp_secret).is_not(None),
        )
        .order_by(col(Staff.id))
        .limit(20)
    )
    left = STEP_SECONDS - int(now.timestamp()) % STEP_SECONDS
    return DemoSignIns(
        [_build_demo_sign_in(session, row, now) for row in rows], DEMO_PASSWORD, left
    )


def _build_demo_sign_in(session: Session, row: Staff, now: datetime) -> DemoSignIn:
    who = staff_records.open_staff_details(session, row)
    place = f"staff.totp_secret:{row.id}"
    secret = keyring.current_keyring(session).open_for_purpose(
        keyring.STAFF, place, row.totp_secret or b""
    )
    code = second_factor.current_totp_code(secret, now)
    spent = row.totp_last_step >= int(now.timestamp()) // STEP_SECONDS
    return DemoSignIn(who.name, who.email, who.role.value, f"{code[:3]} {code[3:]}", spent)
