"""Teams, skills, days off; moved, repeated and offered times; customers who serve themselves"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_NUMBERS = ("wall_fold", "buffer_before", "buffer_after", "moves")
_TABLES = (
    *("calendar_feed", "skill", "time_off", "dated_hours", "slot_offer", "former_time"),
    *("follow_up", "customer_session", "number_proof", "membership", "team"),
)


def upgrade() -> None:
    _add_columns()
    _add_tables_of_people()
    _add_tables_of_hours()
    _add_tables_of_callbacks()
    _remake_steps()
    _fill_walls()


def _add_columns() -> None:
    op.add_column("callback", sa.Column("wall", sa.String(length=16), nullable=True))
    op.add_column("callback", sa.Column("wall_zone", sa.String(length=64), nullable=True))
    for name in _NUMBERS:
        kind: Any = sa.SmallInteger() if name == "wall_fold" else sa.Integer()
        op.add_column("callback", sa.Column(name, kind, nullable=False, server_default="0"))
    op.add_column("callback", sa.Column("earlier_wanted_at", _AT, nullable=True))
    wanted = sa.text("earlier_wanted_at IS NOT NULL")
    op.create_index(
        "ix_callback_earlier_wanted_at",
        "callback",
        ["earlier_wanted_at"],
        sqlite_where=wanted,
        postgresql_where=wanted,
    )
    of_report = sa.Column("kind", sa.String(length=12), nullable=False, server_default="report")
    op.add_column("report", of_report)
    op.add_column("report", sa.Column("callback_id", sa.Uuid(), nullable=True))
    medium = sa.Column("medium", sa.String(length=8), nullable=False, server_default="text")
    op.add_column("outbox_message", medium)


def _table(name: str, *parts: Any, key: tuple[str, ...] = ("id",)) -> None:
    op.create_table(name, *parts, sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"))


def _of(name: str, column: str, to: str, *, nullable: bool = False) -> tuple[Any, Any]:
    return (
        sa.Column(column, sa.Uuid(), nullable=nullable),
        sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{name}_{column}"),
    )


def _id() -> Any:
    return sa.Column("id", sa.Uuid(), nullable=False)


def _at(name: str, *, nullable: bool = False) -> Any:
    return sa.Column(name, _AT, nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> Any:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _token(name: str) -> tuple[Any, Any]:
    return (
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("token_hash", name=f"uq_{name}_token_hash"),
    )


def _add_tables_of_people() -> None:
    _table(
        "team",
        _id(),
        sa.Column("name", sa.String(length=60), nullable=False),
        _number("capacity", nullable=True),
        _number("buffer_before"),
        _number("buffer_after"),
        sa.Column("holidays", sa.String(length=16), nullable=False),
        sa.Column("assignment", sa.String(length=16), nullable=False),
        _at("created_at"),
        sa.UniqueConstraint("name", name="uq_team_name"),
    )
    _table(
        "membership",
        *_of("membership", "staff_id", "staff"),
        *_of("membership", "team_id", "team"),
        key=("staff_id",),
    )
    op.create_index("ix_membership_team_id", "membership", ["team_id"])
    _table(
        "number_proof",
        _id(),
        sa.Column("phone_index", sa.LargeBinary(), nullable=False),
        *_of("number_proof", "customer_id", "customer", nullable=True),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        _number("counter"),
        _number("tries"),
        _at("made_at"),
        _at("valid_until"),
        _at("closed_at", nullable=True),
    )
    op.create_index("ix_number_proof_phone_index", "number_proof", ["phone_index"])
    op.create_index("ix_number_proof_made_at", "number_proof", ["made_at"])
    _table(
        "customer_session",
        _id(),
        *_token("customer_session"),
        *_of("customer_session", "customer_id", "customer"),
        _at("created_at"),
        _at("seen_at"),
        _at("ended_at", nullable=True),
    )
    op.create_index("ix_customer_session_customer_id", "customer_session", ["customer_id"])


def _add_tables_of_hours() -> None:
    _table(
        "dated_hours",
        _id(),
        *_of("dated_hours", "staff_id", "staff"),
        sa.Column("on_date", sa.Date(), nullable=False),
        _number("from_minute"),
        _number("to_minute"),
    )
    op.create_index("ix_dated_hours_staff_id_on", "dated_hours", ["staff_id", "on_date"])
    _table(
        "time_off",
        _id(),
        *_of("time_off", "staff_id", "staff"),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
    )
    op.create_index("ix_time_off_staff_id", "time_off", ["staff_id"])
    _table(
        "skill",
        *_of("skill", "staff_id", "staff"),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("value", sa.String(length=32), nullable=False),
        key=("staff_id", "kind", "value"),
    )
    _table(
        "calendar_feed",
        _id(),
        *_token("calendar_feed"),
        *_of("calendar_feed", "staff_id", "staff"),
        _at("created_at"),
        _at("read_at", nullable=True),
        _at("ended_at", nullable=True),
    )
    op.create_index("ix_calendar_feed_staff_id", "calendar_feed", ["staff_id"])


def _add_tables_of_callbacks() -> None:
    _table(
        "follow_up",
        *_of("follow_up", "callback_id", "callback"),
        *_of("follow_up", "earlier_id", "callback"),
        _number("attempt"),
        sa.UniqueConstraint("earlier_id", name="uq_follow_up_earlier_id"),
        key=("callback_id",),
    )
    _table(
        "former_time",
        _id(),
        *_of("former_time", "callback_id", "callback"),
        _at("starts_at"),
        _at("moved_at"),
        sa.Column("moved_by", sa.String(length=16), nullable=False),
    )
    op.create_index("ix_former_time_callback_id", "former_time", ["callback_id"])
    _table(
        "slot_offer",
        _id(),
        *_of("slot_offer", "customer_id", "customer"),
        *_of("slot_offer", "callback_id", "callback"),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        *_of("slot_offer", "agent_id", "staff"),
        _at("starts_at"),
        _at("made_at"),
        _at("expires_at"),
        _at("closed_at", nullable=True),
    )
    for column in ("customer_id", "callback_id", "expires_at"):
        op.create_index(f"ix_slot_offer_{column}", "slot_offer", [column])


def _remake_steps() -> None:
    """Steps are held by customers and teams too, and a team has more than one seat."""
    op.drop_index("ix_taken_step_callback_id", "taken_step")
    op.rename_table("taken_step", "former_step")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE former_step DROP CONSTRAINT pk_taken_step CASCADE")
        op.execute("ALTER TABLE former_step DROP CONSTRAINT fk_taken_step_callback_id")
    _table(
        "taken_step",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seat", sa.SmallInteger(), autoincrement=False, nullable=False),
        *_of("taken_step", "callback_id", "callback"),
        key=("holder_id", "step", "seat"),
    )
    op.create_index("ix_taken_step_callback_id", "taken_step", ["callback_id"])
    op.execute(
        "INSERT INTO taken_step (holder_id, step, seat, callback_id)"
        " SELECT agent_id, step, 0, callback_id FROM former_step"
    )
    # Two agents could take the same time of a customer until now: the first booked keeps it.
    op.execute(
        "INSERT INTO taken_step (holder_id, step, seat, callback_id)"
        " SELECT c.customer_id, s.step, 0, s.callback_id"
        " FROM former_step s JOIN callback c ON c.id = s.callback_id"
        " WHERE true ORDER BY s.callback_id ON CONFLICT DO NOTHING"
    )
    op.drop_table("former_step")


def _fill_walls() -> None:
    """What is still to come was promised on the customer's clock."""
    bind = op.get_bind()
    callback = sa.table(
        "callback",
        *(sa.column(name, sa.Uuid()) for name in ("id", "customer_id")),
        sa.column("starts_at", _AT),
        *(sa.column(name, sa.String()) for name in ("state", "wall", "wall_zone")),
        sa.column("wall_fold", sa.SmallInteger()),
    )
    customer = sa.table("customer", sa.column("id", sa.Uuid()), sa.column("timezone", sa.String()))
    rows = bind.execute(
        sa.select(callback.c.id, callback.c.starts_at, customer.c.timezone).where(
            callback.c.state == "booked", callback.c.customer_id == customer.c.id
        )
    ).all()
    for row in rows:
        bind.execute(sa.update(callback).where(callback.c.id == row.id).values(**_wall(*row[1:])))


def _wall(starts_at: datetime, zone: str) -> dict[str, Any]:
    instant = starts_at if starts_at.tzinfo else starts_at.replace(tzinfo=UTC)
    local = instant.astimezone(ZoneInfo(zone))
    return {"wall": f"{local:%Y-%m-%dT%H:%M}", "wall_zone": zone, "wall_fold": local.fold}


def downgrade() -> None:
    op.drop_index("ix_taken_step_callback_id", "taken_step")
    op.rename_table("taken_step", "later_step")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE later_step DROP CONSTRAINT pk_taken_step CASCADE")
        op.execute("ALTER TABLE later_step DROP CONSTRAINT fk_taken_step_callback_id")
    _table(
        "taken_step",
        *_of("taken_step", "agent_id", "staff"),
        sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False),
        *_of("taken_step", "callback_id", "callback"),
        key=("agent_id", "step"),
    )
    op.create_index("ix_taken_step_callback_id", "taken_step", ["callback_id"])
    op.execute(
        "INSERT INTO taken_step (agent_id, step, callback_id) SELECT s.holder_id, s.step,"
        " s.callback_id FROM later_step s JOIN staff ON staff.id = s.holder_id"
    )
    op.drop_table("later_step")
    for table in _TABLES:
        op.drop_table(table)
    op.drop_column("outbox_message", "medium")
    op.drop_column("report", "callback_id")
    op.drop_column("report", "kind")
    op.drop_index("ix_callback_earlier_wanted_at", "callback")
    for name in ("earlier_wanted_at", *reversed(_NUMBERS), "wall_zone", "wall"):
        op.drop_column("callback", name)
