"""The table of accesses to a customer's audit entries."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Uuid
from sqlmodel import Field, SQLModel

from storage.column_helpers import foreign_key_column as foreign
from storage.column_helpers import id_column, instant_column, sealed_column


class CustomerAuditAccess(SQLModel, table=True):
    """An investigator's search for who read a customer, within a case or for a ``reason`` sealed
    under the reports' key."""

    __tablename__ = "audit_reading"

    id: UUID = id_column()
    at: datetime = instant_column()
    staff_id: UUID = foreign("staff.id")
    customer_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    case_id: UUID | None = foreign("incident_case.id", nullable=True)
    reason: bytes = sealed_column()
