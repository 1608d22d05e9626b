"""What can come of each node, and where its edges lead."""

import msgspec

from engine.domain.scenario.graph import (
    AnyNode,
    Callback,
    Collect,
    Fetch,
    Group,
    Hangup,
    Hours,
    Incident,
    Lookup,
    Menu,
    Node,
    NodeName,
    Notify,
    Outcome,
    Play,
    Record,
    Return,
    Ring,
    Set,
    SetLanguage,
    Subflow,
    Switch,
    Transfer,
    Voicemail,
)


class Outcomes(msgspec.Struct, frozen=True):
    """What can come of a node: `must` have an edge, `next` for the first of them; `may` need none."""

    must: tuple[Outcome, ...]
    may: tuple[Outcome, ...] = ()


REACHED: tuple[Outcome, ...] = ("after",)  # the conversation is over and the caller is still there
OUTCOMES: dict[type[Node], Outcomes] = {
    Play: Outcomes(("done",)),
    Menu: Outcomes(("no_input", "no_match")),  # and its keys
    Collect: Outcomes(("done", "no_input", "no_match")),
    Record: Outcomes(("recorded", "empty"), ("error",)),
    Switch: Outcomes(("else",)),  # and its cases
    Set: Outcomes(("done",), ("error",)),
    Hours: Outcomes(("open", "closed"), ("holiday", "error")),  # a holiday without an edge is closed
    Incident: Outcomes(("active", "clear"), ("error",)),
    Lookup: Outcomes(("found", "none"), ("many", "error")),  # many without an edge is none
    Fetch: Outcomes(("done", "error")),
    Ring: Outcomes(("not_taken",), ("busy", "nobody", "error", *REACHED)),  # without an edge: as not_taken
    Group: Outcomes(("not_taken", "nobody"), ("error", *REACHED)),
    Transfer: Outcomes(("not_taken",), ("busy", "nobody", "error", *REACHED)),  # none to another scenario
    Voicemail: Outcomes(("left", "empty"), ("error",)),
    Callback: Outcomes(("stored", "refused"), ("error",)),
    Subflow: Outcomes((), ("error",)),  # those the other scenario declares must have an edge
    Return: Outcomes(()),
    SetLanguage: Outcomes(("done",)),
    Notify: Outcomes(("done",)),
    Hangup: Outcomes(()),
}
STANDS_IN: dict[Outcome, Outcome] = {"holiday": "closed", "many": "none", "busy": "not_taken", "nobody": "not_taken"}
"""The outcome whose edge is taken when one that may have an edge has none."""


def edge(node: Node, outcome: Outcome) -> NodeName | None:
    """Where an outcome leads; None where the file says nothing, then `STANDS_IN` and `on_error` are asked."""
    must = OUTCOMES[type(node)].must
    if node.next is not None and must and outcome == must[0]:
        return node.next
    return node.on.get(outcome)


def edges(node: AnyNode) -> dict[Outcome, NodeName]:
    """Every edge of a node: its keys and cases too, under the names the path of a run has them by."""
    found: dict[Outcome, NodeName] = {}
    must = OUTCOMES[type(node)].must
    if node.next is not None and must:
        found[must[0]] = node.next
    found.update(node.on)
    match node:
        case Menu(keys=keys):
            found.update({key_outcome(key): to for key, to in keys.items()})
        case Switch(cases=cases):
            found.update({case_outcome(number): case.to for number, case in enumerate(cases, 1)})
        case _:
            pass
    return found


def key_outcome(keys: str) -> Outcome:
    return f"key {keys}"


def case_outcome(number: int) -> Outcome:
    """Cases count from 1."""
    return f"case {number}"
