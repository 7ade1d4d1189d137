"""One agent, as their supervisor sets them up: team, skills, single days, days off, and what is
booked with them. No customer in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.app_context import ctx
from channels.console import hours_format
from channels.console.staff_request import Desk, pages, staff_page
from channels.time_format import read_date
from people.errors import InvalidInput, NotFound
from people.models import Role
from scheduling.availability import skills, team_overview, teams
from scheduling.booking import reassignment
from scheduling.calendars import days_off
from scheduling.errors import SlotTaken
from scheduling.notifications import callback_notifier


@pages.get("/team/<uuid:staff_id>")
@staff_page(Role.SUPERVISOR)
def agent(desk: Desk, staff_id: UUID) -> ResponseReturnValue:
    """What is set for an agent."""
    return _shown(desk, staff_id)


def _shown(desk: Desk, staff_id: UUID, errors: Mapping[str, str] | None = None) -> str:
    done = request.args.get("done", "")
    called = _read(request.args.get("callback", "")) if done else None
    member = team_overview.agent(desk.session, staff_id)
    today = desk.clock.today(desk.moment)
    others = [
        each for each in team_overview.agents(desk.session, desk.moment) if each.id != staff_id
    ]
    return render_template(
        "console/agent.html",
        id=staff_id,
        name=callback_notifier.agent_name(desk.session, staff_id),
        zone=member.timezone,
        teams=teams.every(desk.session),
        team_id=teams.of_agent(desk.session, staff_id),
        skills=skills.of(desk.session, staff_id),
        days=days_off.single_days(desk.session, staff_id, today),
        off=days_off.off(desk.session, staff_id, today),
        booked=reassignment.of(desk.session, staff_id, ctx().policy, desk.moment),
        others=others,
        write=hours_format.write,
        errors=errors or {},
        typed={name: value[:200] for name, value in request.form.items()},
        clock=desk.clock,
        saved=request.args.get("saved", ""),
        done=done,
        now_with=reassignment.stands(desk.session, called) if called else None,
    )


def _done(
    desk: Desk, staff_id: UUID, act: Callable[[], object], anchor: str, **told: str
) -> ResponseReturnValue:
    """Do it and come back to where it was done; or the page again with what stands against it."""
    team_overview.agent(desk.session, staff_id)
    try:
        with desk.session.begin_nested():
            act()
    except InvalidInput as error:
        return _shown(desk, staff_id, {error.field: str(error)}), 422
    except SlotTaken as error:
        return _shown(desk, staff_id, {"to": str(error)}), 409
    values: dict[str, Any] = told or {"saved": anchor}
    back = url_for("console.agent", staff_id=staff_id, _anchor=anchor, **values)
    return redirect(back, code=303)


@pages.post("/team/<uuid:staff_id>/skills")
@staff_page(Role.SUPERVISOR)
def set_skills(desk: Desk, staff_id: UUID) -> ResponseReturnValue:
    """Team, languages and products."""
    form, by = request.form, desk.principal.actor

    def act() -> None:
        found = {kind: skills.read(form.get(kind, "")[:500], kind) for kind in skills.KINDS}
        skills.replace(desk.session, staff_id, found, by, desk.moment)
        teams.put(desk.session, staff_id, _uuid(form.get("team", ""), "team"), by, desk.moment)

    return _done(desk, staff_id, act, "skills")


def _uuid(text: str, field: str) -> UUID | None:
    found = _read(text)
    if text and found is None:
        raise InvalidInput(field, "Choose one from the list.")
    return found


def _read(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@pages.post("/team/<uuid:staff_id>/day")
@staff_page(Role.SUPERVISOR)
def set_day(desk: Desk, staff_id: UUID) -> ResponseReturnValue:
    """Other hours on one day, or the usual ones again."""
    form = request.form

    def act() -> None:
        on = read_date(form.get("on", ""), "on")
        hours = None if "usual" in form else hours_format.read(form.get("hours", "")[:200], "hours")
        by = desk.principal.actor
        days_off.set_day(desk.session, staff_id, on, hours, by, desk.moment)

    return _done(desk, staff_id, act, "days")


@pages.post("/team/<uuid:staff_id>/off")
@staff_page(Role.SUPERVISOR)
def set_off(desk: Desk, staff_id: UUID) -> ResponseReturnValue:
    """Days off, or one of them taken back."""
    form, by = request.form, desk.principal.actor

    def act() -> None:
        ended = _uuid(form.get("end", ""), "end")
        if ended is not None:
            days_off.end_off(desk.session, staff_id, ended, by, desk.moment)
            return
        first = read_date(form.get("first", ""), "first")
        last = read_date(form.get("last", "") or form.get("first", ""), "last")
        days_off.take_off(desk.session, staff_id, first, last, by, desk.moment)

    return _done(desk, staff_id, act, "off")


@pages.post("/team/<uuid:staff_id>/hand-over")
@staff_page(Role.SUPERVISOR)
def reassign(desk: Desk, staff_id: UUID) -> ResponseReturnValue:
    """Give a booked callback to a colleague, or to whoever's turn it is; book it anew with whoever
    is free next; or call it off."""
    form, by = request.form, desk.principal.actor

    def act() -> None:
        callback = _uuid(form.get("callback", ""), "to")
        if callback is None:
            raise NotFound("There is no such callback of this agent.")
        where = desk.session, staff_id, callback
        rules = ctx().policy, by, desk.moment
        if "anew" in form:
            reassignment.anew(*where, *rules)
        elif "off" in form:
            reassignment.call_off(*where, *rules)
        else:
            reassignment.give(*where, _uuid(form.get("to", ""), "to"), *rules)

    done = next((each for each in ("anew", "off") if each in form), "over")
    return _done(desk, staff_id, act, "booked", done=done, callback=form.get("callback", "")[:36])
