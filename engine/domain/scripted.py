"""A caller in a scenario: what the interpreter orders becomes the call's own, what happens to the call is told to it.

    Scripted ─▶ Offering ─▶ ReachingCustomer ─▶ Talking        somebody is reached, and they talk
        ▲           │                              │
        └───────────┴──────────────────────────────┘           nobody took it; or they talked, and the caller goes on

The interpreter (`engine.domain.scenario`) knows no channel; this module knows no node.
"""

from functools import partial

import msgspec

from engine.domain import closing, ids
from engine.domain.cdr import HangupBy
from engine.domain.draft import Draft
from engine.domain.effects import AskHouse, PlanReach, StartRecording, StopRecording
from engine.domain.events import (
    CaughtUp,
    DigitPressed,
    Event,
    HouseReplied,
    PlaybackEnded,
    RecordingEnded,
)
from engine.domain.legs import Attempt
from engine.domain.scenario import graph, interpreter, talk
from engine.domain.scenario.graph import Value, Variable
from engine.domain.scenario.outcomes import edge
from engine.domain.scenario.run import Reaching, Recording, Run
from engine.domain.stages import Offering, ReachingCustomer, Scripted, Verdict
from engine.domain.values import ChannelId
from engine.domain.verdicts import NO_PROGRAM, of_run

TIMER = "run-"
"""The interpreter's timers bear this before their names."""
REACH = "reach"
"""The time in which somebody must be reached."""


def begin(draft: Draft) -> None:
    """The caller enters the scenario; what they hear first answers them."""
    program, request = draft.program, draft.call.request
    if program is None or request.scenario is None:
        _lose(draft)
        return
    facts: dict[Variable, Value] = {Variable(name): value for name, value in request.scenario.facts.items()}
    step = interpreter.begin(program, draft.at, language=request.language, facts=facts)
    _follow(draft, step)


def tell(draft: Draft, told: talk.AnyTold) -> None:
    """Something happened that the scenario must know of."""
    run = draft.call.run
    if draft.program is None or run is None:
        _lose(draft)
        return
    _follow(draft, interpreter.step(draft.program, run, told))


def answered(draft: Draft) -> None:
    """The caller is."""
    tell(draft, talk.Taken(at=draft.at))


def on_event(draft: Draft, event: Event) -> None:
    """What happened to the call, in the scenario's words."""
    stage, at = draft.call.stage, draft.at
    if not isinstance(stage, Scripted):
        return
    match event:
        case DigitPressed(channel=channel, digit=digit) if _is_caller(draft, channel):
            tell(draft, talk.KeyPressed(at=at, key=digit))
        case PlaybackEnded(playback=playback, heard=heard) if playback == stage.playback:
            _change(draft, playback=None)
            if not stage.stale:  # else it may never have been heard, and is said again
                tell(draft, talk.SpeechOver(at=at, number=stage.speech, heard=heard))
        case RecordingEnded(recording=name, seconds=seconds, kept=kept) if (
            stage.recording is not None and name == stage.recording.recording
        ):
            _change(draft, recording=None)
            tell(draft, talk.Recorded(at=at, number=stage.taking, seconds=seconds, ok=kept))
        case CaughtUp() if stage.stale:
            _change(draft, stale=False)
            tell(draft, talk.Resumed(at=at))
        case HouseReplied(number=number, outcome=outcome, values=values):
            tell(draft, talk.Replied(at=at, number=number, outcome=outcome, values=values))
        case _:
            pass


def on_timer(draft: Draft, timer: str) -> None:
    """The time to reach somebody is over, or one of the interpreter's own."""
    if timer == REACH:
        back(draft, "not_taken")
    else:
        tell(draft, talk.TimeUp(at=draft.at, timer=timer.removeprefix(TIMER)))


def restarted(draft: Draft) -> None:
    """The engine was restarted: what was said may not have been heard, what was asked not answered (`CaughtUp`)."""
    if isinstance(draft.call.stage, Scripted):
        _change(draft, stale=True)


def caller_left(draft: Draft) -> None:
    """The caller hung up, in the scenario or while somebody was rung for them."""
    if not isinstance(draft.call.stage, Scripted):
        _come_back(draft)
    tell(draft, talk.CallerLeft(at=draft.at))


def is_led(draft: Draft) -> bool:
    """Whether a caller who was answered is led by a scenario now, or waits for whom it looks for."""
    led = isinstance(draft.call.stage, Scripted | Offering | ReachingCustomer)
    return led and draft.call.run is not None and not draft.call.run.gone and draft.call.customer.up is not None


def end_ordered(draft: Draft, by: HangupBy, rule: str | None) -> None:
    """As if the caller had hung up: the message they are leaving is kept, and the scenario's `on_hangup` is gone."""
    if not isinstance(draft.call.stage, Scripted):
        _come_back(draft)
    draft.hang_up("customer")
    _change(draft, ended_by=by, end_rule=rule)
    tell(draft, talk.CallerLeft(at=draft.at))


def back(draft: Draft, outcome: graph.Outcome) -> None:
    """Nobody took the call, or the agent has hung up: the scenario goes on with its caller."""
    number = _reaching(draft)
    _come_back(draft)
    tell(draft, talk.Reached(at=draft.at, number=number, outcome=outcome))


def comes_back(draft: Draft) -> bool:
    """Whether the caller goes on in the scenario when the agent has hung up."""
    run, program = draft.call.run, draft.program
    if run is None or program is None or not draft.call.customer.up:
        return False
    return edge(program.scenarios[run.scenario].nodes[run.node], "after") is not None


def talked(draft: Draft) -> None:
    """The conversation is over, and with it the call: the scenario has its last word in the record."""
    run, program = draft.call.run, draft.program
    if run is not None and program is not None and isinstance(run.phase, Reaching):
        told = talk.Reached(at=draft.at, number=run.phase.number, outcome="talked")
        draft.change(run=interpreter.step(program, run, told).run)


def _lose(draft: Draft) -> None:
    """The scenario this call began with is not to be had any more."""
    talked = draft.call.bridged is not None
    closing.finish(draft, msgspec.structs.replace(NO_PROGRAM, outcome="answered") if talked else NO_PROGRAM)


# -- orders ------------------------------------------------------------------------------------------------------------


def _follow(draft: Draft, step: interpreter.Step) -> None:
    draft.change(run=step.run)
    for order in step.orders:
        _carry_out(draft, step.run, order)
    if not isinstance(step.run.phase, Recording):
        _end_recording(draft)


def _carry_out(draft: Draft, run: Run, order: talk.AnyOrder) -> None:
    match order:
        case talk.Wait(timer=timer, seconds=seconds):
            draft.timer(TIMER + timer, seconds)
        case talk.StopWaiting(timer=timer):
            draft.cancel(TIMER + timer)
        case talk.Ask(number=number, question=question):
            draft.effects.append(AskHouse(number=number, question=question))
        case talk.Mask():
            pass  # no call is recorded yet (feature G10): there is nothing to mute
        case talk.Leave(reason=reason):
            closing.finish(draft, _verdict(draft, run, reason))
        case _:
            caller = draft.call.customer.up or draft.call.caller
            if caller is not None:  # else they are gone, and hear nothing
                _to_caller(draft, caller, order)


def _verdict(draft: Draft, run: Run, reason: graph.Reason) -> Verdict:
    verdict, stage = of_run(run, bridged=draft.call.bridged is not None, reason=reason), draft.call.stage
    if not isinstance(stage, Scripted) or stage.ended_by is None:
        return verdict
    return msgspec.structs.replace(verdict, hangup_by=stage.ended_by, rule=stage.end_rule)


def _to_caller(draft: Draft, caller: Attempt, order: talk.AnyOrder) -> None:
    stage = draft.call.stage
    change = partial(_change, draft)
    match order:
        case talk.TakeCall():
            draft.answer(caller)
        case talk.Speak(number=number, items=items, language=language):
            change(playback=draft.utter(caller.channel, items, language), speech=number)
        case talk.Hush() if isinstance(stage, Scripted) and stage.playback is not None:
            draft.hush(stage.playback)
            change(playback=None)
        case talk.Take(number=number, max_s=longest, silence_s=silence, beep=beep):
            name = ids.recording_id(draft.call.id, number)
            recording = StartRecording(
                recording=name, channel=caller.channel, max_s=longest, silence_s=silence, beep=beep
            )
            _end_recording(draft)
            draft.effects.append(recording)
            change(recording=recording, taking=number, stopping=False)
        case talk.StopTaking() if isinstance(stage, Scripted) and stage.recording is not None:
            draft.effects.append(StopRecording(recording=stage.recording.recording))
            change(stopping=True)
        case talk.Reach():
            _reach(draft, caller, order)
        case _:
            pass  # to be hushed: it is over already


def _end_recording(draft: Draft) -> None:
    """One whose end was never told: nobody is recorded any longer than the scenario listens."""
    stage = draft.call.stage
    if isinstance(stage, Scripted) and stage.recording is not None:
        draft.effects.append(StopRecording(recording=stage.recording.recording))
        _change(draft, recording=None)


def _reach(draft: Draft, caller: Attempt, order: talk.Reach) -> None:
    """Look for somebody. Who is answered hears music or a tone meanwhile, who is not hears it ring."""
    if caller.phase != "up":
        draft.ring(caller)
    elif caller.channel not in draft.call.comforted:  # else it is ordered again after a restart
        draft.change(request=msgspec.structs.replace(draft.call.request, notice=order.comfort))
        draft.comfort(caller.channel)
    draft.timer(REACH, order.max_s)
    draft.effects.append(PlanReach(number=order.number, whom=order.whom))


def _come_back(draft: Draft) -> None:
    """From whoever was rung, or talked: they are gone, the caller is here."""
    draft.hang_up("agent")
    draft.close_bridge()
    draft.move(Scripted())


def _change(draft: Draft, **fields: object) -> None:
    draft.change(stage=msgspec.structs.replace(draft.call.stage, **fields))


def _reaching(draft: Draft) -> int:
    """The number of what the scenario waits for; 0 when it waits for nobody."""
    run = draft.call.run
    return run.phase.number if run is not None and isinstance(run.phase, Reaching) else 0


def _is_caller(draft: Draft, channel: ChannelId) -> bool:
    return draft.call.customer.find(channel) is not None
