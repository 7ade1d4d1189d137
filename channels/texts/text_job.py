"""A received text, the job of answering it, and the answer that lists the commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from channels.texts.command_parser import TextCommand
from messaging import inbox, text_templates
from messaging.message_context import MessageContext
from people.models import Customer
from scheduling.policy import Policy


@dataclass(frozen=True)
class ReceivedText:
    """A received text. ``sender`` is E.164, as the provider reports it. ``opting`` is ``out`` or
    ``in`` if the provider treated the text as an opt-out or an opt-in."""

    provider_id: str
    sender: str
    body: str
    opting: str = ""


@dataclass(frozen=True)
class TextJob:
    """A text with what is needed to handle it."""

    session: Session
    text: ReceivedText
    asked: TextCommand
    customer: Customer | None
    voice: MessageContext
    policy: Policy
    now: datetime


def answer_with_help(job: TextJob) -> str | None:
    if inbox.was_helped_recently(job.session, job.text.sender, job.text.provider_id, job.now):
        inbox.set_inbound_word(job.session, job.text.provider_id, "unanswered")
        return None
    inbox.set_inbound_word(job.session, job.text.provider_id, "other")
    return text_templates.text_help(job.voice)
