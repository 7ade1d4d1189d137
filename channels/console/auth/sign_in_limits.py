"""Limits of sign-in attempts, so that nobody can guess credentials or lock a colleague out.

A browser that has signed somebody in before has its own limit for them. All other browsers share
the limits of the account and of their network. When the network's limit is reached, attempts are
still checked, at a lower rate: a correct one signs in, a wrong one is answered as rate limited. A
valid recovery code bypasses a reached limit, under a limit of its own. Each attempt is counted
before it is checked, and refunded if it succeeds, so that concurrent attempts cannot exceed a
limit.
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
    """An attempt that may be checked: the counts to refund if it succeeds, and the error to answer
    with if it fails and exceeded the limit of its network."""

    taken: LimitCounts
    refused: RateLimitExceeded | None = None

    def release_limit_counts(self) -> None:
        """Refund the counts of a successful attempt."""
        for kind, who in self.taken:
            current_context().limiter.refund_hit(kind, who)


@dataclass(frozen=True)
class SignInTries:
    """The limits that apply to one attempt.

    ``network`` is the network it comes from, or None if the browser is known. ``own`` is a kind of
    limit and an identifier, for the account or the known browser. ``around`` is the limit used when
    the others are reached and the attempt has a valid recovery code.
    """

    network: Network | None
    own: tuple[str, str] | None
    around: tuple[str, str] | None = None

    def count_try(self) -> CountedTry:
        """Count the attempt. Raises ``RateLimitExceeded`` or ``RateLimiterUnavailable``."""
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
        """Audit that a limit was exceeded: once an hour for each account or browser, or for each
        network if the account does not exist. A flood of attempts makes no flood of entries."""
        kind, who = self.own or ("sign_in_address", "")
        actor = audit_log.staff_actor(member.id) if member else audit_log.SYSTEM
        what = "browser" if kind == "sign_in_device" else "strangers"
        if not _is_first_lockout_note(f"{kind} {who}"):
            return
        written = failed_attempts.is_first_this_hour("locked") or member is not None
        entry = entries.AttemptEntry(actor, AuditAct.STAFF_LOCKED, what)
        entries.write_attempt_entry(session, entry, now, kept=written)


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
    """Return the limits for an attempt at ``email``, whether or not there is such an account."""
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
