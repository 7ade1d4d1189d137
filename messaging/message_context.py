"""What each message of ours needs to know of its customer and of us, and its common frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.contact_details import find_contact, space_after_full_stops
from messaging.i18n import fold_to_gsm7, load_catalogue


@dataclass(frozen=True)
class MessageContext:
    """Organisation, language and zone of a message; ``phrase`` is the customer's safe phrase."""

    organisation: str
    official_phone: str
    locale: str
    zone: str
    phrase: str = ""

    def render_text(self, text: str, **values: str) -> str:
        """Format a translated text with our name and the customer's phrase in front.

        Links and phone numbers are removed from values that people typed, whatever is stored (rule
        M).
        """
        typed = {"agent": self.safe_staff_name, "topic": self.safe_topic, "phrase": _strip_contacts}
        written = {key: typed.get(key, str)(value) for key, value in values.items()}
        return fold_to_gsm7(f"{self.sender}: {text.format(**written)}")

    @property
    def sender(self) -> str:
        """Our name, and the customer's safe phrase if there is one."""
        known_by = self.known_by
        return f"{self.organisation} ({known_by})" if known_by else self.organisation

    @property
    def known_by(self) -> str:
        """The customer's safe phrase, unless it looks like a link."""
        return _strip_contacts(self.phrase)

    def safe_staff_name(self, name: str) -> str:
        """Return the name of a member of staff, or the organisation's if it looks like a link."""
        return _strip_contacts(name) or self.organisation

    def safe_topic(self, topic: str) -> str:
        """Return the topic of a call, or a neutral one if it looks like a link.

        The call is announced in either case.
        """
        return _strip_contacts(topic) or self.gettext("your request")

    @property
    def gettext(self) -> Callable[[str], str]:
        return load_catalogue(self.locale).ugettext


def _strip_contacts(typed: str) -> str:
    """Return typed text such that no phone turns it into a link; empty if that is impossible."""
    return (
        ""
        if find_contact(typed) or find_contact(fold_to_gsm7(typed))
        else space_after_full_stops(typed)
    )
