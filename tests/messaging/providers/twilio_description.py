"""What Twilio's published OpenAPI description (API 2010-04-01, Lookups v2) says of the requests we
make: the parameters there are, their types, and what limits they have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_E164 = r"\+[1-9]\d{6,14}"
_URL = r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:/\S*)?"
_TEXT = r"[\s\S]*"
_WHOLE = r"-?\d+"
_YES_NO = r"true|false"
_METHOD = r"GET|POST"


def _sid(letters: str) -> str:
    return rf"{letters}[0-9a-fA-F]{{32}}"


@dataclass(frozen=True)
class Operation:
    """``parameters`` by name, each with the pattern of a whole value."""

    method: str
    path: str
    parameters: Mapping[str, str]
    required: frozenset[str] = frozenset()
    one_of: tuple[frozenset[str], ...] = ()


_ACCOUNT = rf"/2010-04-01/Accounts/{_sid('AC')}"
_PAGES = {"PageSize": r"[1-9]\d{0,2}|1000", "Page": r"\d+", "PageToken": _TEXT}
_AT = r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?"

OPERATIONS = (
    Operation(
        "POST",
        f"{_ACCOUNT}/Messages.json",
        {
            "To": _E164,
            "From": _E164,
            "MessagingServiceSid": _sid("MG"),
            "Body": r"[\s\S]{1,1600}",
            "StatusCallback": _URL,
            "ApplicationSid": _sid("AP"),
            "ValidityPeriod": r"[1-9]\d{0,3}|[12]\d{4}|3[0-5]\d{3}|36000",
            "MediaUrl": _URL,
            "ContentSid": _sid("HX"),
            "ProvideFeedback": _YES_NO,
            "SmartEncoded": _YES_NO,
            "Attempt": _WHOLE,
        },
        frozenset({"To"}),
        (frozenset({"From", "MessagingServiceSid"}), frozenset({"Body", "MediaUrl", "ContentSid"})),
    ),
    Operation(
        "GET",
        f"{_ACCOUNT}/Messages.json",
        {"To": _E164, "From": _E164, "DateSent": _AT, "DateSent<": _AT, "DateSent>": _AT, **_PAGES},
    ),
    Operation(
        "POST",
        f"{_ACCOUNT}/Calls.json",
        {
            "To": _E164,
            "From": _E164,
            "Url": _URL,
            "Twiml": _TEXT,
            "ApplicationSid": _sid("AP"),
            "Method": _METHOD,
            "StatusCallback": _URL,
            "StatusCallbackMethod": _METHOD,
            "StatusCallbackEvent": r"initiated|ringing|answered|completed",
            "Timeout": r"\d{1,3}",
            "TimeLimit": _WHOLE,
            "MachineDetection": r"Enable|DetectMessageEnd",
        },
        frozenset({"To", "From"}),
        (frozenset({"Url", "Twiml", "ApplicationSid"}),),
    ),
    Operation(
        "GET",
        f"{_ACCOUNT}/Calls.json",
        {
            "To": _E164,
            "From": _E164,
            "Status": r"queued|ringing|in-progress|canceled|completed|failed|busy|no-answer",
            **{f"{name}Time{mark}": _AT for name in ("Start", "End") for mark in ("", "<", ">")},
            **_PAGES,
        },
    ),
    Operation(
        "POST",
        rf"{_ACCOUNT}/Calls/{_sid('CA')}.json",
        {"Url": _URL, "Method": _METHOD, "Status": "canceled|completed", "Twiml": _TEXT},
    ),
    Operation(
        "GET",
        r"/v2/PhoneNumbers/(?:%2B|\+)[1-9]\d{6,14}",
        {
            "Fields": r"(?:validation|caller_name|line_type_intelligence|line_status)"
            r"(?:,(?:validation|caller_name|line_type_intelligence|line_status))*",
            "CountryCode": "[A-Z]{2}",
        },
    ),
)


def problems(method: str, path: str, given: list[tuple[str, str]]) -> list[str]:
    """What is wrong with a request by that description; a list may repeat its parameter."""
    for operation in OPERATIONS:
        if operation.method == method and re.fullmatch(operation.path, path):
            return _checked(operation, given)
    return [f"there is no {method} {path}"]


def _checked(operation: Operation, given: list[tuple[str, str]]) -> list[str]:
    found = [
        f"{name}={value!r}"
        for name, value in given
        if not re.fullmatch(operation.parameters.get(name, "(?!)"), value)
    ]
    names = {name for name, _ in given}
    found += [f"{name} is missing" for name in operation.required - names]
    found += [f"none of {sorted(group)}" for group in operation.one_of if not group & names]
    return found
