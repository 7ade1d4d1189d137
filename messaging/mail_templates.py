"""The wording of mails to staff, in the language of the installation: staff have chosen none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from messaging.i18n import format_long_date, format_time_of_day, load_catalogue


@dataclass(frozen=True)
class MailContext:
    """The name of the organisation, and the language of its mails."""

    organisation: str
    locale: str

    def gettext(self, text: str) -> str:
        """Return a text in the language of the mail."""
        return load_catalogue(self.locale).gettext(text)


def note_subject(mail: MailContext, on: date) -> str:
    """Return the subject of the mail about an evening note of a day."""
    gettext = mail.gettext
    subject = gettext("Vouchline {organisation}: your note of {day}")
    return subject.format(organisation=mail.organisation, day=format_long_date(on, mail.locale))


def note_body(mail: MailContext, lines: Iterable[str]) -> str:
    """Return the mail about an evening note: one line for each access that it asks about."""
    gettext = mail.gettext
    parts = (
        gettext(
            "Today you opened records for which we see no call and no booking. There may be a good"
            " reason that we do not see. Please sign in to the console, open Notes, and write what"
            " you needed them for."
        ),
        "\n".join(lines),
        gettext("Customers can see who opened their record. This note accuses you of nothing."),
    )
    return "\n\n".join(parts) + "\n"


def note_line(mail: MailContext, at: datetime, zone: str, customer: str, purpose: str) -> str:
    """Return the line of an access: when, the end of the customer's id, and the purpose."""
    gettext = mail.gettext
    why = {
        "": gettext("no purpose"),
        "asked_us": gettext("The customer asks for a call"),
        "answer": gettext("We owe them an answer"),
        "goes_on": gettext("An earlier call goes on"),
        "change": gettext("A booked call changes"),
        "booking": gettext("A call was booked"),
    }.get(purpose, purpose)
    line = gettext("{day} {time}  customer ...{customer}  {purpose}")
    time = format_time_of_day(at, zone, mail.locale)
    return line.format(day=f"{at:%Y-%m-%d}", time=time, customer=customer, purpose=why)


def sign_in_subject(mail: MailContext) -> str:
    """Return the subject of a mail about somebody's own sign-in."""
    gettext = mail.gettext
    return gettext("Vouchline {organisation}: your sign-in").format(organisation=mail.organisation)
