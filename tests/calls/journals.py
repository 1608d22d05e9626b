"""Journals of whole calls, for the tests that read journals: told here, or recorded from a real Asterisk.

`journals/real-*.jsonl` were written by an engine beside a real Asterisk (`engine call show --lines`); the others are
those of `TALES`. `python -m tests.calls.journals` writes all of them anew, after a change of the machine that is meant:
the events stay, what the machine makes of them is today's.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from engine.calls import recording
from engine.domain import ids, machine
from engine.domain.call import MACHINE_VERSION, Call
from engine.domain.effects import Effect
from engine.domain.events import CallRequested, ChannelEnded, EngineRestarted, Event
from engine.domain.scenario.graph import AnyNode, Hours, NodeName, Program, Ring
from engine.domain.values import CallId, Slug
from engine.journal import StepRow
from tests.domain.calls import CALL, Scene, asked, asked_sip, member, moment
from tests.domain.led_calls import BYE, MENU, MESSAGE, SURVEY, LedCall, asked_of_scenario
from tests.domain.scenario.caller import of

FOLDER = Path(__file__).with_name("journals")
ASTERISK_S = 0.011  # an Asterisk beside the engine answers an order within some ten milliseconds


NODES: dict[str, AnyNode] = {
    "hours": Hours(calendar=Slug("office"), next=NodeName("menu"), on={"closed": NodeName("message")}),
    "menu": MENU,
    "ring": Ring(agents=(Slug("m1"),), max_s=60, on={"not_taken": NodeName("message"), "after": NodeName("more")}),
    "more": SURVEY,
    "message": MESSAGE,
    "end": BYE,
}
RECEPTION = msgspec.structs.replace(of(NODES), version=64 * "5")


class Unhurried(Scene):
    """A scene whose Asterisk takes a moment for each order, as the real one does."""

    def _answer(self, order: Effect) -> Event | None:
        self.now = round(self.now + ASTERISK_S, 3)
        return super()._answer(order)

    def owned_again(self) -> "Unhurried":
        """The engine is back, and nothing happened meanwhile."""
        return self.tell(EngineRestarted(at=self.at))


class UnhurriedCaller(LedCall, Unhurried):
    """The same, in the scenario."""

    def __init__(self) -> None:
        request = asked_of_scenario()
        assert request.scenario is not None
        led = msgspec.structs.replace(request.scenario, version=RECEPTION.version)
        super().__init__(NODES, request=asked_of_scenario(scenario=led))


def rows(scene: Scene) -> list[StepRow]:
    """The journal an engine would have written of this scene."""
    return written(scene.call.id, list(enumerate(scene.events, start=1)))


def program_of(version: str) -> Program | None:
    """The scenario of every tale of a caller in one."""
    return RECEPTION if version == RECEPTION.version else None


def written(call_id: CallId, events: list[tuple[int, Event]]) -> list[StepRow]:
    """The journal of these events, each with its number."""
    (seq, first), *rest = events
    assert isinstance(first, CallRequested)
    program = program_of(first.request.scenario.version) if first.request.scenario is not None else None
    call, effects = machine.begin(call_id, first, program)
    steps = [_row(seq, first, effects, call)]
    for seq, event in rest:
        call, effects = machine.step(call, event, program)
        steps.append(_row(seq, event, effects, call))
    return steps


def _row(seq: int, event: Event, effects: tuple[Effect, ...], call: Call) -> StepRow:
    return StepRow(
        call_id=call.id,
        seq=seq,
        at=event.at.utc,
        event=msgspec.json.encode(event),
        effects=msgspec.json.encode(effects),
        state=msgspec.json.encode(call),
        machine_version=MACHINE_VERSION,
        closed=call.closed,
    )


def _to_customer(**changes: Any) -> Scene:
    scene = Unhurried(**changes).after(0.3).agent_rings().after(5.2).agent_answers()
    return scene.after(3.1).presses("1").after(2.4).prompt_ends()


def answered() -> Scene:
    scene = _to_customer().after(0.6).customer_rings().after(0.9).customer_announces().after(7.3).customer_answers()
    return scene.after(63.2).customer_hangs_up()


def busy() -> Scene:
    return _to_customer().after(1.2).customer_is_busy().after(2.8).prompt_ends()


def failover() -> Scene:
    """The first trunk is full, by its own account; the second carries the call."""
    scene = _to_customer().after(0.2).customer_ends(34, 503).after(0.7).customer_rings().after(4).customer_answers()
    return scene.after(31).agent_hangs_up()


def both_trunks_refuse() -> Scene:
    return _to_customer().after(0.2).customer_ends(34, 503).after(0.3).customer_ends(44, 503).after(3).prompt_ends()


def voicemail() -> Scene:
    """The agent's mobile is answered by a machine: nobody presses 1."""
    scene = Unhurried().after(0.3).agent_rings().after(12).agent_answers()
    for _ in range(3):
        scene = scene.after(3.5).prompt_ends().after(1.9)
    return scene


def three_phones() -> Scene:
    """The second of three phones answers; the third declined before."""
    scene = Unhurried(asked_sip(3)).after(0.1).agent_rings(1).agent_rings(2).agent_rings(3).after(2.2)
    scene = scene.agent_declines(3).after(1.4).agent_answers(2).after(2.4).prompt_ends()
    return scene.after(0.8).customer_announces().after(6).customer_answers().after(140).finish_ordered()


def restart() -> Scene:
    """The engine dies while the customer rings, and comes back when they already talk; an end is learnt from CEL."""
    scene = _to_customer().after(0.6).customer_rings().after(2)
    assert isinstance(scene, Unhurried)
    scene = scene.after(4.1).owned_again()
    scene = scene.after(0.03).customer_answers().after(12.5).owned_again()
    ended = ChannelEnded(at=moment(scene.now - 3.2), channel=ids.channel_id(CALL, "customer", 1), cause=16)
    return scene.tell(ended)


def asterisk_lost() -> Scene:
    return _to_customer().after(0.6).customer_rings().after(2).asterisk_dies()


def nobody() -> Scene:
    """The agent's mobile rings out."""
    return Unhurried(asked(agent_routes=asked().agent_routes[:1])).after(0.4).agent_rings().timer("ring-agent")


def cancelled() -> Scene:
    """The application orders the end while the customer rings, with the disposition in the same order."""
    return _to_customer().after(0.6).customer_rings().after(2).finish_ordered().after(1).disposed("wrong-number")


def _in_menu() -> UnhurriedCaller:
    return UnhurriedCaller().after(0.01).told("open")


def led_to_an_agent() -> Scene:
    """Two keys and a mobile later they talk, and the caller says how it was."""
    scene = _in_menu().after(1.4).types("9").after(3.8).types("1").after(0.02).planned(member("m1", mobile=True))
    scene = scene.after(2).agent_rings().after(4).agent_answers().after(1.7).presses("1").after(41).agent_hangs_up()
    return scene.hears("Satisfait ?").after(2).types("1").after(1).hears("Au revoir")


def led_to_a_mailbox() -> Scene:
    """Closed: the caller leaves a message, and hangs up in the middle of a word."""
    scene = UnhurriedCaller().after(0.01).told("closed").after(2.5).hears("Parlez").after(11).caller_hangs_up()
    return scene.recorded(10.6).after(0.1).told("left")


def led_through_a_restart() -> Scene:
    """The engine dies in the menu. It is said again; nobody is there, and nothing was left."""
    scene = _in_menu().after(1.1).engine_restarts().after(2.5).types("1").after(0.03).planned()
    return scene.after(2.5).hears("Parlez").after(1).recorded(0.4).after(1).hears("Au revoir")


TALES: dict[str, Callable[[], Scene]] = {
    tale.__name__.replace("_", "-"): tale
    for tale in (
        answered,
        busy,
        failover,
        both_trunks_refuse,
        voicemail,
        three_phones,
        restart,
        asterisk_lost,
        nobody,
        cancelled,
        led_to_an_agent,
        led_to_a_mailbox,
        led_through_a_restart,
    )
}


def recorded() -> list[Path]:
    """Every journal that is kept."""
    return sorted(FOLDER.glob("*.jsonl"))


def read(path: Path) -> list[StepRow]:
    return recording.from_lines(path.read_bytes(), path.name)


def again(path: Path) -> list[StepRow]:
    """A recorded journal as today's machine writes it; raises AssertionError when it cannot read an event."""
    steps = [recording.read(row) for row in read(path)]
    events = [(step.row.seq, step.event) for step in steps if step.event is not None]
    assert len(steps) == len(events), f"{path.name}: {[fault for step in steps for fault in step.faults]}"
    return written(CallId(steps[0].row.call_id), events)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("real-*.jsonl"):
        path.write_bytes(recording.to_lines(again(path)))
    for name, tale in TALES.items():
        (FOLDER / f"{name}.jsonl").write_bytes(recording.to_lines(rows(tale())))


if __name__ == "__main__":
    main()
