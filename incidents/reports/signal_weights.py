"""How much one sign counts beside another, from 0 to 1: one table, each figure with its reason.

A weight is derived whenever it is asked for and never stored, so that a figure that turns out
wrong is put right for what is there already.
"""

from __future__ import annotations

#: A sign from the number it names. The provider vouches for the sender of a text; the own page is
#: open only to whoever reads that number's texts.
PROVEN = 1.0
#: The owner of the number spoke up within a day, so a call there was. What it was about may have
#: been filled in by somebody else, before.
PROVEN_LATER = 0.7
#: Where nothing is proven, by channel.
UNPROVEN = {
    # A colleague heard it, who is signed in and whose act is in the audit log.
    "agent": 0.5,
    # A phone call carries a number, which can be forged, but that takes more than a form.
    "voice": 0.3,
    # Anybody can type any number into a form.
    "web": 0.2,
    "api": 0.2,
}
UNPROVEN_DEFAULT = 0.2
#: A check that failed while nobody of ours was calling: somebody heard a number they were told was
#: ours. Also whoever just tries the page out, so half of what a report from there would count.
UNCONFIRMED = {"text": 0.5, "keypad": 0.15, "web": 0.1, "api": 0.1}
#: A canary is no customer of anybody's: who calls or texts one has it from us.
CANARY = 1.0
#: A field that people do not see was filled in, or one number is reported over and over: a program.
#: Kept, so that a mistake can be undone.
DOUBTFUL = 0.02


def weigh_signal(
    kind: str, channel: str, *, proven: bool, proven_later: bool = False, doubtful: bool = False
) -> float:
    """The weight of one sign of the stream."""
    if doubtful:
        return DOUBTFUL
    if kind == "canary":
        return CANARY
    if kind == "unconfirmed":
        return UNCONFIRMED.get(channel, UNCONFIRMED["web"])
    if proven:
        return PROVEN
    return PROVEN_LATER if proven_later else UNPROVEN.get(channel, UNPROVEN_DEFAULT)
