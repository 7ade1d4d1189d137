"""Hangs the console onto the application."""

from __future__ import annotations

from flask import Flask

from channels.console import (
    account,
    account_changes,
    agent,
    approvals,
    book,
    calling,
    card,
    case_actions,
    case_acts,
    case_export,
    cases,
    colleagues,
    coverage,
    day,
    enrol,
    feed,
    handing,
    live,
    notes,
    passkeys,
    people,
    problems,
    proof,
    renumber,
    report_taken,
    reports,
    signin,
    team,
    teams,
    tracing,
    trail,
    week_view,
)
from channels.console.desk import pages

PARTS = (
    *(signin, enrol, day, week_view, book, card, calling, handing, live, feed, renumber),
    *(account, account_changes, proof, passkeys, colleagues),
