"""How a call is taken down: everything is ordered to end, and again, until nothing of it is left in Asterisk."""

from engine.domain import verdicts
from engine.domain.draft import Draft
from engine.domain.stages import Explaining, Finishing, Verdict

EXPLAIN_S = 15.0
"""No spoken reason is longer."""
CLOSE_S = 5.0
"""Hung-up channels are gone by then, or the order is repeated."""
CLOSE_PUSHES = 3


def give_up(draft: Draft, verdict: Verdict) -> None:
    """Nobody of ours can be had. A caller who waits hears why, before anybody answered: it costs them nothing."""
    waits = next((a for a in draft.call.customer.live if a.came and a.phase == "ringing"), None)
    if waits is None:
        finish(draft, verdict)
        return
    draft.hang_up("agent")
    draft.move(Explaining(verdict=verdict))
    request = draft.call.request
    prompt = verdicts.spoken_to_caller(verdict, for_group=request.group is not None)
    draft.play(waits.channel, prompt, request.caller_language)
    draft.timer("explain", EXPLAIN_S)


def finish(draft: Draft, verdict: Verdict) -> None:
    """Order everything down; whoever called and was not answered is told why by their network."""
    stage = Finishing(verdict=verdict)
    draft.move(stage)
    for leg in draft.call.legs.values():
        draft.hang_up(leg.role, cause=verdicts.told_to_caller(verdict) if draft.call.caller in leg.live else None)
    draft.timer("close", CLOSE_S)
    close_when_empty(draft, stage)


def push(draft: Draft, stage: Finishing) -> None:
    """Once more, for what is still there; in the end it is given up."""
    if stage.pushes < CLOSE_PUSHES:
        draft.push_down()
        draft.change(stage=Finishing(verdict=stage.verdict, pushes=stage.pushes + 1))
        draft.timer("close", CLOSE_S)
    else:  # Asterisk neither hangs up nor says so: whatever it keeps is an orphan, and hung up as such
        bury(draft)
        draft.change(events_missed=True)
        close_when_empty(draft, stage)


def bury(draft: Draft) -> None:
    """Whatever is left is gone; nobody saw how."""
    for leg in draft.call.legs.values():
        for attempt in leg.live:
            draft.set_attempt(leg.role, verdicts.buried(attempt, draft.at))
            draft.forget_channel(attempt.channel)


def close_when_empty(draft: Draft, stage: Finishing) -> None:
    """The call is over with its last channel."""
    if any(leg.live for leg in draft.call.legs.values()):
        return
    draft.close_bridge()
    draft.end(stage.verdict)
