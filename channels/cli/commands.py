"""Registers the commands on the application."""

from __future__ import annotations

from flask import Flask

from channels.cli import (
    approvals,
    audit,
    canaries,
    cases,
    customers,
    database,
    doctor,
    keys,
    languages,
    leaks,
    outbox,
    processes,
    run_all,
    staff,
)


def register_commands(app: Flask) -> None:
    """Register all commands of ``flask --app app``."""
    for command in (
        database.db_group,
        database.demo_command,
        staff.staff_group,
        staff.token_group,
        customers.customers_group,
        canaries.canaries_group,
        keys.keys_group,
        approvals.approvals_group,
        audit.audit_group,
        cases.cases_group,
        languages.languages_group,
        leaks.leaks_group,
        doctor.doctor_command,
        outbox.outbox_command,
        processes.worker_command,
        processes.serve_command,
        run_all.run_all_command,
    ):
        app.cli.add_command(command)
