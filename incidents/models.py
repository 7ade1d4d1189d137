"""The table of reports."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, Column, String, Uuid
from sqlmodel import Field, SQLModel

from incidents.cases import models as _cases  # noqa: F401  (so that every table is known)
from incidents.mirror import models as _mirror  # noqa: F401
from storage.tables import id_field, instant, sealed


class Report(SQLModel, table=True):
    """An unexpected call that somebody told us of, or (``kind`` is ``refused``) a booked one that
    its customer says they did not ask for. Its words are sealed under the reports' key."""

    __tablename__ = "report"

    id: UUID = id_field()
    reference: str = Field(sa_column=Column(String(12), nullable=False, unique=True))
    kind: str = Field(
        default="report", sa_column=Column(String(12), nullable=False, server_default="report")
    )
    callback_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    at: datetime = instant(index=True)
    channel: str = Field(sa_column=Column(String(8), nullable=False))
    proven: bool = Field(sa_column=Column(Boolean, nullable=False))
    phone_index: bytes = sealed(index=True)
    customer_id: UUID | None = Field(default=None, sa_column=Column(Uuid, index=True))
    phone: bytes = sealed()
    called_at: datetime | None = instant(nullable=True)
    shown_number: bytes = sealed()
    said: bytes = sealed()
    knew: bytes = sealed()
