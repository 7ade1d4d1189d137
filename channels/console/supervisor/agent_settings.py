"""An agent's settings: team, skills, single days, days off, and booked callbacks. No customer data
is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.app_context import current_context
from channels.console import hours_format
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_codes import ChannelErrorCode
from channels.error_texts import describe_error
from channels.time_format import read_date
from people.errors import InvalidInput, NotFound
from people.models import Role
from scheduling.availability import skills, team_overview, teams
from scheduling.booking import reassignment
from scheduling.calendars import days_off
from scheduling.error_codes import SchedulingErrorCode
from scheduling.errors import SlotTaken
from scheduling.notifications import callback_notifier


@bp.get("/team/<uuid:staff_id>")
@staff_page(Role.SUPERVISOR)
def show_agent_settings(desk: StaffRequest, staff_id: UUID) -> ResponseReturnValue:
    """Show an agent's settings."""
    return _render_agent_settings(desk, staff_id)


def _render_agent_settings(
    desk: StaffRequest, staff_id: UUID, errors: Mapping[str, str] | None = None
) -> str:
    done = request.args.get("done", "")
    called = _parse_id_or_none(request.args.get("callback", "")) if done else None
    member = team_overview.lock_agent(desk.session, staff_id)
    today = desk.clock.local_date_of(desk.moment)
    others = [
        agent
        for agent in team_overview.list_team_agents(desk.session, desk.moment)
        if agent.id != staff_id
    ]
    return render_template(
        "console/agent.html",
        id=staff_id,
        name=callback_notifier.agent_first_name(desk.session, staff_id),
        zone=member.timezone,
        teams=teams.list_teams(desk.session),
        team_id=teams.team_id_of_agent(desk.session, staff_id),
        skills=skills.load_agent_skills(desk.session, staff_id),
        days=days_off.list_dated_hours(desk.session, staff_id, today),
        off=days_off.list_time_off(desk.session, staff_id, today),
        booked=reassignment.list_agent_bookings(
            desk.session, staff_id, current_context().policy, desk.moment
        ),
        others=others,
        write=hours_format.format_hours,
        errors=errors or {},
        typed={name: value[:200] for name, value in request.form.items()},
        clock=desk.clock,
        saved=request.args.get("saved", ""),
        done=done,
        now_with=reassignment.find_current_assignment(desk.session, called) if called else None,
    )


def _apply_agent_change(
    desk: StaffRequest, staff_id: UUID, act: Callable[[], object], anchor: str, **told: str
) -> ResponseReturnValue:
    """Apply a change and redirect to its section, or show the page again with the errors."""
    team_overview.lock_agent(desk.session, staff_id)
    try:
        with desk.session.begin_nested():
            act()
    except InvalidInput as error:
        return _render_agent_settings(desk, staff_id, {error.field: describe_error(error)}), 422
    except SlotTaken as error:
        return _render_agent_settings(desk, staff_id, {"to": describe_error(error)}), 409
    values: dict[str, Any] = told or {"saved": anchor}
    back = url_for("console.show_agent_settings", staff_id=staff_id, _anchor=anchor, **values)
    return redirect(back, code=303)


@bp.post("/team/<uuid:staff_id>/skills")
@staff_page(Role.SUPERVISOR)
def set_skills(desk: StaffRequest, staff_id: UUID) -> ResponseReturnValue:
    """Set team, languages and products."""
    form, by = request.form, desk.principal.actor

    def save_agent_skills() -> None:
        chosen = {
            kind: skills.parse_skills(form.get(kind, "")[:500], kind) for kind in skills.KINDS
        }
        skills.replace_agent_skills(desk.session, staff_id, chosen, by, desk.moment)
        teams.assign_to_team(
            desk.session,
            staff_id,
            _parse_optional_choice(form.get("team", ""), "team"),
            by,
            desk.moment,
        )

    return _apply_agent_change(desk, staff_id, save_agent_skills, "skills")


def _parse_optional_choice(text: str, field: str) -> UUID | None:
    choice = _parse_id_or_none(text)
    if text and choice is None:
        raise InvalidInput(field, ChannelErrorCode.CHOICE_UNKNOWN)
    return choice


def _parse_id_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@bp.post("/team/<uuid:staff_id>/day")
@staff_page(Role.SUPERVISOR)
def set_agent_day(desk: StaffRequest, staff_id: UUID) -> ResponseReturnValue:
    """Set other hours for one day, or restore the weekly hours."""
    form = request.form

    def save_agent_day() -> None:
        on = read_date(form.get("on", ""), "on")
        hours = (
            None
            if "usual" in form
            else hours_format.parse_hours(form.get("hours", "")[:200], "hours")
        )
        by = desk.principal.actor
        days_off.set_dated_hours(desk.session, staff_id, on, hours, by, desk.moment)

    return _apply_agent_change(desk, staff_id, save_agent_day, "days")


@bp.post("/team/<uuid:staff_id>/off")
@staff_page(Role.SUPERVISOR)
def set_days_off(desk: StaffRequest, staff_id: UUID) -> ResponseReturnValue:
    """Add days off, or remove an entry."""
    form, by = request.form, desk.principal.actor

    def save_agent_days_off() -> None:
        ended = _parse_optional_choice(form.get("end", ""), "end")
        if ended is not None:
            days_off.cancel_time_off(desk.session, staff_id, ended, by, desk.moment)
            return
        first = read_date(form.get("first", ""), "first")
        last = read_date(form.get("last", "") or form.get("first", ""), "last")
        days_off.add_time_off(desk.session, staff_id, first, last, by, desk.moment)

    return _apply_agent_change(desk, staff_id, save_agent_days_off, "off")


@bp.post("/team/<uuid:staff_id>/hand-over")
@staff_page(Role.SUPERVISOR)
def submit_reassignment(desk: StaffRequest, staff_id: UUID) -> ResponseReturnValue:
    """Reassign a booked callback to a chosen colleague or to the next by the team's rule, rebook it
    with the next free agent, or cancel it."""
    form, by = request.form, desk.principal.actor

    def apply_chosen_reassignment() -> None:
        callback = _parse_optional_choice(form.get("callback", ""), "to")
        if callback is None:
            raise NotFound(SchedulingErrorCode.AGENT_CALLBACK_NOT_FOUND)
        where = desk.session, staff_id, callback
        rules = current_context().policy, by, desk.moment
        if "rebook" in form:
            reassignment.move_to_other_agent(*where, *rules)
        elif "off" in form:
            reassignment.cancel_agent_callback(*where, *rules)
        else:
            reassignment.reassign_callback(
                *where, _parse_optional_choice(form.get("to", ""), "to"), *rules
            )

    done = next((action for action in ("rebook", "off") if action in form), "over")
    return _apply_agent_change(
        desk,
        staff_id,
        apply_chosen_reassignment,
        "booked",
        done=done,
        callback=form.get("callback", "")[:36],
    )
