"""The current state of a call, polled by the callback page's script. It holds no personal data, so
it is not audited."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import jsonify
from flask.typing import ResponseReturnValue

from channels.app_context import current_context
from channels.console import labels
from channels.console.staff_request import StaffRequest, bp, staff_page
from messaging import call_queue
from people.customers import customer_number
from people.models import Customer, Role
from scheduling import callback_rows
from scheduling.booking import call_window
from scheduling.states import CallbackState
from verification import call_status


@bp.get("/callback/<uuid:callback_id>/live")
@staff_page(Role.AGENT, polled=True)
def poll_call_status(desk: StaffRequest, callback_id: UUID) -> ResponseReturnValue:
    """Return state, remaining tries and reply word as JSON.

    The script sends ``?keep=1`` at intervals to keep the session alive: an agent in a long call is
    not idle.
    """
    callback = callback_rows.get_recent_callback(
        desk.session, callback_id, desk.principal.id, desk.moment
    )
    status = call_status.call_status(desk.session, callback)
    call = call_queue.find_latest_call(desk.session, callback.id)
    opens = call_window.call_window_start(
        callback.starts_at, current_context().policy.window_lead_minutes
    )
    return jsonify(
        now=desk.moment.isoformat(),
        state=status.state.value,
        state_word=labels.describe_callback_state(status.state),
        can_start=(
            status.state is CallbackState.BOOKED
            and opens <= desk.moment < callback.ends_at
            and not customer_number.is_number_on_hold(
                desk.session.get_one(Customer, callback.customer_id), desk.moment
            )
        ),
        tries_left=status.tries_left,
        can_reissue=status.can_reissue,
        valid_until=_iso_or_none(status.valid_until),
        confirmed_at=_iso_or_none(status.confirmed_at),
        confirmed_time=desk.clock.format_time(status.confirmed_at) if status.confirmed_at else None,
        channel=status.confirmed_by,
        channel_word=labels.describe_channel(status.confirmed_by),
        reply_word=status.reply_word,
        call=call.state if call else None,
    )


def _iso_or_none(when: datetime | None) -> str | None:
    return when.isoformat() if when else None
