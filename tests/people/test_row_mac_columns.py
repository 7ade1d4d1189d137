"""A column that comes under a row's MAC makes every row that is stored already fail it."""

from __future__ import annotations

import app  # noqa: F401  (so that every table is known)
from people.row_mac import MAC_COLUMNS

#: The columns under the MAC, as the newest step of ``UPGRADE_STEPS`` in
#: ``channels/startup/database_upgrade.py`` computes it. Change a line only together with such a
#: step.
COVERED = {
    "api_token": "id token_hash staff_id role epoch label created_at ended_at",
    "calendar_feed": "id token_hash staff_id epoch created_at ended_at",
    "callback": (
        "id customer_id agent_id starts_at minutes ends_at state booked_at started_at "
        "confirmed_at confirmed_by ended_at outcome move_asked_at wall wall_zone wall_fold "
        "buffer_before buffer_after moves earlier_wanted_at"
    ),
    "code": (
        "id phone_index callback_id customer_id secret digits counter reissued valid_from "
        "valid_until tries_open tries_own confirmed_at confirmed_by reply_word closed_at"
    ),
    "customer_session": "id token_hash customer_id created_at seen_at ended_at",
    "enrolment_link": (
        "id token_hash staff_id totp_secret kind made_by pin tries expires_at used_at"
    ),
    "number_proof": (
        "id customer_id secret counter tries made_at valid_until closed_at asked_by proven_at"
    ),
    "passkey": "id staff_id credential public_key name sign_count created_at used_at stopped_at",
    "phone_call": (
        "id callback_id state agent_phone due_at tries first_tried_at agent_sid customer_sid "
        "wanted_at agent_on_at ringing_at answered_at live_at ended_at to_hang_up error"
    ),
    "recovery_code": "id staff_id code_hash used_at",
    "staff": (
        "id role email name phone timezone active demo password_hash totp_secret "
        "totp_last_step epoch passkey_handle created_at suspended_at"
    ),
    "staff_session": (
        "id token_hash staff_id role epoch how passkey_id browser created_at seen_at "
        "proved_at ended_at"
    ),
}


def test_no_column_comes_under_a_mac_without_an_upgrade_step():
    assert {table: " ".join(MAC_COLUMNS[table]) for table in MAC_COLUMNS} == COVERED, (
        "Exempt the new column in UNCOVERED_COLUMNS, or add an upgrade step and change COVERED."
    )
