"""One check, for the web page and the API alike: clean the input, count it, decide."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from channels import error_handlers, proxy_detection
from channels.app_context import core_unit_of_work, current_context, current_time
from channels.client_network import request_network
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
    """The phone number somebody typed, in E.164. Raises ``InvalidInput``."""
    return phone_numbers.parse_phone(text, current_context().policy.default_region)


def read_code(text: str) -> str:
    """The code somebody typed, in plain digits. Raises ``InvalidInput``."""
    digits = current_context().policy.code_digits
    code = codes.normalise_code(text, digits)
    if code is None:
        raise InvalidInput("code", f"The check number has {digits} digits. Type just those.")
    return code


class CheckUnavailable(Exception):
    """No verdict can be had just now: the answer is *cannot check*, never *genuine* (rule F1)."""


def decide_verdict(phone: str, code: str, channel: Channel) -> Verdict:
    """The verdict on what a customer typed; committed before it is given.

    Raises ``InvalidInput``, ``TooMany`` or :class:`CheckUnavailable`.
    """
    try:
        verdict = _decide_counted(phone, code, channel)
    except (InvalidInput, RateLimitExceeded):
        raise
    except Exception as error:
        # Whatever it is, somebody is on the phone with a caller and needs advice, not an error.
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
    """Count one check from this network. Raises ``TooMany`` at the limit, but returns it instead if
    every request has the same address because a proxy is not counted."""
    try:
        current_context().limiter.count_hit("check_address", request_network())
    except RateLimitExceeded as error:
        if not proxy_detection.is_proxy_uncounted():
            raise
        return error
    return None


def _count_beyond_limit(refused: RateLimitExceeded, index: str) -> None:
    """A few more for each number, so that one stranger does not stop everybody's checks. Raises
    what was ``refused``."""
    try:
        current_context().limiter.count_hit("check_beyond_number", index)
        current_context().limiter.count_hit("check_beyond_address", request_network())
    except RateLimitExceeded:
        raise refused from None


def verdict_name(verdict: Verdict) -> str:
    """The verdict's name on the API and in the metrics."""
    if isinstance(verdict, Genuine):
        return "genuine"
    return "already_confirmed" if isinstance(verdict, AlreadyConfirmed) else "not_confirmed"
