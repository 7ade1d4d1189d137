"""A bridged call as the provider plays it: its webhooks, signed, in whatever order."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from messaging.call_states import CallState
from messaging.dispatch.call_placer import CallPlacer
from messaging.models import PhoneCall
from messaging.providers.voice_base import OutboundCall
from people.staff import staff_records
from tests.channels.support import a_token, all_rows, booking, context, signed_post, unit
from vault.keys import keyring

AGENT_PHONE = "+447400123499"


class Exchange:
    """A line that places every call; ``ended`` are those it was asked to end."""

    placed = CallState.RINGING_YOU

    def __init__(self) -> None:
        self.ended: list[str] = []

    def place_call(self, call: OutboundCall) -> str:
        return f"CA{call.reference.hex}"

    def find_placed_call(self, call: OutboundCall) -> str | None:
        return None

    def hang_up(self, provider_id: str) -> None:
        self.ended.append(provider_id)


class Bridged:
    """A callback in its window, its agent's number known, and the line."""

    def __init__(self, app, client, clock, number: str = AGENT_PHONE) -> None:
        self.app, self.client, self.clock, self.line = app, client, clock, Exchange()
        self.headers = a_token(app)
        with unit(app) as session:
            if number:
                staff_records.set_staff_phone(
                    session,
                    staff_records.find_staff_by_email(session, "ana@example.org"),
                    number,
                    clock.now,
                )
        made = client.post("/api/v1/callbacks", json=booking(app), headers=self.headers)
        self.callback = made.json["id"]
        clock.now += timedelta(minutes=10)

    def api(self, act: str, **json):
        path = f"/api/v1/callbacks/{self.callback}/{act}"
        return self.client.post(path, json=json or None, headers=self.headers)

    @property
    def shown(self) -> dict:
        return self.client.get(f"/api/v1/callbacks/{self.callback}", headers=self.headers).json

    @property
    def row(self) -> PhoneCall:
        return max(all_rows(self.app, PhoneCall), key=lambda row: (row.wanted_at, row.id))

    def work(self) -> None:
        here = context(self.app)
        info = keyring.keyring_session_info(here.ring)
        CallPlacer(here.engine, info, self.line, self.clock, here.rules).handle_due_calls()

    def started(self) -> Bridged:
        assert self.api("start").status_code == 202
        self.work()
        return self

    def hook(self, path: str, call: UUID | None = None, **form: str):
        call = call or self.row.id
        form = {"CallSid": f"CA{call.hex}", **form}
        return signed_post(self.client, path.format(call=call), form)

    def agent_on(self):
        return self.hook("/twilio/voice/bridge/{call}")

    def press(self, key: str):
        return self.hook("/twilio/voice/bridge/{call}/go", Digits=key)

    def leg(self, leg: str, status: str, **more: str):
        given = {"CallStatus": status, **more}
        return self.hook("/twilio/status/call?call={call}&leg=" + leg, **given)

    def machine(self, by: str):
        return self.leg("machine", "in-progress", AnsweredBy=by)

    def live(self) -> str:
        """On the phone with the customer: the code."""
        self.ringing()
        self.leg("customer", "in-progress")
        self.machine("human")
        answer = self.api("start")
        assert answer.status_code == 200, answer.text
        return answer.json["code"]

    def ringing(self) -> None:
        self.agent_on()
        assert "<Number" in self.press("1").text
        self.leg("customer", "ringing")
