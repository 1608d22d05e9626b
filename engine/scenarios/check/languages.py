"""Languages over several scenarios: whoever is led into another one goes on in the language they hear by then.

Where that scenario does not speak it, its words would be read out by a voice of the wrong language, and its recordings
not be there at all.
"""

from collections.abc import Iterator, Mapping

from engine.domain.directory import Language
from engine.domain.scenario import expressions
from engine.domain.scenario.graph import (
    KNOWN,
    Expression,
    NodeName,
    Program,
    Return,
    SetLanguage,
    Subflow,
    Switch,
    Transfer,
    Value,
    ValueType,
    Variable,
)
from engine.domain.scenario.outcomes import case_outcome
from engine.domain.scenario.turn import LANGUAGE
from engine.domain.values import Slug
from engine.errors import InvalidValue
from engine.scenarios.check.subject import Subject
from engine.scenarios.check.ways import WAITS, Way, Ways

State = tuple[Slug, NodeName, Language]
"""A node, and the language that a caller hears when it is entered."""


def check(subject: Subject, states: set[State]) -> None:
    for name, node in subject.scenario.nodes.items():
        other = node.scenario if isinstance(node, Subflow | Transfer) else None
        if other is None or other not in subject.program.scenarios:
            continue
        heard = {language for slug, at, language in states if (slug, at) == (subject.scenario.scenario, name)}
        for language in sorted(heard - set(subject.program.scenarios[other].languages)):
            told = f"{other} does not speak {language}, which callers may hear by now"
            subject.find("S313", ("scenario",), told, name)


def states(program: Program, ways: Mapping[Slug, Ways]) -> set[State]:
    """Every node of the program, in every language in which callers can come to it.

    Who comes back from a subflow may come back to any node that runs it: rather a state too many than one too few.
    """
    walk = _Walk(program, ways)
    found: set[State] = set()
    to_do: list[State] = []
    if program.main in program.scenarios:
        to_do = [(program.main, program.start.start, language) for language in program.start.languages]
    while to_do:
        state = to_do.pop()
        slug, name, _ = state
        if state not in found and name in program.scenarios[slug].nodes:
            found.add(state)
            to_do.extend(walk.following(state))
    return found


class _Walk:
    def __init__(self, program: Program, ways: Mapping[Slug, Ways]) -> None:
        self._scenarios, self._ways = program.scenarios, ways
        self._callers: dict[Slug, list[tuple[Slug, NodeName]]] = {}
        for slug, scenario in program.scenarios.items():
            for name, node in scenario.nodes.items():
                if isinstance(node, Subflow):
                    self._callers.setdefault(node.scenario, []).append((slug, name))

    def following(self, state: State) -> Iterator[State]:
        slug, name, language = state
        scenario = self._scenarios[slug]
        node = scenario.nodes[name]
        if isinstance(node, WAITS):
            yield slug, scenario.on_error, language  # by a limit
        match node:
            case SetLanguage(language=other):
                yield from ((slug, way.to, other) for way in self._ways[slug][name])
            case Switch():
                types = {**KNOWN, **{variable: var.type for variable, var in scenario.vars.items()}}
                yield from ((slug, way.to, language) for way in _taken(node, self._ways[slug][name], language, types))
            case Return(outcome=outcome):
                for caller, at in self._callers.get(slug, ()):
                    back = [way for way in self._ways[caller][at] if way.outcome == outcome or way.hand == "fault"]
                    yield from ((caller, way.to, language) for way in back)
            case Subflow(scenario=into) | Transfer(scenario=into) if into in self._scenarios:
                yield into, self._scenarios[into].start, language
                yield from ((slug, way.to, language) for way in self._ways[slug][name] if way.hand == "fault")
            case _:
                yield from ((slug, way.to, language) for way in self._ways[slug][name])


def _taken(
    node: Switch, ways: tuple[Way, ...], language: Language, types: Mapping[Variable, ValueType]
) -> Iterator[Way]:
    """The ways out of a switch that a caller of this language may go."""
    never = set()
    surely = False
    for number, case in enumerate(node.cases, 1):
        holds = None if surely else _holds(case.when, language, types)
        if surely or holds is False:
            never.add(case_outcome(number))
        surely = surely or holds is True
    if surely:
        never.add("else")
    return (way for way in ways if way.outcome not in never)


def _holds(condition: Expression, language: Language, types: Mapping[Variable, ValueType]) -> Value | None:
    """A condition of which the language is all that is known; None where more decides."""
    try:
        return expressions.evaluate(condition, types, {LANGUAGE: language})
    except InvalidValue:
        return None
