"""One scenario of a program on the table, with what every check needs of it."""

from collections.abc import Mapping
from functools import cached_property

from engine.domain.scenario import expressions, graph
from engine.domain.scenario.graph import NodeName, Program, Scenario, ValueType, Variable
from engine.scenarios.check import walks
from engine.scenarios.check.reporting import Desk, Part
from engine.scenarios.check.ways import Ways
from engine.scenarios.house import House


class Subject:
    """What is looked at. Every check is a function of it that finds, and returns nothing."""

    def __init__(self, program: Program, scenario: Scenario, ways: Ways, house: House, desk: Desk) -> None:
        self.program, self.scenario, self.ways, self.house = program, scenario, ways, house
        self._desk = desk

    def find(self, code: str, part: Part, message: str, node: str = "") -> None:
        self._desk.find(code, self.scenario.scenario, node, part, message)

    @cached_property
    def leads(self) -> Mapping[NodeName, list[NodeName]]:
        """The ways as a plain graph."""
        return {name: [way.to for way in out] for name, out in self.ways.items()}

    @cached_property
    def types(self) -> Mapping[Variable, ValueType]:
        """Of all variables an expression may use; with a name that CEL keeps for itself, none at all could be read."""
        declared = self.scenario.vars.items()
        return {**graph.KNOWN, **{name: var.type for name, var in declared if expressions.can_name(name)}}

    @cached_property
    def while_there(self) -> set[NodeName]:
        """The nodes a caller can come to before hanging up."""
        starts = {self.scenario.start, self.scenario.on_error} & self.scenario.nodes.keys()
        return walks.reached(self.leads, starts)

    @cached_property
    def once_gone(self) -> set[NodeName]:
        """The nodes a run can come to after the caller hung up."""
        on_hangup = self.scenario.on_hangup
        return walks.reached(self.leads, {on_hangup}) if on_hangup in self.scenario.nodes else set()

    @property
    def is_subflow(self) -> bool:
        """Whether another scenario of the program runs this one and wants it back."""
        mine = self.scenario.scenario
        return any(
            isinstance(node, graph.Subflow) and node.scenario == mine
            for scenario in self.program.scenarios.values()
            for node in scenario.nodes.values()
        )
