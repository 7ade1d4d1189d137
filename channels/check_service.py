"""One check, for the web page and the API alike: clean the input, count it, decide."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from channels import error_handlers, proxy_detection
from channels.app_context import core_unit, ctx, now
from channels.client_network import request_network
from channels.rate_limits import TooMany
from people import phone_numbers
from people.errors import InvalidInput
from verification import codes
from verification.code_check import check
from verification.verdicts import AlreadyConfirmed, Channel, Genuine, Verdict

VERDICTS = Counter("vouchline_checks", "Checks by channel and verdict", ["channel", "verdict"])
SECONDS = Histogram(
    "vouchline_check_seconds",
    "Time of the decision, store included",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5),
)


def read_number(text: str) -> str:
    """The phone number somebody typed, in E.164. Raises ``InvalidInput``."""
    return phone_numbers.parse(text, ctx().policy.default_region)


def read_code(text: str) -> str:
    """The code somebody typed, in plain digits. Raises ``InvalidInput``."""
    digits = ctx().policy.code_digits
    code = codes.normal(text, digits)
    if code is None:
        raise InvalidInput("code", f"The check number has {digits} digits. Type just those.")
    return code


class CannotCheck(Exception):
    """No verdict can be had just now: the answer is *cannot check*, never *genuine* (rule F1)."""


def decide(phone: str, code: str, channel: Channel) -> Verdict:
    """The verdict on what a customer typed; committed before it is given.

    Raises ``InvalidInput``, ``TooMany`` or :class:`CannotCheck`.
    """
    try:
        verdict = _decided(phone, code, channel)
    except (InvalidInput, TooMany):
        raise
    except Exception as error:
        # Whatever it is, somebody is on the phone with a caller and needs advice, not an error.
        error_handlers.note("cannot check", error)
        VERDICTS.labels(channel.value, "cannot_check").inc()
        raise CannotCheck from error
    VERDICTS.labels(channel.value, name(verdict)).inc()
    return verdict


def _decided(phone: str, code: str, channel: Channel) -> Verdict:
    here = ctx()
    refused = _count_network()
    number, plain = read_number(phone), read_code(code)
    index = here.ring.blind_index("phone", number).hex()
    if refused is not None:
        _count_beyond(refused, index)
    here.limiter.hit("check_number", index)
    with SECONDS.time(), core_unit() as work:
        return check(work, number, plain, channel, now(), organisation=here.policy.organisation)


def _count_network() -> TooMany | None:
    """Count one check from this network. Raises ``TooMany`` at the limit, but returns it instead if
    every request has the same address because a proxy is not counted."""
    try:
        ctx().limiter.hit("check_address", request_network())
    except TooMany as error:
        if not proxy_detection.uncounted():
            raise
        return error
    return None


def _count_beyond(refused: TooMany, index: str) -> None:
    """A few more for each number, so that one stranger does not stop everybody's checks. Raises
    what was ``refused``."""
    try:
        ctx().limiter.hit("check_beyond_number", index)
        ctx().limiter.hit("check_beyond_address", request_network())
    except TooMany:
        raise refused from None


def name(verdict: Verdict) -> str:
    """The verdict's name on the API and in the metrics."""
    if isinstance(verdict, Genuine):
        return "genuine"
    return "already_confirmed" if isinstance(verdict, AlreadyConfirmed) else "not_confirmed"
