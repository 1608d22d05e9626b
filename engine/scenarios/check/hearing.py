"""What is said to nobody: after the caller hung up, or as early media to a caller who is answered already."""

from collections.abc import Iterator

from engine.domain.scenario.entering import needs_answer
from engine.domain.scenario.graph import Hangup, NodeName, Play, Program, Return, Subflow, Transfer
from engine.domain.scenario.way import AUDIBLE
from engine.domain.values import Slug
from engine.scenarios.check.subject import Subject
from engine.scenarios.check.ways import Ways

State = tuple[Slug, NodeName, bool]
"""A node, and whether the caller is answered when it is entered."""


def check(subject: Subject, states: set[State]) -> None:
    slug = subject.scenario.scenario
    for name, node in subject.scenario.nodes.items():
        if name in subject.once_gone and isinstance(node, AUDIBLE):
            subject.find("S802", (), "it is reached after a hang-up, when nobody listens", name)
        answered = (slug, name, True) in states and (slug, name, False) not in states
        match node:
            case Play(unanswered=True) if answered:
                subject.find("S801", ("unanswered",), "whoever comes here is answered already", name)
            case Hangup(reason="busy" | "congestion", prompt=prompt) if answered or prompt:
                why = "its own prompt answers" if prompt else "whoever comes here is answered already"
                subject.find("S803", ("reason",), why, name)
            case _:
                pass


def states(program: Program, ways: dict[Slug, Ways]) -> set[State]:
    """Every node of the program, answered or not, as callers can come to it.

    Who comes back from a subflow may come back to any node that runs it: rather a state too many than one too few.
    """
    callers: dict[Slug, list[tuple[Slug, NodeName]]] = {}
    for slug, scenario in program.scenarios.items():
        for name, node in scenario.nodes.items():
            if isinstance(node, Subflow):
                callers.setdefault(node.scenario, []).append((slug, name))
    found: set[State] = set()
    to_do: list[State] = [(program.main, program.start.start, False)] if program.main in program.scenarios else []
    while to_do:
        state = to_do.pop()
        slug, name, _ = state
        if state not in found and name in program.scenarios[slug].nodes:
            found.add(state)
            to_do.extend(_following(program, ways, callers, state))
    return found


def _following(
    program: Program, ways: dict[Slug, Ways], callers: dict[Slug, list[tuple[Slug, NodeName]]], state: State
) -> Iterator[State]:
    slug, name, was_answered = state
    node = program.scenarios[slug].nodes[name]
    answered = was_answered or needs_answer(node)
    match node:
        case Return(outcome=outcome):
            for caller, at in callers.get(slug, ()):
                yield from ((caller, way.to, answered) for way in ways[caller][at] if way.outcome == outcome)
        case Subflow(scenario=other) | Transfer(scenario=other) if other is not None and other in program.scenarios:
            yield other, program.scenarios[other].start, answered
            yield from ((slug, way.to, answered) for way in ways[slug][name] if way.hand == "fault")
        case _:
            yield from ((slug, way.to, answered or way.hand == "after") for way in ways[slug][name])
