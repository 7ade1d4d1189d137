"""Twilio's official client, and what its errors mean for us."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import requests
from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from messaging.providers.base import OutcomeUnknown, Rejected, Unavailable

TIMEOUT_SECONDS = 10.0
LOOK_BACK = 100  # more than are sent to one number within any lease
CLOCK_SKEW = timedelta(minutes=2)
_BUSY_PAUSE = timedelta(seconds=2)  # the client's errors do not say how long to wait
#: No response, or an unreadable one. A rejected list request raises the client's base exception.
UNCLEAR_ERRORS = (requests.RequestException, TwilioException, ValueError)

#: Twilio's permanent error codes, of requests and of delivery reports, mapped to our own.
PERMANENT_ERRORS = {
    21211: "invalid_number",
    21214: "invalid_number",
    21217: "invalid_number",
    21408: "country_not_enabled",
    21606: "sender_not_ours",
    21608: "trial_account",
    21610: "opted_out",
    21612: "unreachable",
    21614: "landline",
    21617: "too_long",
    30003: "unreachable",
    30004: "blocked",
    30005: "unknown_number",
    30006: "landline",
    30007: "filtered",
}


def make_client(account_sid: str, auth_token: str, api_base: str, connections: int) -> Client:
    """Create a client with as many connections; ``api_base`` replaces Twilio's own host."""
    # The client logs each request at the level info, and its addresses contain numbers.
    logger = logging.getLogger("vouchline.twilio")
    logger.setLevel(logging.WARNING)
    http = TwilioHttpClient(pool_connections=True, timeout=TIMEOUT_SECONDS, logger=logger)
    if http.session is not None:
        for scheme in ("https://", "http://"):
            http.session.mount(scheme, HTTPAdapter(pool_maxsize=connections))
    client = Client(account_sid, auth_token, http_client=http)
    if api_base:
        client.api.base_url = api_base.rstrip("/")
        client.lookups.base_url = api_base.rstrip("/")
    return client


def with_mapped_errors(act: Callable[[], str]) -> str:
    """Make a request that creates something; raise our own errors instead of the client's."""
    try:
        return act()
    except TwilioRestException as error:
        raise _map_error(error) from error
    except requests.ConnectTimeout as error:
        raise Unavailable from error
    except UNCLEAR_ERRORS as error:
        raise OutcomeUnknown from error


def _map_error(error: TwilioRestException) -> Exception:
    if error.code in PERMANENT_ERRORS:
        return Rejected(PERMANENT_ERRORS[error.code])
    if error.status == 429:
        return Unavailable(_BUSY_PAUSE)
    if error.status >= 500:
        return OutcomeUnknown()
    if error.status in (401, 403):
        return Unavailable()  # a problem of our account, not of the message: keep it until fixed
    return Rejected(f"provider_{error.code or error.status}")
