"""A call for a group: its members are rung, all at once or one after another, and the first who takes it has it.

Whoever picks up a telephone has taken it; at a mobile, once they pressed 1. Nobody is rung unless they are free at that
moment (`ChooseMember`): those who are not are asked for again while nobody else can be rung. The others stop ringing
with the cause that makes a telephone say that it was answered elsewhere.
"""

import msgspec

from engine.domain import closing, scripted, verdicts
from engine.domain.causes import TRUNK_FAILURES
from engine.domain.draft import Draft
from engine.domain.events import MemberChosen, ReachPlanned
from engine.domain.legs import Attempt
from engine.domain.request import GroupCall, Member
from engine.domain.scenario import graph
from engine.domain.scenario.run import Reaching
from engine.domain.stages import Offering, Scripted
from engine.domain.values import ChannelId, Slug

PRESS = "press-"
PRESS_TRIES = 3
PRESS_PAUSE_S = 1.2
"""As when an application asks for the call (`connect.CONFIRM_PAUSE_S`)."""
PRESS_S = 10.0
"""No prompt is longer."""
AGAIN_S = 2.0
"""Between asking and asking again for members who were busy."""


def begin(draft: Draft) -> None:
    """All members are asked for, or the first."""
    draft.timer("ring-agent", draft.call.request.ring_agent_s)
    _go_on(draft)


def on_planned(draft: Draft, event: ReachPlanned) -> None:
    """A scenario wants somebody for its caller, and it is known who can be rung. What the caller hears goes on."""
    run = draft.call.run
    if run is None or not isinstance(run.phase, Reaching) or run.phase.number != event.number:
        return
    if not isinstance(draft.call.stage, Scripted):
        return  # told twice
    if event.group is None:
        scripted.back(draft, "error")
        return
    leg, request = draft.call.agent, draft.call.request
    draft.set_leg(msgspec.structs.replace(leg, routes=event.routes, offered=True))
    draft.change(
        request=msgspec.structs.replace(request, group=event.group, ring_agent_s=event.ring_s),
        credit_s=event.max_talk_s,
        stage=Offering(since=len(leg.attempts)),
    )
    begin(draft)


def on_chosen(draft: Draft, event: MemberChosen) -> None:
    """Whether a member is free: they are rung, or left for later."""
    stage, who = draft.call.stage, event.member
    if not isinstance(stage, Offering) or who not in stage.sought:
        return
    _change(draft, sought=tuple(m for m in stage.sought if m != who))
    routes = [route for route in draft.call.agent.routes if route.agent == who and route.trunk == event.trunk]
    if not event.free:
        _change(draft, busy=(*stage.busy, who))
    elif routes:
        for route in routes:
            draft.attempt("agent", route)
    else:  # a mobile, and no trunk
        _pass_over(draft, who)
    _go_on(draft)


def on_answer(draft: Draft, attempt: Attempt) -> bool:
    """Somebody picked up; whether the call is theirs now."""
    if _owner(draft, attempt).confirm or attempt.route.answers_early:
        _ask_for_key(draft, attempt)
        return False
    _take(draft, attempt)
    return True


def on_key(draft: Draft, channel: ChannelId) -> bool:
    """Somebody pressed 1; whether the call is theirs now."""
    attempt = _listening(draft, channel)
    if attempt is not None:
        _take(draft, attempt)
    return attempt is not None


def on_prompt_end(draft: Draft, channel: ChannelId) -> None:
    """ "Press 1" is over: time to find the key."""
    if _listening(draft, channel) is not None:
        draft.timer(_press(channel), PRESS_PAUSE_S)


def on_end(draft: Draft, attempt: Attempt) -> None:
    """A member's channel is gone: by another trunk they are tried again, unless they were called."""
    if attempt not in draft.call.agent.attempts[_stage(draft).since :]:
        return  # of an earlier offer
    who, times = _owner(draft, attempt).agent, attempt.times
    called = times.rang is not None or times.answered is not None
    more = any(route.agent == who for route in draft.call.agent.routes)
    if more and not called and attempt.failure in TRUNK_FAILURES:
        _ask_for(draft, (who,))
    else:
        _pass_over(draft, who)
        _go_on(draft)


def on_timer(draft: Draft, timer: str) -> None:
    """`ring-agent`: who is rung now has had their time. `again`: the busy ones are asked for. Else: press 1."""
    if timer == "ring-agent":
        for attempt in _rung(draft):
            if attempt.phase != "up" or attempt.route.answers_early:
                _give_up(draft, attempt)
        _go_on(draft)
    elif timer == "again":
        busy = _stage(draft).busy
        _change(draft, busy=())
        _ask_for(draft, busy)
    else:
        _press_again(draft, ChannelId(timer.removeprefix(PRESS)))


# -- who is next -------------------------------------------------------------------------------------------------------


def _go_on(draft: Draft) -> None:
    """Unless somebody is rung or asked for: the next member, or the busy ones again while there is time, or the end."""
    stage = _stage(draft)
    if stage.sought or any(attempt.phase != "closing" for attempt in draft.call.agent.live):
        return
    following = _next(draft)
    if following:
        _ask_for(draft, following)
    elif stage.busy and "ring-agent" in draft.call.timers:
        draft.timer("again", AGAIN_S)
    elif draft.call.run is not None:
        scripted.back(draft, _outcome(draft))
    else:
        closing.give_up(draft, verdicts.nobody_took_it(draft.call.agent, _group(draft), busy=bool(stage.busy)))


def _outcome(draft: Draft) -> graph.Outcome:
    """Why nobody took it, in a scenario's words."""
    if not _group(draft).members:
        return "nobody"
    tried = draft.call.agent.attempts[_stage(draft).since :]
    return "busy" if all(attempt.failure == "busy" for attempt in tried) else "not_taken"


def _rung(draft: Draft) -> tuple[Attempt, ...]:
    """The living attempts of this offer."""
    return tuple(attempt for attempt in draft.call.agent.attempts[_stage(draft).since :] if attempt.live)


def _next(draft: Draft) -> tuple[Slug, ...]:
    """Members not rung yet, in the group's order, without those who were busy: all of them, or one."""
    left = {route.agent for route in draft.call.agent.routes}.difference(_stage(draft).busy)
    waiting = tuple(member.agent for member in _group(draft).members if member.agent in left)
    return waiting if _group(draft).strategy == "ring_all" else waiting[:1]


def _ask_for(draft: Draft, members: tuple[Slug, ...]) -> None:
    _change(draft, sought=(*_stage(draft).sought, *members))
    for member in members:
        draft.ask_for(member)


def _pass_over(draft: Draft, member: Slug) -> None:
    """They are not rung any more."""
    leg = draft.call.agent
    draft.set_leg(msgspec.structs.replace(leg, routes=tuple(r for r in leg.routes if r.agent != member)))


def _give_up(draft: Draft, attempt: Attempt) -> None:
    """A member had their time."""
    _pass_over(draft, _owner(draft, attempt).agent)
    if attempt.phase != "closing":
        draft.hang_up_attempt("agent", attempt)


# -- who takes it ------------------------------------------------------------------------------------------------------


def _take(draft: Draft, attempt: Attempt) -> None:
    """The call is this member's: it bears their name from now on, and the others stop ringing."""
    draft.only("agent", attempt)
    member, request = _owner(draft, attempt), draft.call.request
    leg = msgspec.structs.replace(draft.call.agent, number=member.number, routes=(), taken=attempt.channel)
    draft.set_leg(leg)
    draft.change(
        request=msgspec.structs.replace(
            request,
            agent=None if member.outside else member.agent,
            agent_name=None if member.outside else member.name,
            agent_number=member.number,
            mode=member.mode,
            language=member.language,
        )
    )


def _listening(draft: Draft, channel: ChannelId) -> Attempt | None:
    """The attempt whose listener is asked to press 1."""
    attempt = draft.call.agent.find(channel)
    return attempt if attempt is not None and attempt.phase == "up" else None


def _ask_for_key(draft: Draft, attempt: Attempt) -> None:
    asked, channel = _stage(draft).asked, attempt.channel
    _change(draft, asked={**asked, channel: asked.get(channel, 0) + 1})
    draft.play(channel, "press-one", _owner(draft, attempt).language)
    draft.timer(_press(channel), PRESS_S)  # should the prompt's end never be told


def _press_again(draft: Draft, channel: ChannelId) -> None:
    """No key: once more, or it is nobody. A trunk that answers early is asked until the ring limit."""
    attempt = _listening(draft, channel)
    if attempt is None:
        return
    if attempt.route.answers_early or _stage(draft).asked[channel] < PRESS_TRIES:
        _ask_for_key(draft, attempt)
    else:
        _give_up(draft, attempt)
        _go_on(draft)


def _press(channel: ChannelId) -> str:
    """The timer's name."""
    return f"{PRESS}{channel}"


# -- what is true in a call for a group --------------------------------------------------------------------------------


def _change(draft: Draft, **fields: object) -> None:
    draft.change(stage=msgspec.structs.replace(draft.call.stage, **fields))


def _owner(draft: Draft, attempt: Attempt) -> Member:
    """Whose telephone or mobile it is."""
    return next(member for member in _group(draft).members if member.agent == attempt.route.agent)


def _group(draft: Draft) -> GroupCall:
    """ValueError in a call for none: it must not ask."""
    (group,) = (found for found in (draft.call.request.group,) if found is not None)
    return group


def _stage(draft: Draft) -> Offering:
    """ValueError in another stage: it must not ask."""
    (stage,) = (found for found in (draft.call.stage,) if isinstance(found, Offering))
    return stage
