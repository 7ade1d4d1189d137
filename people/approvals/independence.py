"""Decides which members of staff could be one and the same person (rule I7).

A member of staff is *proven to* the colleagues whose PINs were used to enrol them: those met them
in person. Somebody who controls one account could also have invented each person who is proven to
that account alone, or to people invented in this way. All these are one *group*, and a group has
one vote: two of its members never count for the same request. A member of staff who is proven to
two people of different groups is a group of their own; so is everybody who was enrolled during
bootstrap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlmodel import Session, col, select

from people import password_seal, row_mac
from people.models import Staff
from vault.errors import Tampered


def find_identity_groups(session: Session, ids: Iterable[UUID | None]) -> dict[UUID, UUID]:
    """Return the group of each of these members of staff, named by one id of it. Raises
    ``Tampered`` for a member whose proof was changed in the database."""
    wanted = {id_ for id_ in ids if id_ is not None}
    proven = _load_vouching_graph(session, wanted)
    joined: dict[UUID, UUID] = {}

    def find_group_root(person: UUID) -> UUID:
        while person in joined:
            person = joined[person]
        return person

    grows = True
    while grows:
        grows = False
        for person, to in proven.items():
            theirs = {find_group_root(item) for item in to}
            if len(theirs) == 1 and find_group_root(person) not in theirs:
                joined[find_group_root(person)] = theirs.pop()
                grows = True
    return {item: find_group_root(item) for item in wanted}


def _load_vouching_graph(session: Session, ids: set[UUID]) -> Mapping[UUID, frozenset[UUID]]:
    """Return the people that each of these is proven to and, recursively, the same for those."""
    graph: dict[UUID, frozenset[UUID]] = {}
    missing = set(ids)
    while missing:
        rows = session.exec(select(Staff).where(col(Staff.id).in_(missing))).all()
        if not all(row_mac.is_row_intact(session, row) for row in rows):
            raise Tampered("a member of staff is not as we left them")
        graph.update(dict.fromkeys(missing, frozenset()))
        graph.update(
            {
                row.id: password_seal.load_vouched_by(session, row.id, row.password_hash)
                for row in rows
            }
        )
        missing = {item for to in graph.values() for item in to} - graph.keys()
    return graph
