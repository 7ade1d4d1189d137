"""Checks a code for the web page and the API: parses the input, counts it and decides."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from channels import error_handlers, proxy_detection
from channels.app_context import core_unit_of_work, current_context, current_time
from channels.client_network import request_network
from channels.error_codes import ChannelErrorCode
from channels.rate_limits import RateLimitExceeded
from people import phone_numbers
from people.errors import InvalidInput
from verification import codes
from verification.code_check import check_code
from verification.verdicts import AlreadyConfirmed, Channel, Genuine, Verdict

CHECK_VERDICTS = Counter(
    "vouchline_checks", "Checks by channel and verdict", ["channel", "verdict"]
)
CHECK_SECONDS = Histogram(
    "vouchline_check_seconds",
    "Time of the decision, store included",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5),
)


def read_number(text: str) -> str:
    """Parse a typed phone number to E.164. Raises ``InvalidInput``."""
    return phone_numbers.parse_phone(text, current_context().policy.default_region)


def read_code(text: str) -> str:
    """Parse a typed code to plain digits. Raises ``InvalidInput``."""
    digits = current_context().policy.code_digits
    code = codes.normalise_code(text, digits)
    if code is None:
        raise InvalidInput("code", ChannelErrorCode.CHECK_NUMBER_LENGTH_WRONG, digits=digits)
    return code


class CheckUnavailable(Exception):
    """There is no verdict now: answer *cannot check*, never *genuine* (rule F1)."""


def decide_verdict(phone: str, code: str, channel: Channel) -> Verdict:
    """Return the verdict on what a customer typed. It is committed before it is returned.

    Raises ``InvalidInput``, ``RateLimitExceeded`` or :class:`CheckUnavailable`.
    """
    try:
        verdict = _decide_counted(phone, code, channel)
    except (InvalidInput, RateLimitExceeded):
        raise
    except Exception as error:
        # A customer is on the phone with a caller and needs advice, so catch every error.
        error_handlers.log_failure("cannot check", error)
        CHECK_VERDICTS.labels(channel.value, "cannot_check").inc()
        raise CheckUnavailable from error
    CHECK_VERDICTS.labels(channel.value, verdict_name(verdict)).inc()
    return verdict


def _decide_counted(phone: str, code: str, channel: Channel) -> Verdict:
    here = current_context()
    refused = _count_network()
    number, plain = read_number(phone), read_code(code)
    index = here.ring.compute_blind_index("phone", number).hex()
    if refused is not None:
        _count_beyond_limit(refused, index)
    here.limiter.count_hit("check_number", index)
    with CHECK_SECONDS.time(), core_unit_of_work() as work:
        return check_code(
            work, number, plain, channel, current_time(), organisation=here.policy.organisation
        )


def _count_network() -> RateLimitExceeded | None:
    """Count one check from this network. Raises ``RateLimitExceeded`` at the limit, but returns the
    error if every request has the same address because a proxy is not counted."""
    try:
        current_context().limiter.count_hit("check_address", request_network())
    except RateLimitExceeded as error:
        if not proxy_detection.is_proxy_uncounted():
            raise
        return error
    return None


def _count_beyond_limit(refused: RateLimitExceeded, index: str) -> None:
    """Allow a few more checks for each number, so that one client cannot block everybody's checks.
    Raises ``refused`` at the limit."""
    try:
        current_context().limiter.count_hit("check_beyond_number", index)
        current_context().limiter.count_hit("check_beyond_address", request_network())
    except RateLimitExceeded:
        raise refused from None


def verdict_name(verdict: Verdict) -> str:
    """Return the verdict's name, as the API and the metrics have it."""
    if isinstance(verdict, Genuine):
        return "genuine"
    return "already_confirmed" if isinstance(verdict, AlreadyConfirmed) else "not_confirmed"
