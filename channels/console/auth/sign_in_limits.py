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
from channels.app_context import current_context
from channels.client_network import request_network
from channels.console.auth import device_cookie
from channels.rate_limits import RateLimitExceeded
from config.ip_addresses import Network
from people import attempt_log as entries
from people.errors import InvalidInput
from people.models import Staff
from people.staff import authentication, staff_records
from vault.audit import audit_log
from vault.audit.acts import AuditAct

LimitCounts = tuple[tuple[str, str | Network], ...]


@dataclass(frozen=True)
class CountedTry:
    """One try that may be looked at: what to take back if it is good, and what to say if it is
    not and was one too many of its network."""

    taken: LimitCounts
    refused: RateLimitExceeded | None = None

    def release_limit_counts(self) -> None:
        """It was good."""
        for kind, who in self.taken:
            current_context().limiter.refund_hit(kind, who)


@dataclass(frozen=True)
class SignInTries:
    """What one try is counted under: the ``network`` it comes from, unless the browser is known;
    a kind of limit and an identifier, ``own``, for the account or the known browser; and
    ``around``, for when they are used up, if it has a good recovery code."""

    network: Network | None
    own: tuple[str, str] | None
    around: tuple[str, str] | None = None

    def count_try(self) -> CountedTry:
        """Count it. Raises ``TooMany`` or ``LimiterUnavailable``."""
        try:
            return self._count_without_recovery()
        except RateLimitExceeded:
            if self.around is None:
                raise
            current_context().limiter.count_hit(*self.around)
            return CountedTry(())

    def _count_without_recovery(self) -> CountedTry:
        own: LimitCounts = (self.own,) if self.own else ()
        if self.network is None:
            return CountedTry(_hit_limits(own))
        try:
            taken = _hit_limits((("sign_in_address", self.network),))
        except RateLimitExceeded as error:
            if not own:
                raise
            slowly = _hit_limits((("sign_in_beyond_address", self.network),))
            return CountedTry((*slowly, *_hit_limits(own)), error)
        return CountedTry((*taken, *_hit_limits(own)))

    def note_lockout(self, session: Session, member: Staff | None, now: datetime) -> None:
        """Write down that it was one too many: once an hour for each account or browser, and of
        what is nobody's for each network, so that a flood of tries makes no flood of entries."""
        kind, who = self.own or ("sign_in_address", "")
        actor = audit_log.staff_actor(member.id) if member else audit_log.SYSTEM
        what = "browser" if kind == "sign_in_device" else "strangers"
        if not _is_first_lockout_note(f"{kind} {who}"):
            return
        kept = failed_attempts.is_first_this_hour("locked") or member is not None
        entry = entries.AttemptEntry(actor, AuditAct.STAFF_LOCKED, what)
        entries.write_attempt_entry(session, entry, now, kept=kept)


def _hit_limits(counts: LimitCounts) -> LimitCounts:
    for kind, who in counts:
        current_context().limiter.count_hit(kind, who)
    return counts


def _is_first_lockout_note(who: str) -> bool:
    try:
        current_context().limiter.count_hit("sign_in_noted", who)
    except RateLimitExceeded:
        return False
    return True


def build_sign_in_tries(
    session: Session, member: Staff | None, email: str, code: str, now: datetime
) -> SignInTries:
    """What a try at that address is counted under, whether or not it is anybody's."""
    account = _account_identifier(email)
    spare = authentication.is_unused_recovery_code(session, member, code)
    around = ("sign_in_recovery", account) if spare else None
    device = device_cookie.find_known_browser(member, now)
    if device:
        return SignInTries(None, ("sign_in_device", device), around)
    return SignInTries(request_network(), ("sign_in_account", account) if account else None, around)


def _account_identifier(email: str) -> str:
    try:
        return (
            current_context()
            .ring.compute_blind_index("email", staff_records.normalise_email(email))
            .hex()
        )
    except InvalidInput:
        return ""
