"""How a called party of the far end behaves: the last eight digits of its number say it (docs/far-end.md).

    BB RR FF xx     for example +33 6 10 15 30 01
    │  │  │  └──── serial: tells parties apart
    │  │  └─────── its tone: 400 + 20 x FF Hz (30: 1000 Hz)
    │  └────────── ringing time in tenths of a second (15: 1.5 s); 99: until it is told
    └───────────── behaviour, from the table below

Every party that answers sends its tone without a pause and records what it hears.
"""

from dataclasses import dataclass

UNTIL_TOLD = "99"


@dataclass(frozen=True)
class Behaviour:
    """What happens to one call: `steps` are dialplan applications, run in order. ``answer:`` marks the step that
    `FarEnd.answer_now` jumps to."""

    code: str
    says: str
    steps: tuple[str, ...]


# Subroutines of the generated dialplan (farend_files.py). RING: 180, then the ringing time. WAIT: the ringing time
# without a word. PROGRESS: 183. TALK: answer, record, send the tone. LISTEN: answer and record, send nothing.
RING, WAIT, TALK, LISTEN = (f"Gosub({name},s,1)" for name in ("ring", "wait", "talk", "listen"))
PROGRESS = "Progress()"
RINGBACK = "Playtones(ring)"  # the country's, in-band
TONE = "Playtones(${TONE})"
FOR_EVER = "Wait(86400)"
END = "Hangup()"


def _press(digit: str) -> tuple[str, ...]:
    return (f"SendDTMF({digit},100,160)", TONE)  # sending a key silences the tone


def _refuse(cause: int) -> str:
    return f"Hangup({cause})"


# SIP codes that Asterisk has no hang-up cause for: the trunk's door puts them (gate.py; UDP trunks only).
EXACT_CODES = {"51": 603, "71": 603, "56": 500, "61": 502, "62": 504, "63": 606}


TABLE = (
    # answers
    Behaviour("10", "rings, answers, talks until hung up", (RING, f"answer:{TALK}", FOR_EVER)),
    Behaviour("11", "no word at all (slow network), then answers and talks", (WAIT, f"answer:{TALK}", FOR_EVER)),
    Behaviour(
        "12", "183 with ringback tone in-band, then answers", (PROGRESS, RINGBACK, WAIT, f"answer:{TALK}", FOR_EVER)
    ),
    Behaviour(
        "13", "183 with its own tone as early media, then answers", (PROGRESS, TONE, WAIT, f"answer:{TALK}", FOR_EVER)
    ),
    Behaviour(
        "14",
        "GSM gateway: 200 at once, ringback tone in-band for the ringing time, then talks",
        (LISTEN, RINGBACK, WAIT, f"answer:{TONE}", FOR_EVER),
    ),
    Behaviour(
        "15",
        "GSM gateway: 200 at once, ringback tone in-band, then talks and presses 1 after 1 s",
        (LISTEN, RINGBACK, WAIT, f"answer:{TONE}", "Wait(1)", *_press("1"), FOR_EVER),
    ),
    # answers and presses keys (RFC 4733)
    Behaviour("20", "rings, answers, presses 1 after 1 s", (RING, f"answer:{TALK}", "Wait(1)", *_press("1"), FOR_EVER)),
    # The engine asks three times, for four seconds (French; English a little less) and with 1.5 s of silence between.
    Behaviour(
        "21",
        "rings, answers, presses 1 after 7 s: during the second prompt",
        (RING, f"answer:{TALK}", "Wait(7)", *_press("1"), FOR_EVER),
    ),
    Behaviour(
        "22",
        "rings, answers, presses 1 after 12.5 s: during the third prompt",
        (RING, f"answer:{TALK}", "Wait(12.5)", *_press("1"), FOR_EVER),
    ),
    Behaviour("23", "rings, answers, presses 5 after 1 s", (RING, f"answer:{TALK}", "Wait(1)", *_press("5"), FOR_EVER)),
    Behaviour(
        "24",
        "rings, answers, presses 5 after 1 s and 1 after 3 s more",
        (RING, f"answer:{TALK}", "Wait(1)", *_press("5"), "Wait(3)", *_press("1"), FOR_EVER),
    ),
    Behaviour("25", "rings, answers, sends nothing: no tone, no key", (RING, f"answer:{LISTEN}", FOR_EVER)),
    # Not sooner: a key pressed while the answer is still on its way to us is heard by nobody, and no person does that.
    Behaviour(
        "26", "rings, answers, presses 1 after 0.5 s", (RING, f"answer:{TALK}", "Wait(0.5)", *_press("1"), FOR_EVER)
    ),
    # answers and leaves
    Behaviour("30", "rings, answers, hangs up after 50 ms", (RING, f"answer:{TALK}", "Wait(0.05)", END)),
    Behaviour(
        "31",
        "rings 1 s, answers, hangs up after the ringing time",
        ("Ringing()", "Wait(1)", f"answer:{TALK}", WAIT, END),
    ),
    Behaviour("32", "rings, answers, hangs up after 2 s", (RING, f"answer:{TALK}", "Wait(2)", END)),
    Behaviour(
        "33",
        "rings 0.5 s, answers, presses 1 after 1 s, hangs up after the ringing time",
        ("Ringing()", "Wait(0.5)", f"answer:{TALK}", "Wait(1)", *_press("1"), WAIT, END),
    ),
    # machines and announcements
    Behaviour(
        "40",
        "voicemail: rings, answers, speaks a greeting, beeps, records 60 s",
        (RING, f"answer:{LISTEN}", "Wait(0.5)", "Playback(vm-theperson&vm-isunavail&vm-intro)", "Wait(60)", END),
    ),
    Behaviour(
        "41",
        "183, an announcement in early media, then 404",
        (PROGRESS, "Playback(cannot-complete-as-dialed,noanswer)", _refuse(1)),
    ),
    Behaviour(
        "42",
        "183, an announcement in early media, then 486",
        (PROGRESS, "Playback(ss-noservice,noanswer)", _refuse(17)),
    ),
    Behaviour(
        "43",
        "183, an announcement in early media again and again, never answers",
        (PROGRESS, *["Playback(cannot-complete-as-dialed,noanswer)"] * 20, FOR_EVER),
    ),
    # refusals, after the ringing time without a word (00: at once)
    Behaviour("50", "486 busy", (WAIT, _refuse(17))),
    Behaviour("51", "603 declined", (WAIT, _refuse(21))),
    Behaviour("52", "480 unreachable", (WAIT, _refuse(19))),
    Behaviour("53", "404 no such number", (WAIT, _refuse(1))),
    Behaviour("54", "503 congestion", (WAIT, _refuse(34))),
    Behaviour("55", "403 refused", (WAIT, _refuse(21))),
    Behaviour("56", "500 failure", (WAIT, _refuse(38))),
    Behaviour("57", "408 no response", (WAIT, _refuse(18))),
    Behaviour("58", "410 number changed", (WAIT, _refuse(22))),
    Behaviour("59", "488 no common codec", (WAIT, _refuse(58))),
    Behaviour("60", "484 incomplete number", (WAIT, _refuse(28))),
    Behaviour("61", "502 bad gateway", (WAIT, _refuse(27))),
    Behaviour("62", "504 gateway time-out", (WAIT, _refuse(21))),
    Behaviour("63", "606 not acceptable anywhere", (WAIT, _refuse(21))),
    # refusals after ringing
    Behaviour("70", "rings, then 486 (refused by hand)", (RING, _refuse(17))),
    Behaviour("71", "rings, then 603 (refused by hand)", (RING, _refuse(21))),
    Behaviour("72", "rings, then 480 (the network gives up)", (RING, _refuse(19))),
    Behaviour("73", "rings, then 503", (RING, _refuse(34))),
    Behaviour("74", "rings, then 404", (RING, _refuse(1))),
    # never
    Behaviour("80", "100 and nothing more", (FOR_EVER,)),
    Behaviour("81", "rings for ever", ("Ringing()", FOR_EVER)),
)

BY_CODE = {behaviour.code: behaviour for behaviour in TABLE}


def coded(behaviour: str, *, ring_s: float | None = 0.5, tone_hz: int = 1000, serial: int = 1) -> str:
    """The eight digits of a party that behaves so; `ring_s` None: until told.

    Raises KeyError when there is no such behaviour, ValueError when a value has no digits for it.
    """
    tenths = 99 if ring_s is None else round(ring_s * 10)
    tone, rest = divmod(tone_hz - 400, 20)
    if not 0 <= tenths <= (99 if ring_s is None else 98) or rest or not 0 <= tone <= 99 or not 0 <= serial <= 99:
        raise ValueError(f"no digits for ring_s={ring_s}, tone_hz={tone_hz}, serial={serial}")
    return f"{BY_CODE[behaviour].code}{tenths:02d}{tone:02d}{serial:02d}"


def mobile(behaviour: str, *, ring_s: float | None = 0.5, tone_hz: int = 1000, serial: int = 1) -> str:
    """The same as a French mobile number, +336 and the eight digits."""
    return f"+336{coded(behaviour, ring_s=ring_s, tone_hz=tone_hz, serial=serial)}"


def key(number: str) -> str:
    """What identifies a party whatever form its number is dialled in: the last eight digits (fewer if it has fewer)."""
    return "".join(c for c in number if c.isdigit())[-8:]


def behaviour_of(number: str) -> str:
    """The code of the party of this number: 10 for short numbers and for codes that stand for nothing."""
    digits = key(number)
    return digits[:2] if len(digits) == 8 and digits[:2] in BY_CODE else "10"


def tone_of(number: str) -> int:
    """The frequency, in Hz, that the party of this number sends; 1000 for those without a behaviour of their own."""
    digits = key(number)
    return 400 + 20 * int(digits[4:6]) if len(digits) == 8 and digits[:2] in BY_CODE else 1000
