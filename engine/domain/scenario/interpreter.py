"""`begin` and `step`: a caller's way through a scenario, pure.

For each fact: what it means in the phase the run is in, then, where the node is done, the way to the next. What is not
waited for changes nothing. Whatever a caller does, says or does not do, the run ends: inputs are asked for a few times,
questions have a time, and nodes, visits and seconds are counted (`graph.Limits`).
"""

from collections.abc import Mapping
from typing import NamedTuple, cast

from engine.domain.directory import Language
from engine.domain.moment import Moment
from engine.domain.scenario import entering, graph, listening, secrets, way
from engine.domain.scenario.graph import Outcome, Program, Value, Variable
from engine.domain.scenario.outcomes import edge
from engine.domain.scenario.run import (
    Announcing,
    Answering,
    AnyPhase,
    Asking,
    Listening,
    Reaching,
    Recording,
    Run,
    Speech,
    Telling,
)
from engine.domain.scenario.talk import (
    AnyOrder,
    AnyTold,
    CallerLeft,
    CheckSecret,
    Hush,
    KeyPressed,
    Mask,
    Reached,
    Recorded,
    Replied,
    Resumed,
    SpeechOver,
    StoreCallback,
    StoreMessage,
    Taken,
    TimeUp,
)
from engine.domain.scenario.turn import STORE_S, Turn, speech_of
from engine.errors import InvalidValue

FORGOTTEN: Outcome = "forgotten"
LIMIT = "limit"
TOO_LONG = "the longest a caller is kept is over"


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
        facts={name: secrets.harmless(value) for name, value in facts.items()},
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
    """Whether a key pressed now must be seen by nobody: one of a conversation, of a sensitive input, or perhaps of one
    that is typed ahead.

    A scenario with a sensitive input takes no keys ahead. What ends an input or clears it is no secret.
    """
    phase, node = run.phase, program.scenarios[run.scenario].nodes[run.node]
    if isinstance(phase, Reaching) or not program.sensitive:
        return isinstance(phase, Reaching)
    match phase:
        case Listening():
            return listening.unseen(run.ahead, phase, node, key)
        case Recording():
            return key not in entering.terminators(node)
        case _:
            return run.habit is None or key not in run.habit.keys


def _happen(turn: Turn, told: AnyTold) -> None:
    phase = turn.run.phase
    match told:
        case Taken() if not turn.run.answered:
            turn.change(answered=True)
            entering.taken(turn, phase)
        case KeyPressed(key=key):
            _on_key(turn, key)
        case SpeechOver(number=number) if (speech := speech_of(phase)) is not None and speech.number == number:
            _on_speech_over(turn, speech)
        case TimeUp(timer=timer) if timer in turn.run.timers:
            turn.forget(timer)
            _on_timer(turn, timer)
        case Replied() if isinstance(phase, Asking) and phase.number == told.number:
            _on_reply(turn, phase, told)
        case Recorded() if isinstance(phase, Recording) and phase.number == told.number:
            _on_recorded(turn, phase, told)
        case Reached() if isinstance(phase, Reaching) and phase.number == told.number:
            _on_reached(turn, phase, told.outcome)
        case CallerLeft() if not turn.run.gone:
            _on_caller_left(turn)
        case Resumed():
            _on_resumed(turn)
        case _:
            pass


# -- keys, speech and time ---------------------------------------------------------------------------------------------


def _on_key(turn: Turn, key: str) -> None:
    """Every key is noted once, where it was pressed."""
    turn.on_visit(keys=turn.run.path[-1].keys + key)
    phase, habit = turn.run.phase, turn.run.habit
    if habit is not None:
        turn.change(habit=None)
        if key in habit.keys and turn.at.mono <= habit.until:
            return
    match phase:
        case Listening(speech=speech) if speech is None or speech.barge == "stop":
            listening.on_key(turn, phase, key)
        case Recording(number=number):
            if key in entering.terminators(turn.node):
                entering.stop_recording(turn, number)
        case Reaching():
            pass  # the keys of a conversation are nobody's
        case _:
            _ahead(turn, phase, key)


def _ahead(turn: Turn, phase: AnyPhase, key: str) -> None:
    """A key that nothing asks for yet: it may end what is said, and is kept for the next input."""
    speech = speech_of(phase)
    if speech is not None and speech.barge == "ignore":
        return
    if key != secrets.MASKED or turn.run.masked:
        turn.change(ahead=turn.run.ahead + key)
    if isinstance(phase, Telling | Announcing) and phase.speech.barge == "stop":  # a filler goes on
        entering.go_on_telling(turn, phase, turn.cut(phase.speech))


def _on_speech_over(turn: Turn, speech: Speech) -> None:
    phase = turn.run.phase
    match phase:
        case Telling() | Announcing():
            entering.go_on_telling(turn, phase, turn.following(speech))
        case Listening():
            listening.on_speech(turn, phase, speech)
        case _:
            entering.filled(turn, turn.following(speech))


def _on_timer(turn: Turn, timer: str) -> None:
    phase = turn.run.phase
    match timer, phase:
        case "limit", _:
            _on_limit(turn)
        case "speech", _ if (speech := speech_of(phase)) is not None:
            turn.orders.append(Hush(number=speech.number))  # its end was never told
            _on_speech_over(turn, speech)
        case "input", Listening():
            listening.on_silence(turn, phase)
        case "filler", Asking():
            entering.fill(turn, phase)
        case "answer", Asking(number=number):
            _on_reply(turn, phase, Replied(at=turn.at, number=number, outcome="error"))
        case "record", Recording(number=number):
            _on_recorded(turn, phase, Recorded(at=turn.at, number=number, seconds=0.0, ok=False))
        case _:  # Answering
            turn.fault("the caller could not be answered")
            turn.depart("error")
            turn.end("fault", "congestion")


def _on_limit(turn: Turn) -> None:
    """The longest a caller is kept is over; what they leave us on the way is taken with care."""
    match turn.run.phase:
        case Recording(number=number):
            way.spend_reserve(turn)
            entering.stop_recording(turn, number)
        case Asking(question=StoreMessage() | StoreCallback()) if not way.is_spent(turn):
            way.spend_reserve(turn)
        case _:
            way.limit(turn, TOO_LONG)


# -- answers -----------------------------------------------------------------------------------------------------------


def _on_reply(turn: Turn, phase: Asking, reply: Replied) -> None:
    turn.hush()
    turn.stop("answer")
    if reply.outcome == FORGOTTEN:
        _ask_again(turn, phase)
        return
    node, values = turn.node, {name: secrets.harmless(value) for name, value in reply.values.items()}
    match node, phase.question:
        case graph.Collect(), CheckSecret(name=name):
            listening.on_checked(turn, node, _asked_before(phase), name if reply.outcome == "done" else None)
            return
        case graph.Callback(), _ if reply.outcome == "refused" and not turn.run.gone:
            listening.other_number(turn, _asked_before(phase))
            return
        case graph.Lookup(into=into) | graph.Fetch(into=into), _ if reply.outcome in ("found", "done"):
            _take_values(turn, into, values)
        case graph.Incident(into=variable), _ if variable is not None and reply.outcome == "active":
            _take_values(turn, {variable: "code"}, values)
        case graph.Notify(), _:
            way.leave(turn, "done")  # told, or it is in the log that it was not: no caller waits for it
            return
        case graph.Voicemail(), StoreMessage(name=message) if reply.outcome == "left":
            turn.on_visit(message=message)
        case _:
            pass
    way.leave(turn, reply.outcome)


def _asked_before(phase: Asking) -> Listening:
    """The input that the question is about."""
    return phase.back or Listening(asks="keys")


def _take_values(turn: Turn, into: Mapping[Variable, str], values: Mapping[str, Value]) -> None:
    """What was found. What is missing is as if nothing had ever been found: that of another customer is not kept."""
    defaults = entering.defaults(turn.scenario)
    found = {name: values[source] if source in values else defaults.get(name) for name, source in into.items()}
    missing = [into[name] for name, value in found.items() if value is None]
    if missing:
        raise InvalidValue(f"the answer has no {', '.join(missing)}")
    turn.set({name: value for name, value in found.items() if value is not None})


def _ask_again(turn: Turn, phase: Asking) -> None:
    """A sensitive input was lost with the engine that heard it: the caller is asked for it again."""
    needed = secrets.inputs_of(phase.question)
    asked = next((where for name, where in turn.run.secrets.items() if name in needed), None)
    if asked is None or turn.run.gone:
        way.fail(turn, "a sensitive input was lost")
    else:
        turn.depart(FORGOTTEN)
        turn.unwind(asked.frames, "asked again")
        way.go(turn, asked.node)


def _on_recorded(turn: Turn, phase: Recording, recorded: Recorded) -> None:
    turn.stop("record")
    node = cast("graph.Record | graph.Voicemail", turn.node)  # only these record
    if not recorded.ok:
        way.leave(turn, "error")
    elif recorded.seconds < node.min_s:
        way.leave(turn, "empty")
    elif isinstance(node, graph.Voicemail):
        turn.ask(StoreMessage(mailbox=node.mailbox, name=phase.name, seconds=recorded.seconds), STORE_S)
    else:
        turn.on_visit(message=phase.name)
        if node.into is not None:
            turn.set({node.into: phase.name})
        way.leave(turn, "recorded")


def _on_reached(turn: Turn, phase: Reaching, outcome: Outcome) -> None:
    if outcome in ("talked", "after"):
        turn.change(answered=True, talked_s=turn.run.talked_s + turn.at.mono - phase.since.mono)
    if outcome == "talked" or (outcome == "after" and edge(turn.node, "after") is None):
        turn.depart("talked")
        turn.change(gone=outcome == "talked")
        turn.end("talked")
        return
    left = way.seconds_left(turn)
    if left > 0:
        turn.wait(LIMIT, left)
        way.leave(turn, outcome)
    else:
        way.limit(turn, TOO_LONG)


# -- the caller, and the engine ----------------------------------------------------------------------------------------


def _on_caller_left(turn: Turn) -> None:
    """What was recorded is kept, what was stored is awaited; then, unheard, what `on_hangup` says."""
    turn.change(gone=True)
    turn.hush()
    match turn.run.phase:
        case Recording():
            turn.wait("record", entering.RECORDING_ENDS_S)
        case Asking(question=StoreMessage() | StoreCallback()):
            pass
        case Asking() if turn.run.node == turn.scenario.on_hangup and not turn.run.frames:
            pass  # there already
        case _:
            turn.depart("hung up")
            way.hung_up(turn)


def _on_resumed(turn: Turn) -> None:
    """What was being said begins again, what was asked is asked again: the answer may have been lost."""
    phase = turn.run.phase
    turn.hush()
    turn.change(ahead="", habit=None)
    if turn.run.masked:
        turn.orders.append(Mask(on=True))
    match phase:
        case Answering():
            entering.take_call(turn)
        case Telling() | Announcing():
            entering.enter(turn)
        case Listening():
            listening.again(turn, phase)
        case Asking(question=CheckSecret()):
            turn.stop("answer")
            listening.again(turn, _asked_before(phase))
        case Asking():
            entering.repeat(turn, phase)
        case Reaching(order=order):
            turn.orders.append(order)
        case _:
            pass  # a recording goes on by itself
