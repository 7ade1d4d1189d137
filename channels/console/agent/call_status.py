"""How a call stands now, for the script of its card. No personal data, so no audit entry."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import jsonify
from flask.typing import ResponseReturnValue

from channels.app_context import ctx
from channels.console import labels
from channels.console.staff_request import Desk, pages, staff_page
from messaging import call_queue
from people.customers import customer_number
from people.models import Customer, Role
from scheduling import callbacks
from scheduling.booking import call_window
from scheduling.states import State
from verification import call_session


@pages.get("/callback/<uuid:callback_id>/live")
@staff_page(Role.AGENT, polled=True)
def live(desk: Desk, callback_id: UUID) -> ResponseReturnValue:
    """State, tries left and reply word. ``?keep=1``, once in a while, keeps the session alive:
    an agent in a long call is not idle."""
    callback = callbacks.held_lately(desk.session, callback_id, desk.principal.id, desk.moment)
    found = call_session.live(desk.session, callback)
    call = call_queue.latest(desk.session, callback.id)
    opens = call_window.opens(callback.starts_at, ctx().policy.window_lead_minutes)
    return jsonify(
        now=desk.moment.isoformat(),
        state=found.state.value,
        state_word=labels.state(found.state),
        can_start=(
            found.state is State.BOOKED
            and opens <= desk.moment < callback.ends_at
            and not customer_number.waits(
                desk.session.get_one(Customer, callback.customer_id), desk.moment
            )
        ),
        tries_left=found.tries_left,
        can_reissue=found.can_reissue,
        valid_until=_iso(found.valid_until),
        confirmed_at=_iso(found.confirmed_at),
        confirmed_time=desk.clock.time(found.confirmed_at) if found.confirmed_at else None,
        channel=found.confirmed_by,
        channel_word=labels.channel(found.confirmed_by),
        reply_word=found.reply_word,
        call=call.state if call else None,
    )


def _iso(when: datetime | None) -> str | None:
    return when.isoformat() if when else None
