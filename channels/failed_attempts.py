"""Counts failed attempts, and audits only the first of each hour, network and kind, so that a flood
of attempts does not flood the audit log."""

from __future__ import annotations

from uuid import UUID

from prometheus_client import Counter

from channels import error_handlers
from channels.app_context import current_context
from channels.client_network import request_network
from channels.rate_limits import RateLimiterUnavailable, RateLimitExceeded
from config.ip_addresses import Network

FAILED_ATTEMPTS = Counter(
    "vouchline_failed_tries", "Failed tries of strangers, written or not", ["kind"]
)


def is_first_this_hour(kind: str, account: UUID | None = None) -> bool:
    """Count a failed attempt of this ``kind`` (a fixed word), at an ``account`` if there is one.
    Return whether it is the first of this hour from its network, which means that it must be
    audited."""
    FAILED_ATTEMPTS.labels(kind).inc()
    prefix, network = f"{kind} {account.hex if account else ''}", request_network()
    counted_network = Network(
        f"{prefix} {network.near}",
        f"{prefix} {network.wide}" if network.wide else "",
        f"{prefix} {network.crowd}",
    )
    try:
        current_context().limiter.count_hit("failed_try_address", counted_network)
    except RateLimitExceeded:
        return False
    except RateLimiterUnavailable as error:
        error_handlers.log_failure("a failed try is not written down", error)
        return False
    return True
