"""The way through a scenario: from a node to the next, out of it by a limit, and on when the caller has hung up."""

from engine.domain.scenario import graph
from engine.domain.scenario.graph import NodeName, Outcome
from engine.domain.scenario.outcomes import STANDS_IN, edge
from engine.domain.scenario.turn import Turn

RESERVE = 12
"""Nodes that a caller who met a limit may still come by on the way out: a word of regret, an end."""
RESERVE_S = 60.0
"""And the time for it; that of a search for somebody counts anew."""
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
    if turn.run.limited:
        turn.end("limit")
    else:
        out(turn)


def out(turn: Turn) -> None:
    """On to `on_error`, with the reserve."""
    spend_reserve(turn)
    go(turn, turn.scenario.on_error)


def spend_reserve(turn: Turn) -> None:
    """From now on a few nodes and seconds are left; after a second time, to whoever leaves something, no node."""
    limit = turn.program.start.limits.steps
    turn.change(limited=True, steps=limit + RESERVE if turn.run.limited else max(turn.run.steps, limit))
    turn.wait("limit", RESERVE_S)


def is_spent(turn: Turn) -> bool:
    """Whether no node is left, not even in reserve."""
    return turn.run.limited and turn.run.steps >= turn.program.start.limits.steps + RESERVE


def seconds_left(turn: Turn) -> float:
    """How long the caller may still be kept."""
    if turn.run.limited:
        return RESERVE_S
    return turn.program.start.limits.duration_s + turn.run.talked_s - (turn.at.mono - turn.run.began.mono)


def fail(turn: Turn, what: str) -> None:
    """The node went wrong."""
    turn.fault(what)
    leave(turn, "error")


def leave(turn: Turn, outcome: Outcome) -> None:
    """Leave the node by an edge; without one, by that of the outcome it stands in for, else by `on_error`.

    Where `on_error` itself has no way on, it would only go wrong again: that is the end.
    """
    turn.depart(outcome)
    node = turn.node
    target = edge(node, outcome) or edge(node, STANDS_IN.get(outcome, outcome))
    if turn.run.gone and isinstance(node, AUDIBLE):
        hung_up(turn)
    elif target is not None:
        go(turn, target)
    elif turn.run.node == turn.scenario.on_error:
        turn.end("fault")
    else:
        go(turn, turn.scenario.on_error)


def hung_up(turn: Turn) -> None:
    """The caller is gone: on with what the outermost scenario does then."""
    turn.unwind(0, "hung up")
    if turn.scenario.on_hangup is None:
        turn.end("hung_up")
    else:
        go(turn, turn.scenario.on_hangup)
