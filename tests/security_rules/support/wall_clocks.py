"""Days on which clocks change, looked at minute by minute, and an agent who works on them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from messaging.dispatch.worker import Worker
from tests.channels.conftest import Console
from tests.channels.support import a_token

QUARTER = timedelta(minutes=15)
#: A zone, a day, and how many hours long it is there.
CHANGES = [
    ("Europe/London", "2026-03-29", 23.0),
    ("Europe/London", "2026-10-25", 25.0),
    ("Europe/London", "2027-03-28", 23.0),
    ("Europe/London", "2027-10-31", 25.0),
    ("Australia/Lord_Howe", "2026-10-04", 23.5),
    ("Australia/Lord_Howe", "2027-04-04", 24.5),
    ("America/New_York", "2026-03-08", 23.0),
    ("America/New_York", "2026-11-01", 25.0),
]


def quarters(zone: str, on: str) -> list[datetime]:
    """Every quarter of an hour at which calendars there show that day."""
    noon, day = datetime.fromisoformat(f"{on}T12:00Z"), date.fromisoformat(on)
    every = [noon + n * QUARTER for n in range(-160, 160)]
    return [item for item in every if item.astimezone(ZoneInfo(zone)).date() == day]


def _walls(zone: str, on: str) -> list[tuple[datetime, datetime]]:
    """What the wall shows at each quarter of the day, and the instant."""
    there = ZoneInfo(zone)
    return [
        (quarter.astimezone(there).replace(tzinfo=None), quarter) for quarter in quarters(zone, on)
    ]


def shown_twice(zone: str, on: str) -> tuple[datetime, datetime, datetime]:
    """A wall time, and the two instants at which it is shown."""
    walls = _walls(zone, on)
    pairs = ((a, first, second) for a, first in walls for b, second in walls if a == b)
    return next(pair for pair in pairs if pair[1] < pair[2])


def skipped(zone: str, on: str) -> tuple[datetime, datetime]:
    """A wall time that is not shown, and the instant it would have been with the old offset."""
    walls = _walls(zone, on)
    before, at = next(pair for n, pair in enumerate(walls) if walls[n + 1][0] - pair[0] > QUARTER)
    return before + QUARTER, at + QUARTER


class Desk:
    """An agent of that zone, at the console and by token, two days before."""

    def __init__(self, console: Console, zone: str, on: str) -> None:
        self.console, self.zone, self.on = console, ZoneInfo(zone), date.fromisoformat(on)
        two_days_ago = datetime.combine(self.on, time(12), UTC) - timedelta(days=2)
        console.moment[0] = two_days_ago
        _, self.tab = console.agent(zone=zone)
        self.headers = a_token(console.app, email="ana@example.org")
        self.client = console.app.test_client()
        self._numbers = count(1)

    def offset(self, at: datetime) -> timezone:
        found = at.astimezone(self.zone).utcoffset()
        assert found is not None
        return timezone(found)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self.client.post(f"/api/v1{path}", json=body, headers=self.headers)

    def book(self, at: Any, timezone: str = "Europe/London") -> Any:
        self.phone = f"+4474000000{next(self._numbers):02d}"
        who = {"phone": self.phone, "name": "Gwen", "timezone": timezone}
        starts_at = at.isoformat() if isinstance(at, datetime) else at
        body = {"customer": who, "starts_at": starts_at, "minutes": 15, "topic": "your router"}
        self.made = self.post("/callbacks", body)
        return self.made

    def start(self) -> str:
        return str(self.post(f"/callbacks/{self.made.json['id']}/start", {}).json["code"])

    def type(self, wall: datetime, **more: str) -> Any:
        """The booking form with a day and time as typed."""
        form = {
            "find": "07400 654321",
            "purpose": "asked_us",
            "name": "Gwen",
            "topic": "x",
            "minutes": "15",
        }
        typed = {"on": f"{wall:%Y-%m-%d}", "at": f"{wall:%H:%M}", "key": "k"}
        return self.tab.post("/staff/book", {**form, **typed, "locale": "en", **more})

    def listed(self, on: date) -> list[datetime]:
        answer = self.client.get(f"/api/v1/callbacks?on={on}", headers=self.headers)
        found = [datetime.fromisoformat(item["starts_at"]) for item in answer.json["callbacks"]]
        assert all(item.utcoffset() == timedelta(0) for item in found)
        return found

    def slots(self, on: date | None = None, zone: str = "") -> list[datetime]:
        """The free slots of a day in a zone, the agent's own unless told."""
        there = ZoneInfo(zone) if zone else self.zone
        ends = [datetime.combine(day, time(0), there) for day in _two(on or self.on)]
        query = {"from": ends[0].isoformat(), "to": ends[1].isoformat(), "timezone": there.key}
        answer = self.client.get("/api/v1/slots", query_string=query, headers=self.headers)
        return [datetime.fromisoformat(item) for item in answer.json["slots"]]

    def text_of(self, made: Any) -> str:
        """The one text that has gone out."""
        here = self.console.context
        Worker(here.engine, here.ring, here.gateways, here.clock, voices=here.voices).run_once()
        texts = self.client.get("/demo/messages").get_data(as_text=True)
        assert made.status_code == 201
        return re.sub(r"\s+", " ", texts)


def _two(on: date) -> tuple[date, date]:
    return on, on + timedelta(days=1)
