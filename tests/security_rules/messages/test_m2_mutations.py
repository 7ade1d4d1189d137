"""M2: of signed requests changed by a little, none is taken that the provider's own validator
would not take."""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, quote_plus

import pytest
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from messaging.models import DeliveryReport, InboundText
from tests.channels.support import AUTH_TOKEN, PHONE, all_rows

BASE = "https://check.example.org"
pytestmark = pytest.mark.settings(public_url=BASE, twilio_auth_token=AUTH_TOKEN)
FORM = "application/x-www-form-urlencoded"
PATHS = ["/twilio/sms", "/twilio/status/message", "/twilio/voice", "/twilio/voice/code"]


@dataclass(frozen=True)
class Request:
    """A webhook in transit: its fields can be changed, its signature is of the original."""

    path: str
    fields: tuple[tuple[str, str], ...]
    signature: str
    query: str = ""
    body: bytes = b""
    kind: str = FORM
    headers: dict[str, str] = field(default_factory=dict)

    def sent(self) -> bytes:
        pairs = (f"{quote_plus(name)}={quote_plus(value)}" for name, value in self.fields)
        return self.body or "&".join(pairs).encode()


def signed(chance: random.Random) -> Request:
    sid = f"{chance.getrandbits(128):032x}"
    form = {"MessageSid": f"SM{sid}", "CallSid": f"CA{sid}", "From": PHONE, "To": "+442079460123"}
    form |= {"Body": chance.choice(["hello", "CHECK", "a&b=c", "ü 😀"]), "MessageStatus": "sent"}
    path = chance.choice(PATHS)
    given = RequestValidator(AUTH_TOKEN).compute_signature(BASE + path, form)
    return Request(path, tuple(form.items()), given)


def flip_body(request: Request, chance: random.Random) -> Request:
    body = bytearray(request.sent())
    body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    return replace(request, body=bytes(body))


def flip_signature(request: Request, chance: random.Random) -> Request:
    raw = bytearray(request.signature.encode())
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(7)
    text = raw.decode("latin-1")
    return replace(request, signature="".join(c for c in text if c.isprintable()))


def add(request: Request, chance: random.Random) -> Request:
    name = chance.choice(["Digits", "OptOutType", "", "body", "Body ", "MessageSid[]", "a"])
    new = (name, chance.choice(["", "STOP", "1", "x" * 50]))
    at = chance.randrange(len(request.fields) + 1)
    return replace(request, fields=(*request.fields[:at], new, *request.fields[at:]))


def drop(request: Request, chance: random.Random) -> Request:
    at = chance.randrange(len(request.fields))
    return replace(request, fields=request.fields[:at] + request.fields[at + 1 :])


def double(request: Request, chance: random.Random) -> Request:
    name, value = chance.choice(request.fields)
    again = (name, chance.choice([value, "STOP", "+447400999999"]))
    return replace(
        request, fields=chance.choice([(*request.fields, again), (again, *request.fields)])
    )


def reorder(request: Request, chance: random.Random) -> Request:
    return replace(request, fields=tuple(chance.sample(request.fields, len(request.fields))))


def move_border(request: Request, chance: random.Random) -> Request:
    """A signature covers names and values run together: cut them elsewhere."""
    fields = sorted(request.fields)
    at = chance.randrange(len(fields) - 1)
    (name, value), (after, its) = fields[at], fields[at + 1]
    cut = chance.randrange(len(after))
    fields[at : at + 2] = [(name, value + after[:cut]), (after[cut:], its)]
    return replace(request, fields=tuple(fields))


def other_path(request: Request, chance: random.Random) -> Request:
    return replace(request, path=chance.choice(PATHS))


def with_query(request: Request, chance: random.Random) -> Request:
    digest = f"bodySHA256={chance.getrandbits(256):064x}"
    return replace(request, query=chance.choice(["?", "?a=1", f"?{digest}", "?Body=STOP", "?%00"]))


def other_kind(request: Request, chance: random.Random) -> Request:
    kind = chance.choice(["application/json", "text/plain", "", "multipart/form-data", "x/y"])
    body = chance.choice([request.sent(), b'{"Body": "STOP"}', b"[]", b"null", b"\xff\x00"])
    return replace(request, kind=kind, body=body)


def other_host(request: Request, chance: random.Random) -> Request:
    """Of no consequence: what was signed is our public address."""
    names = ["Host", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "Forwarded"]
    given = {chance.choice(names): chance.choice(["evil.example", "http", "8443", "host=x"])}
    return replace(request, headers=given)


def signed_elsewhere(request: Request, chance: random.Random) -> Request:
    base = chance.choice(
        ["http://check.example.org", "https://evil.example", f"{BASE}:8443", f"{BASE}/", ""]
    )
    form = dict(request.fields)
    given = RequestValidator(AUTH_TOKEN).compute_signature(base + request.path, form)
    return replace(request, signature=given)


MUTATIONS = [flip_body, flip_signature, add, drop, double, reorder, move_border, other_path]
MUTATIONS += [with_query, other_kind, other_host, signed_elsewhere]


def accepted_by_the_provider(request: Request) -> bool:
    """What its own validator says of what was sent, at our public address."""
    if request.kind != FORM:
        return False
    pairs = parse_qsl(request.sent().decode("utf-8", "replace"), keep_blank_values=True)
    url = BASE + request.path + request.query.removesuffix("?")
    try:
        return bool(RequestValidator(AUTH_TOKEN).validate(url, MultiDict(pairs), request.signature))
    except (ValueError, TypeError, IndexError, AttributeError):
        return False


def taken(client, request: Request) -> bool:
    headers = {"X-Twilio-Signature": request.signature, **request.headers}
    answer = client.post(
        request.path + request.query,
        data=request.sent(),
        headers=headers,
        content_type=request.kind,
    )
    assert answer.status_code in (200, 400, 403, 413, 415), (answer.status_code, request)
    return answer.status_code == 200


@pytest.mark.parametrize(
    "rounds",
    [
        600,
        pytest.param(
            int(os.environ.get("ROUNDS", "25000")), marks=[pytest.mark.campaign, pytest.mark.long]
        ),
    ],
)
def test_nothing_is_taken_that_the_providers_own_validator_would_not_take(app, client, rounds):
    chance, ends = random.Random(20261124), Counter()
    for _ in range(rounds):
        act = chance.choice(MUTATIONS)
        request = act(signed(chance), chance)
        took = taken(client, request)
        if took:
            assert accepted_by_the_provider(request), (act.__name__, request)
        ends[act.__name__, took] += 1
    assert {name for name, took in ends if took} >= {"reorder", "other_host"}
    assert {name for name, took in ends if not took} >= {act.__name__ for act in MUTATIONS} - {
        "reorder",
        "other_host",
    }
    most = sum(count for (_, took), count in ends.items() if took)
    assert len(all_rows(app, InboundText)) + len(all_rows(app, DeliveryReport)) <= most
