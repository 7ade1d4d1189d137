"""A customer's phone in the browser: texts in both directions, and calls."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from channels import check_service
from channels.app_context import current_context, current_time, unit_of_work
from channels.simulator import incoming_call, ivr_call
from channels.simulator.seed_data import DEMO_CUSTOMERS
from channels.texts.handler import handle_text
from channels.texts.text_job import ReceivedText
from messaging.providers.simulator import message_store, phone_modes
from messaging.providers.simulator.phone_modes import SimulatorMode
from people.errors import InvalidInput
from storage.column_types import new_id

bp = Blueprint("demo", __name__, url_prefix="/demo")
_MAX_TEXT_LENGTH = 1600


@bp.get("/phone")
def show_phone() -> str:
    """Show the phone of the number in ``?phone=``, with its texts."""
    number = _number_or_first_customer(request.args.get("phone", ""))
    with unit_of_work() as session:
        texts = message_store.list_simulated_texts(session, current_time(), number)
        return render_template(
            "demo/phone.html",
            number=number,
            texts=texts,
            incoming=incoming_call.find_incoming_call(session, number, current_time()),
            line=phone_modes.find_simulator_mode(session, number),
            modes=_phone_mode_labels(),
            numbers=sorted({number, *(customer.phone for customer in DEMO_CUSTOMERS)}),
            names={customer.phone: customer.name for customer in DEMO_CUSTOMERS},
        )


@bp.get("/phone/texts")
def show_phone_texts() -> str:
    """Render only the texts, so that the page can refresh them."""
    number = _number_or_first_customer(request.args.get("phone", ""))
    with unit_of_work(read_only=True) as session:
        return render_template(
            "demo/texts.html",
            texts=message_store.list_simulated_texts(session, current_time(), number),
        )


@bp.get("/phone/call")
def show_phone_call() -> str:
    """Render only the incoming call, so that the page can refresh it."""
    number = _number_or_first_customer(request.args.get("phone", ""))
    with unit_of_work(read_only=True) as session:
        call = incoming_call.find_incoming_call(session, number, current_time())
        return render_template("demo/call.html", incoming=call, number=number)


@bp.post("/phone/call")
def submit_phone_action() -> AnyResponse:
    """Answer, decline, let it ring out, let voicemail answer, or hang up."""
    number = _number_or_first_customer(request.form.get("phone", ""))
    with unit_of_work() as session:
        incoming_call.apply_phone_action(
            session, number, request.form.get("act", ""), current_context().policy, current_time()
        )
    return redirect(url_for("demo.show_phone", phone=number), code=303)


@bp.post("/phone/line")
def choose_phone_mode() -> AnyResponse:
    """Set how texts arrive on this phone."""
    number, mode = (
        _number_or_first_customer(request.form.get("phone", "")),
        request.form.get("mode", ""),
    )
    seconds = request.form.get("seconds", "")
    if mode in set(SimulatorMode):
        late = int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 6 else 0
        with unit_of_work() as session:
            phone_modes.set_simulator_mode(
                session, number, SimulatorMode(mode), late, current_time()
            )
    return redirect(url_for("demo.show_phone", phone=number), code=303)


@bp.route("/keypad", methods=["GET", "POST"])
def show_keypad() -> str:
    """Call the IVR from this phone, and press keys."""
    number = _number_or_first_customer(request.values.get("phone", ""))
    turn = ivr_call.take_simulated_turn(number, request.form)
    return render_template("demo/keypad.html", number=number, **turn)


@bp.post("/phone")
def send_text_from_phone() -> AnyResponse:
    """Send a text from this phone to Vouchline. The reply is stored on the phone."""
    number = _number_or_first_customer(request.form.get("phone", ""))
    body = request.form.get("body", "").strip()[:_MAX_TEXT_LENGTH]
    if body:
        deliver_text_from_phone(number, body)
    return redirect(url_for("demo.show_phone", phone=number), code=303)


def deliver_text_from_phone(number: str, body: str) -> str | None:
    """Handle a text from a simulated phone like one received from a provider. Return the reply."""
    moment = current_time()
    with unit_of_work() as session:
        message_store.store_simulated_text(session, number, body, moment, outgoing=True)
        answer = handle_text(
            session,
            ReceivedText(f"demo-{new_id()}", number, body),
            current_context().policy,
            current_context().rules,
            moment,
        )
        if answer is not None:
            message_store.store_simulated_text(session, number, answer, moment, outgoing=False)
    return answer


@bp.get("/messages")
def list_demo_messages() -> Response:
    """Return all simulated texts as JSON, oldest first; with ``?phone=``, only those of one
    number."""
    wanted = request.args.get("phone")
    number = check_service.read_number(wanted) if wanted else None
    with unit_of_work(read_only=True) as session:
        return jsonify(messages=message_store.list_simulated_texts(session, current_time(), number))


def _phone_mode_labels() -> dict[str, str]:
    return {
        SimulatorMode.AT_ONCE: gettext("at once"),
        SimulatorMode.LATE: gettext("late"),
        SimulatorMode.LANDLINE: gettext("never: a landline"),
        SimulatorMode.OFF: gettext("never: switched off"),
        SimulatorMode.OPTED_OUT: gettext("never: opted out"),
        SimulatorMode.DOWN: gettext("not while the provider is down"),
        SimulatorMode.UNSURE: gettext("at once, but the provider's answer is lost"),
    }


def _number_or_first_customer(text: str) -> str:
    try:
        return check_service.read_number(text)
    except InvalidInput:
        return DEMO_CUSTOMERS[0].phone
