"""Failed tries of strangers: each is counted, and written down once an hour for each network and
kind, so that a flood of tries makes no flood of entries."""

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
    """Count a failed try of this ``kind`` (a fixed word), at somebody's ``account`` if it is one;
    whether it is the first of this hour from its network, and so is written down."""
    FAILED_ATTEMPTS.labels(kind).inc()
    name, where = f"{kind} {account.hex if account else ''}", request_network()
    of_kind = Network(
        f"{name} {where.near}",
        f"{name} {where.wide}" if where.wide else "",
        f"{name} {where.crowd}",
    )
    try:
        current_context().limiter.count_hit("failed_try_address", of_kind)
    except RateLimitExceeded:
        return False
    except RateLimiterUnavailable as error:
        error_handlers.log_failure("a failed try is not written down", error)
        return False
    return True
