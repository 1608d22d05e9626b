"""What each node does when the caller comes to it, and where the way leads from there."""

from engine.domain.scenario import graph, listening, way
from engine.domain.scenario.graph import AnyNode, NodeName, Outcome, Scenario, Value, Variable
from engine.domain.scenario.prompts import house
from engine.domain.scenario.run import (
    Announcing,
    Answering,
    Asking,
    Ending,
    Frame,
    Reaching,
    Recording,
    Speech,
    Telling,
)
from engine.domain.scenario.talk import (
    Agents,
    AnyQuestion,
    AnyWhom,
    Ask,
    AskHours,
    AskIncident,
    AskTable,
    AskWeb,
    AtExtension,
    OfGroup,
    OfNumber,
    Reach,
    Switchboard,
    Take,
    TakeCall,
    Tell,
)
from engine.domain.scenario.turn import STORE_S, Turn
from engine.domain.values import Slug
from engine.errors import InvalidValue

LATE_S = 2.0
"""A look-up has its own time, and so much longer until it counts as lost."""
FILLER_AFTER_S = 2.0
"""Then a caller who waits for an answer is told so."""


def defaults(scenario: Scenario) -> dict[Variable, Value]:
    return {name: var.default for name, var in scenario.vars.items() if var.default is not None}


def go_on(turn: Turn) -> None:
    """Walk the way from node to node, until one waits for something."""
    while turn.going is not None:
        target, turn.going = turn.going, None
        _arrive(turn, target)


def _arrive(turn: Turn, target: NodeName) -> None:
    """Come to a node, unless that is once too often."""
    limits, run = turn.program.start.limits, turn.run
    visits = run.visits.get(f"{run.scenario}/{target}", 0)
    if run.limited:
        if run.steps >= limits.steps + way.RESERVE:
            turn.end("limit")
            return
    elif run.steps >= limits.steps or visits >= limits.visits:
        what = f"{run.steps} nodes" if run.steps >= limits.steps else f"{visits} visits of {target}"
        turn.fault(f"limit: {what}")
        way.out(turn)
        return
    turn.arrive(target)
    enter(turn)


def enter(turn: Turn) -> None:
    """Do what the node is for."""
    node = turn.node
    if turn.run.gone and isinstance(node, way.AUDIBLE):
        turn.depart("hung up")
        turn.end("hung_up")
    elif not turn.run.answered and not turn.run.gone and _needs_answer(node):
        turn.phase(Answering())
        turn.orders.append(TakeCall())
    else:
        try:
            _enter(turn, node)
        except InvalidValue as wrong:
            way.fail(turn, wrong.message)


def _needs_answer(node: AnyNode) -> bool:
    match node:
        case graph.Play(unanswered=unanswered):
            return not unanswered
        case graph.Menu() | graph.Collect() | graph.Record() | graph.Voicemail() | graph.Callback():
            return True
        case graph.Hangup(prompt=prompt):
            return bool(prompt)
        case _:
            return False


def _enter(turn: Turn, node: AnyNode) -> None:
    match node:
        case graph.Play(prompt=prompt):
            tell(turn, turn.begin(turn.chunks(prompt)))
        case graph.Menu() | graph.Collect() | graph.Callback():
            listening.begin(turn, node)
        case graph.Record(prompt=prompt):
            announce(turn, turn.begin(turn.chunks(prompt)))
        case graph.Voicemail(prompt=prompt):
            announce(turn, turn.begin(turn.chunks(prompt) or house("leave-message")))
        case graph.Hangup(prompt=prompt):
            tell(turn, None if turn.run.gone else turn.begin(turn.chunks(prompt)))
        case graph.Hours() | graph.Incident() | graph.Lookup() | graph.Fetch() | graph.Notify():
            _ask(turn, node)
        case graph.Ring() | graph.Group() | graph.Transfer():
            _reach(turn, node)
        case _:
            _decide(turn, node)


def _decide(turn: Turn, node: AnyNode) -> None:
    """Nodes that are over at once."""
    match node:
        case graph.Switch(cases=cases):
            met = next((number for number, case in enumerate(cases, 1) if turn.evaluate(case.when) is True), None)
            if met is None:
                way.leave(turn, "else")
            else:
                turn.depart(graph.case_outcome(met))
                way.go(turn, cases[met - 1].to)
        case graph.Set(values=values):
            turn.set(turn.evaluated(values))
            way.leave(turn, "done")
        case graph.SetLanguage(language=language):
            turn.change(language=language)
            way.leave(turn, "done")
        case graph.Subflow(scenario=name, params=params):
            _into(turn, name, turn.evaluated(params))
        case graph.Return(outcome=outcome):
            _back(turn, outcome)
        case _:
            raise InvalidValue(f"nothing is done at a node of type {type(node).__name__}")


# -- speech ------------------------------------------------------------------------------------------------------------


def tell(turn: Turn, speech: Speech | None) -> None:
    """Say it; then, or when there is nothing to say, the node is done."""
    if speech is not None:
        turn.phase(Telling(speech=speech))
    elif isinstance(node := turn.node, graph.Hangup):
        turn.depart("ended")
        turn.end(_ending(turn), node.reason)
    else:
        way.leave(turn, "done")


def _ending(turn: Turn) -> Ending:
    if turn.run.gone:
        return "hung_up"
    return "limit" if turn.run.limited else "ended"


def announce(turn: Turn, speech: Speech | None) -> None:
    """Say that it is recorded; then record."""
    if speech is not None:
        turn.phase(Announcing(speech=speech))
    else:
        _record(turn)


def go_on_telling(turn: Turn, phase: Telling | Announcing, speech: Speech | None) -> None:
    if isinstance(phase, Telling):
        tell(turn, speech)
    else:
        announce(turn, speech)


def _record(turn: Turn) -> None:
    number, node = turn.number(), turn.node
    name = f"message-{number}"
    turn.phase(Recording(number=number, name=name))
    turn.change(ahead="")
    match node:
        case graph.Record(max_s=longest, silence_s=silence, beep=beep):
            turn.orders.append(Take(number=number, name=name, max_s=longest, silence_s=silence, beep=beep))
            turn.wait("record", longest + LATE_S)
        case graph.Voicemail(max_s=longest, silence_s=silence):
            turn.orders.append(Take(number=number, name=name, max_s=longest, silence_s=silence, beep=True))
            turn.wait("record", longest + LATE_S)
        case _:
            raise InvalidValue(f"nothing is recorded at a node of type {type(node).__name__}")


def terminators(node: AnyNode) -> str:
    """The keys that end a recording."""
    return node.terminators if isinstance(node, graph.Record) else "#"


# -- questions ---------------------------------------------------------------------------------------------------------


def _ask(turn: Turn, node: graph.Hours | graph.Incident | graph.Lookup | graph.Fetch | graph.Notify) -> None:
    match node:
        case graph.Hours(calendar=calendar):
            turn.ask(AskHours(calendar=calendar, at=turn.at.utc), STORE_S)
        case graph.Incident(flags=flags):
            turn.ask(AskIncident(flags=flags), STORE_S)
        case graph.Notify(event=event, variables=variables):
            told = {name: turn.evaluate(graph.Expression(name)) for name in variables}
            turn.ask(Tell(event=event, variables={str(name): value for name, value in told.items()}), STORE_S)
        case graph.Lookup(table=table, key=key, into=into, timeout_s=timeout_s):
            question = AskTable(
                table=table, key=str(turn.evaluate(key)), columns=tuple(into.values()), timeout_s=timeout_s
            )
            turn.ask(question, timeout_s + LATE_S)
            turn.wait("filler", FILLER_AFTER_S)
        case graph.Fetch(url=url, method=method, body=body, into=into, timeout_s=timeout_s):
            web = AskWeb(
                url=turn.filled(url),
                method=method,
                body={name: turn.evaluate(expression) for name, expression in body.items()},
                pointers=tuple(into.values()),
                timeout_s=timeout_s,
            )
            turn.ask(web, timeout_s + LATE_S)
            turn.wait("filler", FILLER_AFTER_S)


def fill(turn: Turn, phase: Asking) -> None:
    """The answer is slow: a caller who can be told so is."""
    if not turn.run.answered or turn.run.gone:
        return
    node = turn.node
    said = turn.chunks(node.filler) if isinstance(node, graph.Fetch) else ()
    speech = turn.begin(said or house("please-wait"))
    turn.phase(Asking(number=phase.number, question=phase.question, filler=speech, back=phase.back))


def repeat(turn: Turn, number: int, question: AnyQuestion) -> None:
    """After a restart: whoever is asked the same under the same number does it once."""
    turn.orders.append(Ask(number=number, question=question))
    turn.wait("answer", STORE_S)


# -- somebody to talk to -----------------------------------------------------------------------------------------------


def _reach(turn: Turn, node: graph.Ring | graph.Group | graph.Transfer) -> None:
    if isinstance(node, graph.Transfer) and node.scenario is not None:
        turn.depart("transferred")
        _begin_scenario(turn, node.scenario, {}, frames=())
        return
    whom = _whom(turn, node)
    turn.stop("limit")
    number = turn.number()
    turn.phase(Reaching(number=number, since=turn.at))
    turn.change(ahead="")
    after = graph.edge(node, "after") is not None
    turn.orders.append(Reach(number=number, whom=whom, max_s=node.max_s, comfort=node.comfort, after=after))


def _whom(turn: Turn, node: graph.Ring | graph.Group | graph.Transfer) -> AnyWhom:
    match node:
        case graph.Ring(agents=agents, numbers=numbers, strategy=strategy, ring_s=ring_s):
            return Agents(agents=agents, numbers=numbers, strategy=strategy, ring_s=ring_s)
        case graph.Group(group=group, named_by=named_by):
            return OfGroup(group=group or Slug(str(turn.evaluate(named_by or graph.Expression("''")))))
        case graph.Transfer(extension=extension, number=number):
            if extension is not None:
                return AtExtension(extension=extension)
            return OfNumber(number=number) if number is not None else Switchboard()


# -- other scenarios ---------------------------------------------------------------------------------------------------


def _into(turn: Turn, name: Slug, params: dict[Variable, Value]) -> None:
    """Into a subflow."""
    turn.depart("entered")
    frame = Frame(scenario=turn.run.scenario, node=turn.run.node, values=turn.run.values)
    _begin_scenario(turn, name, params, frames=(*turn.run.frames, frame))


def _begin_scenario(turn: Turn, name: Slug, params: dict[Variable, Value], frames: tuple[Frame, ...]) -> None:
    scenario = turn.program.scenarios.get(name)
    if scenario is None:
        raise InvalidValue(f"there is no scenario {name}")
    turn.change(scenario=name, values=defaults(scenario), frames=frames)
    turn.set(params)
    way.go(turn, scenario.start)


def _back(turn: Turn, outcome: Outcome) -> None:
    """Back from a subflow, to the node that ran it."""
    turn.depart(outcome)
    *frames, frame = turn.run.frames
    theirs = turn.run.values
    turn.change(scenario=frame.scenario, node=frame.node, values=frame.values, frames=tuple(frames))
    node = turn.node
    if isinstance(node, graph.Subflow):
        turn.set({ours: theirs[name] for ours, name in node.results.items() if name in theirs})
    target = graph.edge(node, outcome) or turn.scenario.on_error
    way.go(turn, target)
