"""The demo's sign-ins. A newcomer has no authenticator enrolled, so the page shows its code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from channels.app_context import ctx
from channels.simulator.seed_data import DEMO_PASSWORD
from people.models import Staff
from people.staff import second_factor, staff_records
from people.staff.second_factor import STEP_SECONDS
from vault.keys import keyring


@dataclass(frozen=True)
class SignIn:
    """A demo member of staff; ``spent`` says that the code was used and the next is to come."""

    name: str
    email: str
    role: str
    code: str
    spent: bool


@dataclass(frozen=True)
class SignIns:
    """All of them; ``seconds`` until the codes change."""

    people: list[SignIn]
    password: str
    seconds: int


def is_on() -> bool:
    """Only where no real text or call can leave the house."""
    return ctx().demo and ctx().simulated


def sign_ins(session: Session, now: datetime) -> SignIns:
    """Who can sign in, with what their authenticator shows now."""
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
    return SignIns([_sign_in(session, row, now) for row in rows], DEMO_PASSWORD, left)


def _sign_in(session: Session, row: Staff, now: datetime) -> SignIn:
    who = staff_records.opened(session, row)
    place = f"staff.totp_secret:{row.id}"
    secret = keyring.of(session).open_for(keyring.STAFF, place, row.totp_secret or b"")
    code = second_factor.code_now(secret, now)
    spent = row.totp_last_step >= int(now.timestamp()) // STEP_SECONDS
    return SignIn(who.name, who.email, who.role.value, f"{code[:3]} {code[3:]}", spent)
