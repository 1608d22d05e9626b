"""Simulated calls for tests: a small company's scenario, and answers as one writes them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from engine.domain.scenario.graph import AnyNode, Group, Hangup, Hours, Menu, NodeName, Play, Program
from engine.domain.values import Slug
from engine.scenarios.answers import Answer, Mocks, kind_of, parse
from engine.scenarios.simulator import Caller, Simulation
from tests.domain.scenario.caller import of, say

MONDAY = Caller(at=datetime(2026, 5, 4, 8, tzinfo=UTC))
NOBODY = {"not_taken": NodeName("regret"), "nobody": NodeName("regret")}
COMPANY: dict[str, AnyNode] = {
    "welcome": Play(prompt=say("Bonjour"), next=NodeName("hours")),
    "hours": Hours(calendar=Slug("office"), on={"open": NodeName("choice"), "closed": NodeName("regret")}),
    "choice": Menu(
        prompt=say("Ventes, tapez 1. Support, tapez 2."),
        keys={"1": NodeName("sales"), "2": NodeName("support")},
        tries=2,
        on={"no_input": NodeName("regret"), "no_match": NodeName("regret")},
    ),
    "sales": Group(group=Slug("sales"), on=NOBODY),
    "support": Group(group=Slug("support"), on=NOBODY),
    "regret": Hangup(prompt=say("Au revoir")),
}


def company() -> Program:
    """Six nodes, and the one errors lead to."""
    return of(COMPANY)


def written(answers: Mapping[str, str | list[str]]) -> dict[str, tuple[Answer, ...]]:
    """Answers as a test file has them."""
    found = {}
    for asked, texts in answers.items():
        listed = [texts] if isinstance(texts, str) else texts
        found[asked] = tuple(parse(text, kind_of(asked)) for text in listed)
    return found


def call(program: Program, answers: Mapping[str, str | list[str]] | None = None) -> Simulation:
    return Simulation(program, Mocks(written(answers or {})), MONDAY)


def runs(simulation: Simulation) -> Simulation:
    """On to the caller's turn, an open question or the end."""
    while not simulation.wants_caller and simulation.passes():
        pass
    return simulation


def way(simulation: Simulation) -> list[tuple[str, str | None]]:
    return [(visit.node, visit.outcome) for visit in simulation.run.path]
