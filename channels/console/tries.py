"""How often a sign-in may be tried, so that nobody guesses and nobody locks a colleague out.

A browser that has let somebody in before has tries of its own for them. All others share those of
the account, and those of the address they come from. A good recovery code opens a way around
both, with tries of its own. Every try is counted before it is looked at, and taken back if it was
good: of many at once none is let through uncounted.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime

from flask import request
from sqlmodel import Session

from channels.console import devices
from channels.context import ctx
from channels.limiting import TooMany
from people import signin, staff
from people.errors import InvalidInput
from people.models import Staff
from vault import audit
from vault.acts import AuditAct


@dataclass(frozen=True)
class Tries:
    """What one try is counted under: kinds of limits and identifiers; and ``around``, what it is
    counted under when they are used up, if it has a good recovery code."""

    counted: tuple[tuple[str, str], ...]
    around: tuple[str, str] | None = None

    def count(self) -> bool:
        """Count it; whether by the usual way. Raises ``TooMany`` or ``LimiterUnavailable``."""
        try:
            for kind, who in self.counted:
                ctx().limiter.hit(kind, who)
        except TooMany:
            if self.around is None:
                raise
            ctx().limiter.hit(*self.around)
            return False
        return True

    def give_back(self) -> None:
        """It was counted by the usual way, and was good."""
        for kind, who in self.counted:
            ctx().limiter.give_back(kind, who)

    def note(self, session: Session, member: Staff | None, now: datetime) -> None:
        """Write down that it was one too many: once an hour, so that a flood of tries makes no
        flood of entries."""
        kind, who = self.counted[-1]
        try:
            ctx().limiter.hit("sign_in_noted", f"{kind} {who}")
        except TooMany:
            return
        actor = audit.staff(member.id) if member else audit.SYSTEM
        what = "browser" if kind == "sign_in_device" else "strangers"
        audit.record(session, actor, AuditAct.STAFF_LOCKED, now, detail=what)


def of(session: Session, member: Staff | None, email: str, code: str, now: datetime) -> Tries:
    """What a try at that address is counted under, whether or not it is anybody's."""
    account = _account(email)
    spare = signin.recovery_fits(session, member, code)
    around = ("sign_in_recovery", account) if spare else None
    device = devices.of(member, now)
    if device:
        return Tries((("sign_in_device", device),), around)
    address = "sign_in_address", network()
    counted = (address, ("sign_in_account", account)) if account else (address,)
    return Tries(counted, around)


def network() -> str:
    """The address that a request comes from; of IPv6 the part that one customer of a provider
    has, who can choose the rest."""
    plain = request.remote_addr or "unknown"
    try:
        parsed = ipaddress.ip_address(plain)
    except ValueError:
        return plain
    if parsed.version == 4:
        return plain
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _account(email: str) -> str:
    try:
        return ctx().ring.blind_index("email", staff.normal_email(email)).hex()
    except InvalidInput:
        return ""
