"""Every route of the application and who gets what from it: the table of rule I1.

Console pages of a role are listed once, in ``tests/channels/console/test_roles.py``; all others are
here. A new route needs its row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from people.models import Role
from tests.channels.console.test_roles import NONE, PAGES

#: Who asks. ``customer`` has proven another number; ``holder`` holds the callback in question.
BROWSERS = ("nobody", "customer", "holder", "agent", "supervisor", "investigator")
TOKENS = ("holder_token", "agent_token", "supervisor_token", "investigator_token")
EVERYBODY = (*BROWSERS, *TOKENS)
STAFF = BROWSERS[2:]
#: A status of no matter.
ANY = 0


@dataclass(frozen=True)
class Row:
    """A route: the status that each asker gets (``None``: let in, and answered by what was sent),
    and who may read the customer in it."""

    method: str
    rule: str
    statuses: Mapping[str, int | None]
    shown_to: frozenset[str] = field(default_factory=frozenset)


def everybody(method: str, rule: str, status: int, **others: int) -> Row:
    """The same for all but some. A form of a page with cookies, sent without its token, is none."""
    forged = method == "POST" and rule.startswith(("/staff/", "/my/"))
    tokens = dict.fromkeys(TOKENS, 400) if forged and status != ANY else {}
    return Row(method, rule, {item: {**tokens, **others}.get(item, status) for item in EVERYBODY})


def nobodys(method: str, rule: str) -> Row:
    """A page that has no customer in it; who is let in, other tests say."""
    return everybody(method, rule, ANY)


def own(method: str, rule: str, status: int) -> Row:
    """A customer's own page: everybody else proves their number first."""
    return everybody(method, rule, 303, customer=status)


def api(method: str, rule: str, role: Role, status: int, holder: int, shown: bool = False) -> Row:
    """A call of the API: by token alone, of one role."""
    mine = {item: status for item in TOKENS if item.startswith(role.value)}
    if role is Role.AGENT:
        mine["holder_token"] = holder
    # A request that is none is said to be so before anything else is looked at.
    other = 422 if holder == status == 422 else 403
    closed = {item: other if item in TOKENS else 401 for item in EVERYBODY}
    return Row(method, rule, closed | mine, frozenset({"holder_token"} if shown else ()))


def _console(owner: Role, method: str, path: str) -> Row:
    rule = _rule(path)
    out = 401 if rule.endswith("/live") else 303
    closed = everybody(method, rule, out, **dict.fromkeys(STAFF, 403)).statuses
    askers = {Role.AGENT: ("holder", "agent")}.get(owner, (owner.value,))
    allowed = {asker: _allowed(rule, asker) for asker in askers}
    shown = frozenset({"holder"} if (method, rule) in _SHOWS else ())
    return Row(method, rule, {**closed, **allowed}, shown)


def _rule(path: str) -> str:
    path = re.sub(r"/C[0-9A-Z]{7}(?=/|$)", "/<reference>", path.partition("?")[0])
    name = {"callback": "callback_id", "team": "staff_id", "people": "staff_id", "teams": "team_id"}
    kind = path.split("/")[2]
    return path.replace(str(NONE), f"<uuid:{name.get(kind, 'id')}>")


#: What the holder reads of the customer: the callback at hand in their day and week, and the card.
_SHOWS = {
    ("GET", "/staff/day"),
    ("GET", "/staff/week"),
    ("GET", "/staff/callback/<uuid:callback_id>"),
}


def _allowed(rule: str, who: str) -> int | None:
    return 404 if "/callback/" in rule and who == "agent" else None


_ONE = "/api/v1/callbacks/<uuid:id>"
_CALL = "/my/call/<uuid:callback_id>"
_A, _I = Role.AGENT, Role.INVESTIGATOR

#: Of everybody who is signed in, or of nobody yet: without a customer.
_OF_ALL = (
    "notes",
    "approvals",
    "account",
    "account/authenticator/new",
    "account/password",
    "account/proof",
    "account/role",
    "colleagues",
    "sign-in/lost",
)
_ACCOUNT = (
    "notes/<uuid:note_id>",
    *("account/authenticator/new", "account/role"),
    *("account/authenticator", "account/passkeys", "account/passkeys/ask", "account/password"),
    *("account/proof", "account/proof/passkey", "account/proof/passkey/ask", "account/read"),
    *("account/recovery", "account/sessions/<uuid:session_id>/end", "account/sessions/end"),
    *("account/passkeys/<uuid:passkey_id>/remove", "colleagues/<uuid:staff_id>/link"),
    *("sign-in/passkey", "sign-in/passkey/ask"),
    *(f"approvals/<uuid:request_id>/{act}" for act in ("approve", "refuse", "withdraw")),
    "approvals/unlock",
)

OTHERS = [
    *(everybody("GET", rule, 200) for rule in ("/", "/report", "/healthz", "/check")),
    everybody("GET", "/readyz", 503),
    everybody("GET", "/metrics", 200),
    *(everybody("POST", rule, 422) for rule in ("/check", "/report", "/my/number")),
    everybody("GET", "/my", 200),
    everybody("POST", "/my/prove", 303),
    *(own("GET", rule, 200) for rule in ("/my/book", "/my/calls", "/my/settings")),
    *(own("POST", rule, 422) for rule in ("/my/book", "/my/settings/phrase")),
    own("POST", "/my/settings", 422),
    own("POST", "/my/leave", 303),
    *(own("GET", rule, 404) for rule in (_CALL, f"{_CALL}/call.ics", f"{_CALL}/refuse")),
    *(
        own("POST", f"{_CALL}/{act}", 404)
        for act in ("cancel", "earlier", "move", "refuse")
    ),
    everybody("GET", "/staff/", 303),
    everybody("GET", "/staff/<path:_>", 404),
    everybody("GET", "/staff/book/find", 303, supervisor=403, investigator=403),
    everybody("GET", "/staff/sign-in", 200, **dict.fromkeys(STAFF, 303)),
    everybody("POST", "/staff/sign-in", 403),
    everybody("GET", "/staff/sign-in/demo", 200),
    everybody("POST", "/staff/sign-out", 303),
    *(nobodys(method, "/report/<told>/<step>") for method in ("GET", "POST")),
    nobodys("POST", "/report/start"),
    nobodys("GET", "/report/whole"),
    *(nobodys("GET", f"/staff/{rule}") for rule in _OF_ALL),
    *(nobodys("POST", f"/staff/{rule}") for rule in _ACCOUNT),
    own("GET", "/my/openings", 200),
    own("POST", "/my/openings/object", 422),
    everybody("GET", "/staff/enrol/<token>", 410),
    everybody("POST", "/staff/enrol/<token>", 410),
    everybody("GET", "/calendar/<token>.ics", 404),
    everybody("GET", "/static/<path:filename>", 404),
    everybody("GET", "/bootstrap/static/<path:filename>", 404),
    everybody("GET", "/api/docs", 200),
    everybody("GET", "/api/openapi.json", 200),
    everybody("POST", "/api/v1/checks", 422),
    everybody("POST", "/api/v1/reports", 422),
    api("GET", "/api/v1/reports", _I, 200, 403),
    api("GET", "/api/v1/callbacks", _A, 200, 200, shown=True),
    api("POST", "/api/v1/callbacks", _A, 422, 422),
    api("GET", _ONE, _A, 404, 200, shown=True),
    *(api("POST", f"{_ONE}/{act}", _A, 404, 409) for act in ("code", "ring")),
    *(api("POST", f"{_ONE}/{act}", _A, 422, 422) for act in ("end", "move", "revive", "hand-over")),
    api("POST", f"{_ONE}/start", _A, 404, 409),
    api("DELETE", _ONE, _A, 404, 204),
    api("GET", "/api/v1/slots", _A, 422, 422),
    api("GET", "/api/v1/colleagues", _A, 200, 200),
    everybody("POST", "/telnyx/messages", 403),
    *(
        everybody("POST", f"/twilio/{rule}", 403)
        for rule in (
            *("voice/report-gave", "voice/report-when"),
            *("sms", "status/call", "status/message", "voice", "voice/after", "voice/code"),
            *("voice/language", "voice/number", "voice/spoken/<message>", "voice/bridge/<call>"),
            *("voice/bridge/<call>/done", "voice/bridge/<call>/go"),
        )
    ),
]  # fmt: skip

#: The simulator plays every customer's phone, and is there in no other installation.
SIMULATOR = ("/demo/",)

TABLE = [_console(*item) for item in PAGES] + OTHERS
