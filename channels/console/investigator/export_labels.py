"""Labels for an exported case. Times are in the time zone of the investigator who exports it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from babel.dates import format_datetime
from flask_babel import gettext

from channels.console import labels
from channels.console.investigator import audit_labels
from channels.time_format import LocalClock
from incidents.leak_tracing.model_types import EVERYTHING, OUTSIDE
from people.models import Role


class ExportFormatter:
    """Formats the content of an export. Uses names only if the export includes them."""

    def __init__(self, found: Mapping[str, Any], clock: LocalClock) -> None:
        self._found, self._clock = found, clock

    def format_export_time(self, text: str) -> str:
        """Format a time like ``24 Nov 2026 10:00 GMT``."""
        at, clock = datetime.fromisoformat(text), self._clock
        return format_datetime(at, "d MMM y HH:mm z", tzinfo=clock.zone, locale=clock.locale)

    def describe_staff_member(self, staff_id: str) -> str:
        """Return the name; if it is not included, the role and the end of the id."""
        if name := self._found["colleagues"].get(staff_id):
            return str(name)
        role = self._found["roles"].get(staff_id)
        label = labels.describe_role(Role(role)) if role else gettext("somebody who has left")
        return f"{label} …{staff_id[-6:]}"

    def describe_export_customer(self, customer_id: str) -> str:
        """Return the name; if it is not included, the end of the id."""
        name = self._found["customers"].get(customer_id, {}).get("name")
        return name or f"{gettext('Customer')} …{customer_id[-6:]}"

    def find_customer_number(self, customer_id: str) -> str:
        """Return the customer's current number, if the export includes it."""
        return str(self._found["customers"].get(customer_id, {}).get("phone", ""))

    def describe_exported_act(self, done: Mapping[str, Any]) -> str:
        """Return a label like ``Ana Silva: read a customer's record (their own day)``."""
        who = (
            self.describe_staff_member(done["by"])
            if done["by"]
            else audit_labels.describe_actor(done["actor"])
        )
        what = audit_labels.describe_act(done["action"])
        why = audit_labels.describe_entry_purpose(done["purpose"]) if done["purpose"] else ""
        return f"{who}: {what} ({why})" if why else f"{who}: {what}"

    def describe_log_entry(self, text: str) -> str:
        """Describe an entry of the log that has an inclusion proof."""
        entry = json.loads(text)
        act = self.describe_exported_act({**entry, "by": entry["staff_id"]})
        number = gettext("Entry %(number)s of the audit log.", number=entry["id"])
        return f"{self.format_export_time(entry['at'])}, {act}. {number}"

    def describe_trace_source(self, source: str) -> str:
        """Return the label of the source in a row of the ranking."""
        ours = {
            OUTSIDE: gettext("Nobody with access"),
            EVERYTHING: gettext("A copy of the table, or of a part of it"),
        }
        return ours.get(source) or self.describe_staff_member(source)

    def format_fact_value(self, name: str, value: object) -> str:
        """Format the value of a fact."""
        if name == "since" and isinstance(value, str):
            return self.format_export_time(value)
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
