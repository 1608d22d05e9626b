"""Calls led by a scenario, as one tells them: `LedCall({"hello": Play(...)}).hears("Bonjour").caller_hangs_up()`.

Speech goes on until `hears` says that it was heard, questions are answered by `told`, and who can be rung by `planned`.
"""

from collections.abc import Mapping
from functools import reduce
from typing import Any, Self

from engine.domain import machine
from engine.domain.call import Call
from engine.domain.effects import AskHouse, Effect, PlanReach, StartRecording, Utter
from engine.domain.events import DigitPressed, HouseReplied, PlaybackEnded, ReachPlanned, RecordingEnded
from engine.domain.request import ConnectRequest, GroupCall, Member, ScenarioCall
from engine.domain.scenario.graph import (
    AnyNode,
    Hangup,
    Menu,
    NodeName,
    Notify,
    Play,
    Ring,
    Value,
    Voicemail,
)
from engine.domain.stages import Scripted
from engine.domain.values import Slug
from tests.domain.calls import CAME, Scene, asked_by_customer, moment, routes_to
from tests.domain.scenario.caller import heard, of, say

END = NodeName("end")
BYE = Hangup(prompt=say("Au revoir"))
MORE = NodeName("more")
TOLD = NodeName("told")
SALES = Slug("sales")
HELLO = Play(prompt=say("Bonjour"), next=NodeName("menu"))
MENU = Menu(prompt=say("Tapez un"), keys={"1": NodeName("ring")}, on={"no_input": END, "no_match": END})
RING = Ring(agents=(Slug("m1"),), max_s=60, on={"not_taken": END})
RING_AND_AFTER = Ring(agents=(Slug("m1"),), max_s=60, on={"not_taken": END, "after": MORE})
SURVEY = Menu(prompt=say("Satisfait ?"), keys={"1": END}, on={"no_input": END, "no_match": END})
NOTIFY = Notify(event="call.gone", next=END)
MESSAGE = Voicemail(mailbox=SALES, prompt=say("Parlez"), next=END, on={"empty": END})


def asked_of_scenario(**changes: Any) -> ConnectRequest:
    """A customer calls a number that leads to a scenario."""
    nobody = {"agent": None, "agent_name": None, "agent_number": "", "mode": None, "confirm": False}
    led = ScenarioCall(
        name=Slug("main"),
        version="1",
        application=Slug("reception"),
        longest_s=1800,
        facts={"caller": "+33140000002", "called": "+33140000001", "day": "2026-11-20", "redirected_from": ""},
    )
    return asked_by_customer(**{**nobody, "agent_routes": (), "scenario": led, **changes})


def plan(number: int, *members: Member, at: float = 0.0, **fields: Any) -> ReachPlanned:
    """These can be rung, each by one telephone or trunk."""
    routes = tuple(route for one in members for route in routes_to(one))
    group = GroupCall(id=fields.pop("id", None), strategy=fields.pop("strategy", "ring_all"), members=members)
    return ReachPlanned(at=moment(at), number=number, group=group, routes=routes, **fields)


class LedCall(Scene):
    """A call that a scenario of these nodes leads, the first of which begins."""

    def __init__(self, nodes: Mapping[str, AnyNode], *, request: ConnectRequest | None = None, **fields: Any) -> None:
        scenes = {name: fields.pop(name) for name in ("stubborn", "full", "stuck", "busy") if name in fields}
        every = {"end": BYE, **nodes} if "end" not in nodes else nodes
        first = next(iter(nodes))
        program = of({first: nodes[first], **every}, **fields)
        self._known: Call | None = None  # when the scenario was forgotten
        super().__init__(request or asked_of_scenario(), program=program, **scenes)

    # -- what happens ------------------------------------------------------------------------------------------------

    def hears(self, *words: str) -> Self:
        """What is being said now, to its end."""
        assert self.said == list(words)
        return self.speech_ends()

    def speech_ends(self, *, heard: bool = True) -> Self:
        assert self.led.playback is not None
        return self.tell(PlaybackEnded(at=self.at, playback=self.led.playback, heard=heard))

    def types(self, keys: str) -> Self:
        for key in keys:
            self.tell(DigitPressed(at=self.at, channel=CAME, digit=key))
        return self

    def told(self, outcome: str, **values: Value) -> Self:
        """The answer to the last question."""
        return self.tell(HouseReplied(at=self.at, number=self.last(AskHouse).number, outcome=outcome, values=values))

    def planned(self, *members: Member, **fields: Any) -> Self:
        """Whom the scenario wants to reach can be rung like that."""
        return self.tell(plan(self.last(PlanReach).number, *members, at=self.now, **fields))

    def nobody_planned(self, why: str) -> Self:
        return self.tell(ReachPlanned(at=self.at, number=self.last(PlanReach).number, why_not=why))

    def recorded(self, seconds: float, *, kept: bool = True) -> Self:
        name = self.last(StartRecording).recording
        return self.tell(RecordingEnded(at=self.at, recording=name, seconds=seconds, kept=kept))

    def caller_hangs_up(self) -> Self:
        return self.customer_hangs_up()

    def forgets_the_scenario(self) -> Self:
        """From here on the engine has it no more."""
        self.program, self._known = None, self.call
        self._since = len(self.events)
        return self

    def picks_up(self, attempt: int = 0) -> Self:
        """Somebody who was rung for the caller."""
        return self.agent_rings(attempt).after(3).agent_answers(attempt)

    def _folded(self) -> Call:
        if self._known is None:
            return super()._folded()
        return reduce(lambda call, event: machine.step(call, event).call, self.events[self._since :], self._known)

    # -- what is so --------------------------------------------------------------------------------------------------

    @property
    def led(self) -> Scripted:
        assert isinstance(self.call.stage, Scripted), self.call.stage
        return self.call.stage

    @property
    def said(self) -> list[str]:
        """What is being said now."""
        utters = {o.playback: o for o in self.orders if isinstance(o, Utter)}
        return [heard(item) for p, o in utters.items() if p in self.call.playbacks for item in o.items]

    @property
    def way(self) -> list[str]:
        assert self.call.run is not None
        return [f"{visit.node}={visit.outcome or ''}" for visit in self.call.run.path]

    def last(self, kind: type[Any]) -> Any:
        found = [order for order in self.orders if isinstance(order, kind)]
        assert found, f"no {kind.__name__} was ordered"
        return found[-1]

    def ordered(self, kind: type[Effect]) -> list[Effect]:
        return [order for order in self.orders if isinstance(order, kind)]
