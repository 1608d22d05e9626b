"""What must hold for every call at every moment, whatever happens to it."""

from collections import Counter
from dataclasses import dataclass, field

from engine.domain.call import Call
from engine.domain.effects import CreateChannel, DialChannel, Effect, HangUp
from engine.domain.legs import Attempt, Leg
from engine.domain.scenario.run import Recording
from engine.domain.stages import (
    Ended,
    Explaining,
    Finishing,
    Offering,
    ReachingAgent,
    ReachingCustomer,
    Scripted,
    Talking,
    Verdict,
)
from engine.domain.values import ChannelId
from tests.domain.asterisk import Asterisk


@dataclass
class Promises:
    """Those that need a memory: what was dialled, and what was decided."""

    dialled: Counter[ChannelId] = field(default_factory=Counter)
    verdict: Verdict | None = None

    def hold(self, call: Call, asterisk: Asterisk) -> None:
        """No channel is dialled twice, a verdict stands, and the customer is called by one way at a time."""
        assert all(count == 1 for count in self.dialled.values()), self.dialled
        assert all(count == 1 for count in asterisk.dials.values()), asterisk.dials
        if isinstance(call.stage, Explaining | Finishing | Ended):
            assert self.verdict in (None, call.stage.verdict), "a verdict changed"
            self.verdict = call.stage.verdict
        else:
            assert self.verdict is None, "a verdict was taken back"
        ways = len([a for a in call.customer.live if a.phase != "closing"])
        assert ways <= 1 or call.request.direction == "internal", "two ways to the customer at once"
        if isinstance(call.stage, Scripted):
            _hold_led(call, call.stage)

    def ordered(self, call: Call, order: Effect) -> None:
        """An order fits what the call is after the step that gave it."""
        match order:
            case CreateChannel(channel=channel):
                assert isinstance(call.stage, ReachingAgent | Offering | ReachingCustomer), "a channel for nobody"
                reached = "customer" if isinstance(call.stage, ReachingCustomer) else "agent"
                assert _attempt(call, channel)[0].role == reached
            case DialChannel(channel=channel):
                self.dialled[channel] += 1
                leg, attempt = _attempt(call, channel)
                if leg.role == "customer":
                    assert attempt.joined, "the customer would not be heard"
                    assert call.agent_up.joined, "the agent would not hear"
            case HangUp(channel=channel):
                assert _attempt(call, channel)[1].phase in ("closing", "ended"), "a party is hung up unawares"
            case _:
                pass


def check_owners(call: Call, asterisk: Asterisk, but: set[str]) -> None:
    """With nothing on its way, Asterisk holds exactly what the call says it owns; `but` these prompts."""
    assert set(asterisk.channels) == {attempt.channel for leg in call.legs.values() for attempt in leg.live}
    recorded = call.stage.recording if isinstance(call.stage, Scripted) else None
    if not isinstance(call.stage, Finishing):  # else what is recorded ends with its channel
        assert set(asterisk.recordings) <= ({recorded.recording} if recorded is not None else set())
    assert set(asterisk.bridges) == ({call.bridge.id} if call.bridge is not None and call.bridge.open else set())
    assert set(asterisk.playbacks) - but == set(call.playbacks)
    if call.request.direction == "internal":  # of several telephones some may ring already: then it gave way to ringing
        assert asterisk.comforted <= set(call.comforted)
    else:
        assert asterisk.comforted == set(call.comforted)


def _attempt(call: Call, channel: ChannelId) -> tuple[Leg, Attempt]:
    found = call.find(channel)
    assert found is not None, "an order for a stranger"
    return found


def check_talk(call: Call, asterisk: Asterisk, unjoined: set[ChannelId]) -> None:
    """With nothing on its way, those who talk are in one bridge, but for whom Asterisk would not let in."""
    agent, customer = call.agent.up, call.customer.up
    if isinstance(call.stage, Talking) and call.bridge is not None and agent is not None and customer is not None:
        apart = {agent.channel, customer.channel} - asterisk.bridges[call.bridge.id] - unjoined
        assert not apart, "somebody who talks is heard by nobody"


def _hold_led(call: Call, stage: Scripted) -> None:
    """A caller in a scenario hears one thing at a time, and is recorded while the scenario records."""
    assert len(call.playbacks) <= 1, "two things are said at once"
    assert stage.recording is None or (call.run is not None and isinstance(call.run.phase, Recording))
    assert not [a for a in call.agent.live if a.phase != "closing"], "somebody is still rung"
    assert call.bridge is None or not call.bridge.open
