"""Table of canaries. Without the keys it reveals nothing, not even how many there are."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import Column, Uuid
from sqlmodel import Field, SQLModel

from storage.column_helpers import sealed_column


class CanaryBatch(SQLModel, table=True):
    """Canaries that were added together, sealed as one under their own key and padded.

    The id is random: an id that reveals its time would reveal which customers it was created with.
    """

    __tablename__ = "canary_batch"

    id: UUID = Field(default_factory=uuid4, sa_column=Column(Uuid, primary_key=True))
    kept: bytes = sealed_column()
