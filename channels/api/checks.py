"""``POST /checks``: a public endpoint to check whether a caller is genuine."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from channels import check_service, display_text, error_handlers
from channels.api.check_schemas import CannotCheckOut, CheckIn, CheckOut
from channels.rate_limits import RateLimitExceeded
from verification.verdicts import AlreadyConfirmed, Channel, Genuine, Verdict

bp = APIBlueprint(
    "api_checks", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Checks and reports")]
)


@bp.post(
    "/checks",
    summary="Is this caller genuine?",
    security=[],
    responses={200: CheckOut, 503: CannotCheckOut},
)
def make_check(body: CheckIn) -> tuple[Response, int]:
    """Return the verdict on a code that a caller told the owner of this phone number."""
    try:
        verdict = check_service.decide_verdict(body.phone, body.code, Channel.API)
    except check_service.CheckUnavailable:
        return jsonify(verdict="cannot_check"), 503
    except RateLimitExceeded as error:
        return error_handlers.answer_rate_limit_exceeded(error, error_handlers.TEXT_US_ADVICE), 429
    return jsonify(
        _serialize_verdict(
            display_text.sanitise_verdict(verdict) if isinstance(verdict, Genuine) else verdict
        )
    ), 200


def _serialize_verdict(verdict: Verdict) -> dict[str, str]:
    if isinstance(verdict, Genuine):
        return {
            "verdict": "genuine",
            "caller": verdict.caller,
            "organisation": verdict.organisation,
            "topic": verdict.topic,
            "booked_for": verdict.booked_for.isoformat(),
            "reply_word": verdict.reply_word,
            "checked_at": verdict.checked_at.isoformat(),
        }
    if isinstance(verdict, AlreadyConfirmed):
        return {
            "verdict": "already_confirmed",
            "confirmed_at": verdict.confirmed_at.isoformat(),
            "channel": verdict.channel.value,
        }
    return {"verdict": "not_confirmed"}
