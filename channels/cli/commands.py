"""Hangs the commands onto the application."""

from __future__ import annotations

from flask import Flask

from channels.cli import (
    approvals,
    audit,
    canaries,
    cases,
    customers,
    database,
    keys,
    leaks,
    outbox,
    processes,
    run_all,
    staff,
)


def register(app: Flask) -> None:
    """All commands of ``flask --app app``."""
    for command in (
        database.db,
        database.demo,
        staff.staff_group,
        staff.token_group,
        customers.customers_group,
        canaries.canaries,
        keys.keys,
        approvals.approvals,
        audit.audit,
        cases.cases,
        leaks.leaks,
        keys.doctor,
        outbox.outbox,
        processes.worker,
        processes.serve,
        run_all.run_all,
    ):
        app.cli.add_command(command)
