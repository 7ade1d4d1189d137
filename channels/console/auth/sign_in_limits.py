"""How often a sign-in may be tried, so that nobody guesses and nobody locks a colleague out.

A browser that has let somebody in before has tries of its own for them. All others share those of
the account, and those of the network they come from. Where those of the network are used up, a
try is still looked at, but slowly: if it is good it lets in, and if not, it is answered as one too
many. A good recovery code opens a way around, with tries of its own. Every try is counted before
it is looked at, and taken back if it was good: of many at once none is let through uncounted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from channels import failed_attempts
from channels.app_context import ctx
from channels.client_network import request_network
from channels.console.auth import device_cookie
from channels.rate_limits import TooMany
from config.ip_addresses import Network
from people import attempt_log as entries
from people.errors import InvalidInput
from people.models import Staff
from people.staff import authentication, staff_records
from vault.audit import audit_log
from vault.audit.acts import AuditAct

Counts = tuple[tuple[str, str | Network], ...]


@dataclass(frozen=True)
class Counted:
    """One try that may be looked at: what to take back if it is good, and what to say if it is
    not and was one too many of its network."""

    taken: Counts
    refused: TooMany | None = None

    def give_back(self) -> None:
        """It was good."""
        for kind, who in self.taken:
            ctx().limiter.give_back(kind, who)


@dataclass(frozen=True)
class Tries:
    """What one try is counted under: the ``network`` it comes from, unless the browser is known;
    a kind of limit and an identifier, ``own``, for the account or the known browser; and
    ``around``, for when they are used up, if it has a good recovery code."""

    network: Network | None
    own: tuple[str, str] | None
    around: tuple[str, str] | None = None

    def count(self) -> Counted:
        """Count it. Raises ``TooMany`` or ``LimiterUnavailable``."""
        try:
            return self._by_the_usual_way()
        except TooMany:
            if self.around is None:
                raise
            ctx().limiter.hit(*self.around)
            return Counted(())

    def _by_the_usual_way(self) -> Counted:
        own: Counts = (self.own,) if self.own else ()
        if self.network is None:
            return Counted(_hit(own))
        try:
            taken = _hit((("sign_in_address", self.network),))
        except TooMany as error:
            if not own:
                raise
            slowly = _hit((("sign_in_beyond_address", self.network),))
            return Counted((*slowly, *_hit(own)), error)
        return Counted((*taken, *_hit(own)))

    def note(self, session: Session, member: Staff | None, now: datetime) -> None:
        """Write down that it was one too many: once an hour for each account or browser, and of
        what is nobody's for each network, so that a flood of tries makes no flood of entries."""
        kind, who = self.own or ("sign_in_address", "")
        actor = audit_log.staff(member.id) if member else audit_log.SYSTEM
        what = "browser" if kind == "sign_in_device" else "strangers"
        if not _first(f"{kind} {who}"):
            return
        kept = failed_attempts.first_of_the_hour("locked") or member is not None
        entry = entries.Entry(actor, AuditAct.STAFF_LOCKED, what)
        entries.write(session, entry, now, kept=kept)


def _hit(counts: Counts) -> Counts:
    for kind, who in counts:
        ctx().limiter.hit(kind, who)
    return counts


def _first(who: str) -> bool:
    try:
        ctx().limiter.hit("sign_in_noted", who)
    except TooMany:
        return False
    return True


def of(session: Session, member: Staff | None, email: str, code: str, now: datetime) -> Tries:
    """What a try at that address is counted under, whether or not it is anybody's."""
    account = _account(email)
    spare = authentication.recovery_fits(session, member, code)
    around = ("sign_in_recovery", account) if spare else None
    device = device_cookie.of(member, now)
    if device:
        return Tries(None, ("sign_in_device", device), around)
    return Tries(request_network(), ("sign_in_account", account) if account else None, around)


def _account(email: str) -> str:
    try:
        return ctx().ring.blind_index("email", staff_records.normal_email(email)).hex()
    except InvalidInput:
        return ""
