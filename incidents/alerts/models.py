"""Tables of alerts: the alert of a case, and its deliveries."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Text, Uuid, text
from sqlmodel import Field, SQLModel

from storage.column_helpers import id_column, instant_column


class CaseAlert(SQLModel, table=True):
    """An alert about one or more new cases: pairs of reference and kind as JSON, empty for cases
    that must not be named."""

    __tablename__ = "case_alert"

    id: UUID = id_column()
    at: datetime = instant_column(index=True)
    cases: str = Field(sa_column=Column(Text, nullable=False))


class AlertDelivery(SQLModel, table=True):
    """Delivery of an alert to one destination. ``due_at`` is when a worker next attempts it; while
    a worker holds the lease, it is when the lease ends."""

    __tablename__ = "alert_delivery"
    __table_args__ = (
        Index(
            "ix_alert_delivery_due",
            "due_at",
            sqlite_where=text("settled_at IS NULL"),
            postgresql_where=text("settled_at IS NULL"),
        ),
    )

    alert_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("case_alert.id"), primary_key=True))
    place: str = Field(sa_column=Column(String(200), primary_key=True))
    due_at: datetime = instant_column()
    tries: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    settled_at: datetime | None = instant_column(nullable=True)
    error: str = Field(default="", sa_column=Column(String(200), nullable=False))
