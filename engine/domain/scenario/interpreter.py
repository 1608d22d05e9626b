"""`begin` and `step`: a caller's way through a scenario, pure.

For each fact: what it means in the phase the run is in, then, where the node is done, the way to the next. What is not
waited for changes nothing. Whatever a caller does, says or does not do, the run ends: inputs are asked for a few times,
questions have a time, and nodes, visits and seconds are counted (`graph.Limits`).
"""

from typing import NamedTuple

from engine.domain.directory import Language
from engine.domain.moment import Moment
from engine.domain.scenario import entering, graph, listening, secrets, way
from engine.domain.scenario.graph import Outcome, Program, Value, Variable
from engine.domain.scenario.run import (
    Announcing,
    Answering,
    Asking,
    Listening,
    Reaching,
    Recording,
    Run,
    Telling,
)
from engine.domain.scenario.talk import (
    AnyOrder,
    AnyTold,
    CallerLeft,
    CheckSecret,
    KeyPressed,
    Reached,
    Recorded,
    Replied,
    Resumed,
    SpeechOver,
    StopTaking,
    StoreMessage,
    Taken,
    TimeUp,
)
from engine.domain.scenario.turn import STORE_S, Turn, is_secret, speech_of
from engine.errors import InvalidValue

FORGOTTEN: Outcome = "forgotten"
LIMIT = "limit"
FILLER_EVERY_S = 2.0
"""Between one filler and the next: nobody is left in silence for three seconds."""
RECORDING_ENDS_S = 5.0
"""A recording whose caller hung up is told to be over by then."""


class Step(NamedTuple):
    run: Run
    orders: tuple[AnyOrder, ...]


def begin(program: Program, at: Moment, *, language: Language, facts: dict[Variable, Value]) -> Step:
    """The first node. `facts`: the variables of `graph.KNOWN`, but for the language."""
    scenario = program.start
    run = Run(
        scenario=scenario.scenario,
        node=scenario.start,
        phase=Answering(),
        language=language if language in scenario.languages else scenario.languages[0],
        values=entering.defaults(scenario),
        facts=facts,
        began=at,
    )
    turn = Turn(program, run, at)
    turn.wait(LIMIT, scenario.limits.duration_s)
    way.go(turn, scenario.start)
    entering.go_on(turn)
    return Step(turn.run, tuple(turn.orders))


def step(program: Program, run: Run, told: AnyTold) -> Step:
    """The run after a fact, and what must be done now."""
    turn = Turn(program, run, told.at)
    if not run.over:
        try:
            _happen(turn, told)
        except InvalidValue as wrong:  # a value that cannot be said, set or asked with
            way.fail(turn, wrong.message)
        entering.go_on(turn)
    return Step(turn.run, tuple(turn.orders))


def unseen(program: Program, run: Run, key: str) -> bool:
    """Whether a key pressed now must be seen by nobody: it is one of a sensitive input, or may be one typed ahead.

    A scenario with a sensitive input takes no keys ahead. What ends an input or clears it is no secret.
    """
    if not any(is_secret(node) for scenario in program.scenarios.values() for node in scenario.nodes.values()):
        return False
    node = program.scenarios[run.scenario].nodes[run.node]
    if not isinstance(run.phase, Listening):
        return True
    return isinstance(node, graph.Collect) and node.sensitive and key not in node.terminators + node.clear_key


def _happen(turn: Turn, told: AnyTold) -> None:
    match told:
        case Taken():
            turn.change(answered=True)
            if isinstance(turn.run.phase, Answering):
                entering.enter(turn)
        case KeyPressed(key=key):
            _on_key(turn, key)
        case SpeechOver(number=number):
            _on_speech_over(turn, number)
        case TimeUp(timer=timer) if timer in turn.run.timers:
            turn.forget(timer)
            _on_timer(turn, timer)
        case Replied() if isinstance(turn.run.phase, Asking) and turn.run.phase.number == told.number:
            _on_reply(turn, turn.run.phase, told)
        case Recorded() if isinstance(turn.run.phase, Recording) and turn.run.phase.number == told.number:
            _on_recorded(turn, turn.run.phase, told)
        case Reached() if isinstance(turn.run.phase, Reaching) and turn.run.phase.number == told.number:
            _on_reached(turn, turn.run.phase, told.outcome)
        case CallerLeft():
            _on_caller_left(turn)
        case Resumed():
            _on_resumed(turn)
        case _:
            pass


# -- keys and speech ---------------------------------------------------------------------------------------------------


def _on_key(turn: Turn, key: str) -> None:
    """Every key is noted once, where it was pressed."""
    turn.on_visit(keys=turn.run.path[-1].keys + key)
    phase = turn.run.phase
    match phase:
        case Listening(speech=speech) if speech is None or speech.barge == "stop":
            listening.on_key(turn, phase, key)
        case Recording(number=number):
            if key in entering.terminators(turn.node):
                turn.orders.append(StopTaking(number=number))
        case Reaching():
            pass  # the keys of a conversation are nobody's
        case _:
            _ahead(turn, key)


def _ahead(turn: Turn, key: str) -> None:
    """A key that nothing asks for yet: it may end what is said, and is kept for the next input."""
    phase = turn.run.phase
    speech = speech_of(phase)
    if speech is not None and speech.barge == "ignore":
        return
    if key != secrets.MASKED:
        turn.change(ahead=turn.run.ahead + key)
    if speech is None or speech.barge == "buffer":
        return
    match phase:
        case Telling() | Announcing():
            entering.go_on_telling(turn, phase, turn.cut(speech))
        case _:
            pass  # a filler goes on


def _on_speech_over(turn: Turn, number: int) -> None:
    phase = turn.run.phase
    speech = speech_of(phase)
    if speech is None or speech.number != number:
        return
    match phase:
        case Telling() | Announcing():
            entering.go_on_telling(turn, phase, turn.following(speech))
        case Listening():
            listening.on_speech(turn, phase, turn.following(speech))
        case Asking():
            turn.stop("speech")
            turn.wait("filler", FILLER_EVERY_S)


def _on_timer(turn: Turn, timer: str) -> None:
    phase = turn.run.phase
    match timer, phase:
        case "limit", _:
            _on_limit(turn)
        case "speech", _:
            speech = speech_of(phase)
            if speech is not None:
                turn.hush()
                _on_speech_over(turn, speech.number)
        case "input", Listening():
            listening.on_silence(turn, phase)
        case "filler", Asking():
            entering.fill(turn, phase)
        case "answer", Asking(number=number):
            _on_reply(turn, phase, Replied(at=turn.at, number=number, outcome="error"))
        case "record", Recording(number=number):
            _on_recorded(turn, phase, Recorded(at=turn.at, number=number, seconds=0.0, ok=False))
        case _:
            pass


def _on_limit(turn: Turn) -> None:
    """The longest a caller is kept; whoever talks to somebody is not cut, and has nothing left afterwards."""
    if isinstance(turn.run.phase, Reaching):
        turn.change(limited=True)
    else:
        way.limit(turn, "the longest a caller is kept is over")


# -- answers -----------------------------------------------------------------------------------------------------------


def _on_reply(turn: Turn, phase: Asking, reply: Replied) -> None:
    turn.hush()
    if reply.outcome == FORGOTTEN:
        _ask_again(turn)
        return
    node, values = turn.node, {name: secrets.harmless(value) for name, value in reply.values.items()}
    match node, phase.question:
        case graph.Collect(), CheckSecret():
            turn.stop("answer")
            listening.on_checked(turn, phase, right=reply.outcome == "done")
            return
        case graph.Callback(), _ if reply.outcome == "refused" and phase.back is not None:
            turn.stop("answer")
            listening.other_number(turn, phase.back)
            return
        case graph.Lookup(into=into) | graph.Fetch(into=into), _ if reply.outcome in ("found", "done"):
            turn.set({name: values[source] for name, source in into.items() if source in values})
        case graph.Incident(into=name), _ if name is not None and "code" in values:
            turn.set({name: values["code"]})
        case graph.Notify(), _:
            way.leave(turn, "done")  # told, or it is in the log that it was not: no caller waits for it
            return
        case graph.Voicemail(), StoreMessage(name=message) if reply.outcome == "left":
            turn.on_visit(message=message)
        case _:
            pass
    way.leave(turn, reply.outcome)


def _ask_again(turn: Turn) -> None:
    """A sensitive input was lost with the engine that heard it: the caller is asked for it again."""
    asked_at = next((node for name, node in turn.run.secrets.items() if name in turn.scenario.vars), None)
    if asked_at is None:
        way.fail(turn, "a sensitive input of another scenario was lost")
    else:
        turn.depart(FORGOTTEN)
        way.go(turn, asked_at)


def _on_recorded(turn: Turn, phase: Recording, recorded: Recorded) -> None:
    turn.stop("record")
    node = turn.node
    if not recorded.ok:
        way.leave(turn, "error")
        return
    match node:
        case graph.Record(min_s=least, into=name):
            if recorded.seconds < least:
                way.leave(turn, "empty")
                return
            if name is not None:
                turn.set({name: phase.name})
            turn.on_visit(message=phase.name)
            way.leave(turn, "recorded")
        case graph.Voicemail(min_s=least, mailbox=mailbox):
            if recorded.seconds < least:
                way.leave(turn, "empty")
            else:
                question = StoreMessage(mailbox=mailbox, name=phase.name, seconds=recorded.seconds)
                turn.ask(question, STORE_S)
        case _:  # no other node records
            way.fail(turn, "recorded at a node that records nothing")


def _on_reached(turn: Turn, phase: Reaching, outcome: Outcome) -> None:
    turn.change(talked_s=turn.run.talked_s + turn.at.mono - phase.since.mono)
    if outcome == "talked" or (outcome == "after" and graph.edge(turn.node, "after") is None):
        turn.depart("talked")
        turn.change(gone=turn.run.gone or outcome == "talked")
        turn.end("talked")
        return
    turn.change(answered=turn.run.answered or outcome == "after")
    if turn.run.limited:
        way.limit(turn, "the longest a caller is kept is over")
        return
    left = turn.scenario.limits.duration_s - (turn.at.mono - turn.run.began.mono) + turn.run.talked_s
    turn.wait(LIMIT, max(left, 1.0))
    way.leave(turn, outcome)


# -- the caller, and the engine ----------------------------------------------------------------------------------------


def _on_caller_left(turn: Turn) -> None:
    """What was recorded is kept, what was asked is awaited; then, unheard, what `on_hangup` says."""
    if turn.run.gone:
        return
    turn.change(gone=True)
    match turn.run.phase:
        case Recording():
            turn.wait("record", RECORDING_ENDS_S)
        case Asking(question=StoreMessage()):
            pass
        case _:
            turn.hush()
            turn.depart("hung up")
            way.hung_up(turn)


def _on_resumed(turn: Turn) -> None:
    """What was being said begins again, what was asked is asked again: the answer may have been lost."""
    phase = turn.run.phase
    match phase:
        case Telling() | Announcing():
            turn.hush()
            turn.stop("speech")
            entering.enter(turn)
        case Listening():
            turn.hush()
            turn.stop("speech", "input")
            listening.again(turn, phase)
        case Asking(question=CheckSecret()):
            _on_reply(turn, phase, Replied(at=turn.at, number=phase.number, outcome="no_match"))
        case Asking(number=number, question=question):
            entering.repeat(turn, number, question)
        case _:
            pass
