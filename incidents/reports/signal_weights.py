"""Weights of signals, from 0 to 1: one table, with the reason for each figure.

A weight is computed on every read and never stored, so that a corrected figure also applies to
existing signals.
"""

from __future__ import annotations

#: A signal from the number that it names. The provider vouches for the sender of a text; the portal
#: is open only to the person who reads that number's texts.
PROVEN = 1.0
#: The owner of the number confirmed within a day, so there was a call. Somebody else may have
#: filled in what it was about.
PROVEN_LATER = 0.7
#: Unproven signals, by channel.
UNPROVEN = {
    # Taken by a signed-in colleague, whose act is in the audit log.
    "agent": 0.5,
    # A caller's number can be forged, but that takes more effort than a form.
    "voice": 0.3,
    # Anybody can type any number into a form.
    "web": 0.2,
    "api": 0.2,
}
UNPROVEN_DEFAULT = 0.2
#: A failed check while none of our agents was calling: somebody was given a number that was said to
#: be ours. Some people only try out the page, so it counts half of a report from the same channel.
UNCONFIRMED = {"text": 0.5, "keypad": 0.15, "web": 0.1, "api": 0.1}
#: A canary is no real customer: a caller or sender can only have its number from us.
CANARY = 1.0
#: A hidden field was filled in, or one number is reported over and over: a program. Stored, so that
#: a mistake can be undone.
DOUBTFUL = 0.02


def weigh_signal(
    kind: str, channel: str, *, proven: bool, proven_later: bool = False, doubtful: bool = False
) -> float:
    """Return the weight of a signal."""
    if doubtful:
        return DOUBTFUL
    if kind == "canary":
        return CANARY
    if kind == "unconfirmed":
        return UNCONFIRMED.get(channel, UNCONFIRMED["web"])
    if proven:
        return PROVEN
    return PROVEN_LATER if proven_later else UNPROVEN.get(channel, UNPROVEN_DEFAULT)
