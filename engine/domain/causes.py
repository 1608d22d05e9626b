"""Why a leg ended: Q.850 causes and SIP codes, and what they mean for a call.

Asterisk translates SIP answers to causes (`hangup_sip2cause`) and loses detail on the way: 403 and 603 both become 21.
So the SIP code, when known, decides first.
"""

from typing import Literal

FailureKind = Literal["busy", "no_answer", "rejected", "invalid", "unreachable", "refused", "dead", "indeterminate"]
# refused: the trunk would not carry the call; dead: the trunk did not react. Both let the next trunk try.

_BY_SIP: dict[int, FailureKind] = {
    401: "refused",
    403: "refused",  # a PBX's or operator's own refusal; a person declining sends 603
    404: "invalid",
    407: "refused",
    408: "dead",  # no sign of life; after ringing see `failure`
    410: "invalid",
    480: "unreachable",
    484: "invalid",
    486: "busy",
    487: "no_answer",
    488: "refused",
    500: "refused",
    501: "refused",
    502: "refused",
    503: "refused",
    504: "refused",
    600: "busy",
    603: "rejected",
    604: "invalid",
    606: "refused",
    # what is wrong with the request, not with the number: Asterisk gives some of them the cause of a wrong number
    **dict.fromkeys((405, 406, 413, 414, 415, 416, 420, 421, 422, 482, 483, 493, 494, 505, 513, 580), "refused"),
}

_BY_CAUSE: dict[int, FailureKind] = {
    1: "invalid",
    2: "invalid",
    3: "invalid",
    16: "no_answer",
    17: "busy",
    18: "no_answer",
    19: "no_answer",
    20: "unreachable",
    21: "rejected",
    22: "invalid",
    28: "invalid",
    31: "unreachable",
}

_TEXT: dict[int, str] = {
    0: "unknown",
    1: "unallocated number",
    2: "no route to transit network",
    3: "no route to destination",
    16: "normal call clearing",
    17: "user busy",
    18: "no user responding",
    19: "no answer from user",
    20: "subscriber absent",
    21: "call rejected",
    22: "number changed",
    26: "answered elsewhere",
    27: "destination out of order",
    28: "invalid number format",
    29: "facility rejected",
    31: "normal, unspecified",
    34: "no circuit available",
    38: "network out of order",
    41: "temporary failure",
    42: "switching equipment congestion",
    44: "requested channel not available",
    47: "resource unavailable",
    58: "bearer capability not available",
    88: "incompatible destination",
    102: "recovery on timer expiry",
    111: "protocol error",
    127: "interworking",
}

ANSWERED_ELSEWHERE = 26
"""Non-selected user clearing (Q.850): a telephone that stops ringing with it counts no missed call (RFC 3326)."""

NETWORK_CAUSES = frozenset({18, 27, 38, 41, 42, 44, 47, 102, 111})
"""Causes that say the network, not a person, ended a conversation. 18: the other side answers no SIP any more."""

TRUNK_FAILURES: frozenset[FailureKind] = frozenset({"refused", "dead"})
"""Failures another trunk may not share."""


def failure(cause: int | None, sip_code: int | None, *, rang: bool) -> FailureKind:
    """What it means that a leg ended unanswered. `rang`: the far end had shown that it rings.

    Unknown causes are the trunk's failure before ringing and nobody's answer after.
    """
    if rang and sip_code in {408, 480}:  # also what Asterisk reports when its own ring limit cancels a leg
        return "no_answer"
    if sip_code in _BY_SIP:
        return _BY_SIP[sip_code]
    if cause in _BY_CAUSE:
        return _BY_CAUSE[cause]
    if cause is None:
        return "indeterminate"
    return "no_answer" if rang else "refused"


def text(cause: int | None) -> str | None:
    """The cause in words, as Q.850 names it."""
    if cause is None:
        return None
    return _TEXT.get(cause, f"cause {cause}")
