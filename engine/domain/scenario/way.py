"""The way through a scenario: from a node to the next, out of it by a limit, and on when the caller has hung up."""

from engine.domain.scenario import graph
from engine.domain.scenario.graph import NodeName, Outcome
from engine.domain.scenario.turn import Turn

RESERVE = 12
"""Nodes that a caller who met a limit may still come by on the way out: a word of regret, an end."""
AUDIBLE = (
    graph.Play,
    graph.Menu,
    graph.Collect,
    graph.Record,
    graph.Ring,
    graph.Group,
    graph.Transfer,
    graph.Voicemail,
    graph.Callback,
)
"""Nodes that mean nothing without a caller."""


def go(turn: Turn, target: NodeName) -> None:
    """The way leads there; `entering.go_on` walks it."""
    turn.going = target


def limit(turn: Turn, what: str) -> None:
    """A caller who met a limit is led out by `on_error`, with a few nodes in reserve; who meets one again is out."""
    turn.hush()
    turn.fault(f"limit: {what}")
    turn.depart("limit")
    if turn.run.limited and turn.run.steps >= turn.program.start.limits.steps:
        turn.end("limit")
    else:
        out(turn)


def out(turn: Turn) -> None:
    """On to `on_error`, with a few nodes and seconds in reserve."""
    limits = turn.program.start.limits
    turn.change(limited=True, steps=max(turn.run.steps, limits.steps))
    turn.wait("limit", RESERVE * 5.0)
    go(turn, turn.scenario.on_error)


def fail(turn: Turn, what: str) -> None:
    """The node went wrong."""
    turn.fault(what)
    turn.hush()
    leave(turn, "error")


def leave(turn: Turn, outcome: Outcome) -> None:
    """Leave the node by an edge; without one, by that of the outcome it stands in for, else by `on_error`."""
    turn.depart(outcome)
    node = turn.node
    stand_in = graph.STANDS_IN.get(outcome, outcome)
    target = graph.edge(node, outcome) or graph.edge(node, stand_in) or turn.scenario.on_error
    if turn.run.gone and isinstance(node, AUDIBLE):
        hung_up(turn)
    else:
        go(turn, target)


def hung_up(turn: Turn) -> None:
    """The caller is gone: on with what the outermost scenario does then."""
    if turn.run.frames:
        outermost = turn.run.frames[0]
        turn.change(scenario=outermost.scenario, values=outermost.values, frames=())
    if turn.scenario.on_hangup is None or turn.run.node == turn.scenario.on_hangup:
        turn.end("hung_up")
    else:
        go(turn, turn.scenario.on_hangup)
