"""What lasts in a call, for its picture (ringing, early media, prompts, talking, stages): from its journalled states.

Sayings (what events and orders say) are counted through the whole story; a span goes from one saying to another.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from engine.calls.views import stage_name
from engine.domain.call import Call
from engine.domain.effects import DialChannel, Effect, HangUp, Play, StartComfort, StopComfort, StopPlayback, Utter
from engine.domain.events import ChannelProgressed, Event
from engine.domain.legs import Attempt, Phase
from engine.domain.stages import Ended, Talking

Lane = Literal["line", "heard", "bridge", "stage"]

_LOOK: dict[Phase, str] = {
    "creating": "made",
    "ready": "made",
    "ordered": "dialling",
    "dialling": "dialling",
    "ringing": "ringing",
    "up": "up",
    "closing": "closing",
}
_ORDERED = frozenset({"dialling", "closing"})  # begin with our order, not with the event of the same step


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """`line`: the attempt's own life, `heard`: what is played to it, `bridge`: what the two legs share, `stage`.

    `last` None: it still lasts.
    """

    lane: Lane
    column: str
    look: str
    first: int
    last: int | None = None


class Spans:
    """Follows the states of one call; `told` at the end."""

    def __init__(self) -> None:
        self._over: list[Span] = []
        self._lasting: dict[tuple[Lane, str], Span] = {}
        self._early: set[str] = set()  # channels whose far end sends early media

    def follow(self, call: Call, event: Event | None, first: int, orders: Mapping[str, int]) -> None:
        """A step whose event is saying number `first`, and whose orders are those of `orders` (see `subject`)."""
        if isinstance(event, ChannelProgressed):
            self._early.add(event.channel)
        wanted = self._wanted(call)
        for key, span in list(self._lasting.items()):
            if key not in wanted or wanted[key] != (span.column, span.look):
                look = wanted[key][1] if key in wanted else ""
                end = orders.get(key[1], first) if key[0] == "heard" or look in _ORDERED else first
                self._over.append(msgspec.structs.replace(span, last=end))
                del self._lasting[key]
        for key, (column, look) in wanted.items():
            if key not in self._lasting:
                begin = orders.get(key[1], first) if key[0] == "heard" or look in _ORDERED else first
                self._lasting[key] = Span(lane=key[0], column=column, look=look, first=begin)

    def told(self) -> tuple[Span, ...]:
        """Every span, those that still last at the end."""
        return (*self._over, *self._lasting.values())

    def _wanted(self, call: Call) -> dict[tuple[Lane, str], tuple[str, str]]:
        """What lasts in this state: (lane, what) -> (column, look)."""
        wanted: dict[tuple[Lane, str], tuple[str, str]] = {}
        if not isinstance(call.stage, Ended):
            wanted["stage", "stage"] = ("stage", stage_name(call))
        shared = self._shared(call)
        if shared is not None:
            wanted["bridge", "bridge"] = shared
        for leg in call.legs.values():
            for attempt in leg.live:
                wanted["line", attempt.channel] = (attempt.channel, self._look(attempt))
        for playback, channel in call.playbacks.items():
            wanted["heard", playback] = (channel, "prompt")
        for channel in call.comforted:
            wanted["heard", f"comfort-{channel}"] = (channel, "comfort")
        return wanted

    def _look(self, attempt: Attempt) -> str:
        look = _LOOK[attempt.phase]
        return "early" if look == "ringing" and attempt.channel in self._early else look

    def _shared(self, call: Call) -> tuple[str, str] | None:
        """What the bridge carries: the talk, or the customer's ringing and early media for the agent."""
        agent = call.agent.up
        if agent is None:
            return None
        if isinstance(call.stage, Talking) and call.customer.up is not None:
            return call.customer.up.channel, "talk"
        sounding = next((a for a in call.customer.live if a.phase == "ringing" and a.joined and agent.joined), None)
        return (sounding.channel, "listen") if sounding is not None else None


def subject(effect: Effect) -> str | None:
    """What an order begins or ends in the picture, by the name `Spans` gives it; None when nothing."""
    match effect:
        case DialChannel(channel=channel) | HangUp(channel=channel):
            return channel
        case Play(playback=playback) | Utter(playback=playback) | StopPlayback(playback=playback):
            return playback
        case StartComfort(channel=channel) | StopComfort(channel=channel):
            return f"comfort-{channel}"
        case _:
            return None
