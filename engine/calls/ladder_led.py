"""What a scenario says, asks and records, in the words of a call's ladder picture."""

import msgspec

from engine.calls.ladder_saying import Saying
from engine.domain.effects import AskHouse, Effect, PlanReach, Play, StartRecording, StopRecording, Utter
from engine.domain.events import CaughtUp, Event, HouseReplied, ReachPlanned, RecordingEnded
from engine.domain.scenario.talk import Words

LONGEST = 40
"""Of what is said, so much is shown."""


def spoken(prompt: Play | Utter) -> str:
    """What is said, as short as a picture has room for."""
    if isinstance(prompt, Play):
        return prompt.prompt
    said = " ".join(item.text if isinstance(item, Words) else _kind(item) for item in prompt.items)
    return f"“{said if len(said) <= LONGEST else said[: LONGEST - 1] + '…'}”"


def of_order(effect: Effect) -> Saying | None:
    """An order of a scenario; None for any other."""
    match effect:
        case StartRecording(channel=channel, max_s=longest):
            return Saying(kind="order", channel=channel, text=f"record, at most {longest} s")
        case StopRecording():
            return Saying(kind="note", text="stop recording", tone="muted")
        case AskHouse(question=question):
            return Saying(kind="note", text=f"asks: {_kind(question)}", tone="muted")
        case PlanReach(whom=whom):
            return Saying(kind="note", text=f"looks for: {_kind(whom)}", tone="muted")
        case _:
            return None


def of_scenario(event: Event) -> Saying | None:
    """What a scenario is told; None for any other event. Values and numbers that were asked about are not shown."""
    match event:
        case HouseReplied(outcome=outcome):
            return Saying(kind="note", text=f"answer: {outcome}")
        case ReachPlanned(group=None, why_not=why):
            return Saying(kind="note", text=f"nobody to be rung: {why}", tone="warn")
        case ReachPlanned(group=group) if group is not None:
            who = ", ".join(member.agent for member in group.members)
            return Saying(kind="note", text=f"to be rung: {who or 'nobody'}")
        case RecordingEnded(seconds=length, kept=kept):
            text = f"recorded {length:g} s" if kept else "nothing was recorded"
            return Saying(kind="note", text=text, tone="plain" if kept else "warn")
        case CaughtUp():
            return Saying(kind="note", text="the scenario goes on", tone="muted")
        case _:
            return None


def _kind(tagged: msgspec.Struct) -> str:
    """A thing of a scenario by the word its file has for it."""
    return str(tagged.__struct_config__.tag)
