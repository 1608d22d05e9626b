"""A call's journal, as the API gives it, in plain words: one sentence for each step a person would notice."""

from collections.abc import Iterator
from typing import Any

from engine.sounds.texts import text_of

Step = dict[str, Any]  # one item of GET /v1/calls/{id}/events


class Narrator:
    """Tells the steps of one call, in order; a fact that Asterisk reports twice is told once."""

    def __init__(self, agent: str, customer: str) -> None:
        self._names = {"a": agent, "c": customer}
        self._comforted = False
        self._told: set[tuple[str, str]] = set()

    def sentences(self, step: Step) -> Iterator[str]:
        """What happened in this step, then what the engine ordered because of it."""
        event = step["event"]
        known = (event["type"], event.get("channel", ""))
        if known not in self._told:
            if said := self._fact(event, step["stage"]):
                yield said
            if event["type"] != "DigitPressed":
                self._told.add(known)
        for effect in step["effects"]:
            if said := self._order(effect):
                yield said

    def _fact(self, event: Step, stage: str) -> str | None:
        who, agent = self._names.get(_role(event), ""), self._names["a"]
        said = {
            "CallRequested": "the request is accepted and journalled: 202",
            "ChannelRinging": f"{who}'s phone rings",
            "ChannelProgressed": f"{who}'s network sends early media, which {agent} hears",
            "ChannelAnswered": f"{who} answers" + (": they talk" if stage == "talking" else ""),
            "DigitPressed": f"{who} presses {event.get('digit')}",
            "ChannelEnded": f"{who}'s leg is down: {_why(event)}",
            "EngineRestarted": "the new engine finds the call in its journal",
        }
        return said.get(event["type"])

    def _order(self, effect: Step) -> str | None:
        who = self._names.get(_role(effect), "")
        match effect["type"]:
            case "CreateChannel":
                number, _, trunk = effect["endpoint"].removeprefix("PJSIP/").partition("@")
                return f"the engine calls {who}: {number} through {trunk}, showing {effect['caller_id'] or 'no number'}"
            case "Play":
                return f"{who} hears: “{text_of(effect['prompt'], effect['language'])}”"
            case "StartComfort" if not self._comforted:
                self._comforted = True
                return f"{who} hears {'music' if effect['comfort'] == 'music' else 'a soft tone'} until something rings"
            case "HangUp":
                return f"the engine hangs up {who}'s leg"
            case _:
                return None


def _role(item: Step) -> str:
    """`a` or `c`: channel ids end in -a0001, -c0001."""
    return str(item.get("channel", "")).rpartition("-")[2][:1]


def _why(event: Step) -> str:
    code = f", SIP {event['sip_code']}" if event.get("sip_code") else ""
    return f"Q.850 cause {event.get('cause')}{code}"
