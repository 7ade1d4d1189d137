"""Tables of cases. They hold ids and fixed words; free text is sealed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Text, Uuid, text
from sqlmodel import Field, SQLModel

from storage.column_helpers import foreign_key_column as foreign
from storage.column_helpers import id_column, instant_column, sealed_column


class CaseKind(StrEnum):
    """Kind of a case."""

    CALLS = "calls"  # unexpected calls that belong together
    ACCESS = "access"  # unusual access to customers' records
    BUDGET = "budget"  # more customers opened than the role allows
    CANARY = "canary"  # a fictitious customer was opened, called or texted
    OBJECTION = "objection"  # a customer objects to an access to their record
    WAVE = "wave"  # more reports than usual at that hour of the week
    LOG = "log"  # the audit log was tampered with, or could be
    NUMBER = "number"  # a number change whose notice did not reach the old number
    GUESSES = "guesses"  # more wrong page numbers than the limit over all networks


class CaseState(StrEnum):
    """State of a case."""

    OPEN = "open"
    TAKEN = "taken"
    CLOSED = "closed"


class CaseOutcome(StrEnum):
    """Outcome that an investigator decides on."""

    LEAK = "leak"
    NO_LEAK = "no_leak"
    EXPLAINED = "explained"  # unusual, but justified
    FALSE_ALARM = "false_alarm"
    UNDECIDED = "undecided"  # it cannot be determined
    POLICE = "police"  # handed to the police or the regulator
    JOINED = "joined"  # continues in another case


class Case(SQLModel, table=True):
    """A case.

    ``fold`` is the deduplication key: new evidence with the same key is added to an unclosed case.
    A closed case has none. ``alerted_at`` is when investigators were alerted; ``joined_into`` is
    the case that it was merged into. Only :mod:`incidents.cases.states` sets ``state``.
    """

    __tablename__ = "incident_case"
    __table_args__ = (
        Index(
            "ix_incident_case_unalerted",
            "opened_at",
            sqlite_where=text("alerted_at IS NULL"),
            postgresql_where=text("alerted_at IS NULL"),
        ),
        Index(
            "ix_incident_case_joined_into",
            "joined_into",
            sqlite_where=text("joined_into IS NOT NULL"),
            postgresql_where=text("joined_into IS NOT NULL"),
        ),
    )

    id: UUID = id_column()
    reference: str = Field(sa_column=Column(String(12), nullable=False, unique=True))
    kind: str = Field(sa_column=Column(String(12), nullable=False))
    state: str = Field(
        default=CaseState.OPEN, sa_column=Column(String(8), nullable=False, index=True)
    )
    fold: str | None = Field(default=None, sa_column=Column(String(120), unique=True))
    opened_at: datetime = instant_column()
    changed_at: datetime = instant_column(index=True)
    taken_by: UUID | None = foreign("staff.id", nullable=True)
    taken_at: datetime | None = instant_column(nullable=True)
    closed_at: datetime | None = instant_column(nullable=True)
    outcome: str | None = Field(default=None, sa_column=Column(String(12)))
    joined_into: UUID | None = Field(default=None, sa_column=Column(Uuid))
    alerted_at: datetime | None = instant_column(nullable=True)


class CaseSubject(SQLModel, table=True):
    """A staff member named by a case, who therefore never sees it (rule I5)."""

    __tablename__ = "case_subject"

    case_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("incident_case.id"), primary_key=True))
    staff_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("staff.id"), primary_key=True, index=True)
    )


class CaseEvidence(SQLModel, table=True):
    """A piece of evidence for or against.

    ``kind`` and ``ref`` identify it (``report`` and its id, ``audit`` and the entry's id,
    ``access`` and so on). ``facts`` is a JSON object of ids, counts, times and fixed words, never
    personal data. ``from_case_id`` is the case that it was merged from.
    """

    __tablename__ = "case_evidence"
    __table_args__ = (
        Index("ix_case_evidence_case_id_kind_ref", "case_id", "kind", "ref", unique=True),
        Index("ix_case_evidence_kind_ref", "kind", "ref"),
    )

    id: UUID = id_column()
    case_id: UUID = foreign("incident_case.id")
    kind: str = Field(sa_column=Column(String(16), nullable=False))
    ref: str = Field(sa_column=Column(String(64), nullable=False))
    customer_id: UUID | None = Field(default=None, sa_column=Column(Uuid, index=True))
    from_case_id: UUID | None = foreign("incident_case.id", nullable=True)
    at: datetime = instant_column()
    facts: str = Field(default="{}", sa_column=Column(Text, nullable=False))


class CaseEvent(SQLModel, table=True):
    """An event of a case, such as opened, taken, noted, decided or closed. ``words`` is sealed
    under the reports' key."""

    __tablename__ = "case_step"

    id: UUID = id_column()
    case_id: UUID = foreign("incident_case.id", index=True)
    at: datetime = instant_column()
    actor: str = Field(sa_column=Column(String(16), nullable=False))
    staff_id: UUID | None = foreign("staff.id", nullable=True)
    kind: str = Field(sa_column=Column(String(16), nullable=False))
    words: bytes = sealed_column()


class GroupedReport(SQLModel, table=True):
    """How a report was grouped: into a case, or on its own, so that later reports may join it."""

    __tablename__ = "grouped_report"

    report_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    case_id: UUID | None = foreign("incident_case.id", nullable=True, index=True)
    at: datetime = instant_column()


class WarningRun(SQLModel, table=True):
    """A run that warns all customers exposed by ``staff_id`` from ``since`` until ``until``.

    ``done`` of ``total`` customers are processed so far; ``reached`` is the last of them.
    """

    __tablename__ = "warning_run"

    id: UUID = id_column()
    case_id: UUID = foreign("incident_case.id", index=True)
    staff_id: UUID = foreign("staff.id")
    since: datetime = instant_column()
    until: datetime = instant_column()
    state: str = Field(sa_column=Column(String(8), nullable=False, index=True))
    begun_at: datetime = instant_column()
    total: int = Field(sa_column=Column(Integer, nullable=False))
    done: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    reached: UUID | None = Field(default=None, sa_column=Column(Uuid))


class WarnedCustomer(SQLModel, table=True):
    """A customer who was warned, at most once a case. ``message_id`` is the text, or ``None`` for a
    landline."""

    __tablename__ = "warned_customer"

    case_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("incident_case.id"), primary_key=True))
    customer_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    message_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    at: datetime = instant_column()
