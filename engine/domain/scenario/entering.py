"""What each node does when the caller comes to it, and where the way leads from there."""

from typing import cast

import msgspec

from engine.domain.scenario import graph, listening, prompts, way
from engine.domain.scenario.graph import AnyNode, NodeName, Outcome, Scenario, Value, Variable
from engine.domain.scenario.outcomes import case_outcome, edge
from engine.domain.scenario.prompts import house
from engine.domain.scenario.run import (
    Announcing,
    Answering,
    AnyPhase,
    Asking,
    Frame,
    Reaching,
    Recording,
    Speech,
    Telling,
)
from engine.domain.scenario.talk import (
    Agents,
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
    StopTaking,
    Switchboard,
    Take,
    TakeCall,
    Tell,
)
from engine.domain.scenario.turn import FILLER_AFTER_S, STORE_S, Turn, fitted
from engine.domain.values import Slug
from engine.errors import InvalidValue

LATE_S = 2.0
"""A look-up has its own time, and so much longer until it counts as lost."""
RECORDING_ENDS_S = 5.0
"""A recording that is stopped, or whose caller hung up, is told to be over by then."""
TAKE_CALL_S = 10.0
"""A caller who is not answered by then never is."""


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
        if way.is_spent(turn):
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
    elif not turn.run.answered and not turn.run.gone and needs_answer(node):
        take_call(turn)
    else:
        try:
            _enter(turn, node)
        except InvalidValue as wrong:
            way.fail(turn, wrong.message)


def take_call(turn: Turn) -> None:
    """Answer the caller; the node begins when that is so."""
    turn.phase(Answering())
    turn.orders.append(TakeCall())
    turn.wait("answer", TAKE_CALL_S)


def taken(turn: Turn, phase: AnyPhase) -> None:
    """The caller is answered; whoever waits for something else meanwhile is to hear so."""
    match phase:
        case Answering():
            turn.stop("answer")
            enter(turn)
        case Asking() if not turn.run.gone:
            turn.wait("filler", FILLER_AFTER_S)
        case _:
            pass


def needs_answer(node: AnyNode) -> bool:
    """Whether the caller is answered before this node begins."""
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


def _decide(turn: Turn, node: graph.Switch | graph.Set | graph.SetLanguage | graph.Subflow | graph.Return) -> None:
    """Nodes that are over at once."""
    match node:
        case graph.Switch(cases=cases):
            met = next((number for number, case in enumerate(cases, 1) if turn.evaluate(case.when) is True), None)
            if met is None:
                way.leave(turn, "else")
            else:
                turn.depart(case_outcome(met))
                way.go(turn, cases[met - 1].to)
        case graph.Set(values=values):
            turn.set(turn.evaluated(values))
            way.leave(turn, "done")
        case graph.SetLanguage(language=language):
            turn.change(language=language)
            way.leave(turn, "done")
        case graph.Subflow():
            _into(turn, node)
        case _:
            _back(turn, node.outcome)


# -- speech ------------------------------------------------------------------------------------------------------------


def tell(turn: Turn, speech: Speech | None) -> None:
    """Say it; then, or when there is nothing to say, the node is done."""
    if speech is not None:
        turn.phase(Telling(speech=speech))
    elif isinstance(node := turn.node, graph.Hangup):
        turn.depart("ended")
        turn.end("limit" if turn.run.limited else "ended", node.reason)
    else:
        way.leave(turn, "done")


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
    number, node = turn.number(), cast("graph.Record | graph.Voicemail", turn.node)  # only these record
    name = f"message-{number}"
    beep = node.beep if isinstance(node, graph.Record) else True
    turn.phase(Recording(number=number, name=name))
    turn.change(ahead="")
    turn.orders.append(Take(number=number, name=name, max_s=node.max_s, silence_s=node.silence_s, beep=beep))
    turn.wait("record", node.max_s + LATE_S)


def terminators(node: AnyNode) -> str:
    """The keys that end a recording."""
    return node.terminators if isinstance(node, graph.Record) else "#"


def stop_recording(turn: Turn, number: int) -> None:
    turn.orders.append(StopTaking(number=number))
    turn.wait("record", RECORDING_ENDS_S)


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
            columns = tuple(into.values())
            question = AskTable(table=table, key=turn.text(key), columns=columns, timeout_s=timeout_s)
            turn.ask(question, timeout_s + LATE_S)
        case _:
            web = AskWeb(
                url=prompts.address(node.url, turn.evaluate),
                method=node.method,
                body={name: turn.evaluate(expression) for name, expression in node.body.items()},
                pointers=tuple(node.into.values()),
                timeout_s=node.timeout_s,
            )
            turn.ask(web, node.timeout_s + LATE_S)


def fill(turn: Turn, phase: Asking) -> None:
    """The answer is slow: the caller is told so."""
    node = turn.node
    said = turn.chunks(node.filler) if isinstance(node, graph.Fetch) else ()
    turn.phase(msgspec.structs.replace(phase, filler=turn.begin(said or house("please-wait"))))


def filled(turn: Turn, speech: Speech | None) -> None:
    """A chunk of the filler is over; after the last one it begins anew, if need be."""
    turn.phase(msgspec.structs.replace(turn.run.phase, filler=speech))
    if speech is None:
        turn.wait("filler", FILLER_AFTER_S)


def repeat(turn: Turn, phase: Asking) -> None:
    """After a restart: whoever is asked the same under the same number does it once."""
    turn.hush()
    turn.orders.append(Ask(number=phase.number, question=phase.question))
    turn.wait("answer", getattr(phase.question, "timeout_s", STORE_S) + LATE_S)
    if turn.run.answered and not turn.run.gone:
        turn.wait("filler", FILLER_AFTER_S)


# -- somebody to talk to -----------------------------------------------------------------------------------------------


def _reach(turn: Turn, node: graph.Ring | graph.Group | graph.Transfer) -> None:
    if isinstance(node, graph.Transfer) and node.scenario is not None:
        turn.depart("transferred")
        turn.unwind(0, "moved on")
        turn.change(secrets={})
        _begin_scenario(turn, turn.program.scenarios[node.scenario], {})
        return
    whom = _whom(turn, node)
    turn.stop("limit")
    number = turn.number()
    longest = max(min(node.max_s, int(way.seconds_left(turn))), 1)
    after = edge(node, "after") is not None
    order = Reach(number=number, whom=whom, max_s=longest, comfort=node.comfort, after=after)
    turn.phase(Reaching(order=order, since=turn.at))
    turn.change(ahead="")
    turn.orders.append(order)


def _whom(turn: Turn, node: graph.Ring | graph.Group | graph.Transfer) -> AnyWhom:
    match node:
        case graph.Ring(agents=agents, numbers=numbers, strategy=strategy, ring_s=ring_s):
            return Agents(agents=agents, numbers=numbers, strategy=strategy, ring_s=ring_s)
        case graph.Group(group=group, named_by=named_by):
            return OfGroup(group=group or Slug(turn.text(named_by or graph.Expression("''"))))
        case graph.Transfer(extension=str() as extension):
            return AtExtension(extension=extension)
        case _:
            return OfNumber(number=node.number) if node.number is not None else Switchboard()


# -- other scenarios ---------------------------------------------------------------------------------------------------


def _into(turn: Turn, node: graph.Subflow) -> None:
    """Into a subflow. The node is left when it ends."""
    run, scenario = turn.run, turn.program.scenarios[node.scenario]
    params = fitted(scenario, turn.evaluated(node.params))
    visit = len(run.path) - 1
    frame = Frame(scenario=run.scenario, node=run.node, visit=visit, values=run.values, results=node.results)
    turn.change(frames=(*run.frames, frame))
    _begin_scenario(turn, scenario, params)


def _begin_scenario(turn: Turn, scenario: Scenario, params: dict[Variable, Value]) -> None:
    turn.change(scenario=scenario.scenario, values={**defaults(scenario), **params})
    way.go(turn, scenario.start)


def _back(turn: Turn, outcome: Outcome) -> None:
    """Back from a subflow, to the node that ran it; whoever was not called as one is at the end."""
    turn.depart(outcome)
    if not turn.run.frames:
        turn.end("limit" if turn.run.limited else "ended")
        return
    frame, theirs = turn.run.frames[-1], turn.run.values
    given = {ours: theirs[name] for ours, name in frame.results.items() if name in theirs}
    try:
        results = fitted(turn.program.scenarios[frame.scenario], given)
    except InvalidValue as wrong:
        turn.fault(wrong.message)
        results, outcome = {}, "error"
    turn.unwind(len(turn.run.frames) - 1, outcome)
    turn.change(values={**turn.run.values, **results})
    way.go(turn, edge(turn.node, outcome) or turn.scenario.on_error)
