"""Hangs the commands onto the application."""

from __future__ import annotations

from flask import Flask

from channels.cli import (
    audit,
    canaries,
    cases,
    customers,
    keys,
    leaks,
    staff,
    store,
    texts,
    together,
    two_people,
    work,
)


def register(app: Flask) -> None:
    """All commands of ``flask --app app``."""
    for command in (
        store.db,
        store.demo,
        staff.staff_group,
        staff.token_group,
        customers.customers_group,
        canaries.canaries,
        keys.keys,
        two_people.approvals,
        audit.audit,
        cases.cases,
        leaks.leaks,
        keys.doctor,
        texts.outbox,
        work.worker,
        work.serve,
        together.run_all,
    ):
        app.cli.add_command(command)
