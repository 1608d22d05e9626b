"""Circles that no caller can leave, by what keeps them going round."""

from collections.abc import Callable

from engine.domain.scenario.graph import NodeName, Set, Subflow
from engine.domain.scenario.outcomes import OUTCOMES
from engine.scenarios.check import walks
from engine.scenarios.check.counters import turnstiles
from engine.scenarios.check.subject import Subject
from engine.scenarios.check.ways import FAULT, Way, part_of


def check(subject: Subject) -> None:
    """Each circle is told once, by the worst that can be said of it."""
    _Circles(subject).find()


class _Circles:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._counted = turnstiles(subject.scenario, subject.ways)
        self._told: set[NodeName] = set()

    def find(self) -> None:
        self._faults()
        self._find("S208", lambda way: way.hand == "itself", lambda _: True)
        idle = ("itself", "silence", "wrong")
        self._find("S209", lambda way: way.hand in idle, lambda way: way.hand != "itself")
        self._find("S211", lambda way: way.hand in (*idle, "waiting"), lambda way: way.hand == "waiting")

    def _faults(self) -> None:
        """What can be out of order is, and stays so; whoever is asked says nothing."""
        nodes = self._subject.scenario.nodes

        def taken(way: Way) -> bool:
            node = nodes[way.source]
            outside = FAULT in OUTCOMES[type(node)].must + OUTCOMES[type(node)].may
            if outside and not isinstance(node, Set | Subflow):
                return way.hand == "fault"
            return way.hand in ("itself", "silence", "wrong", "fault")

        self._find("S210", taken, lambda way: way.hand == "fault")

    def _find(self, code: str, taken: Callable[[Way], bool], telling: Callable[[Way], bool]) -> None:
        """A circle of ways that are taken, of which one at least is telling."""
        chosen = {
            name: [way for way in out if taken(way) and (name, way.outcome) not in self._counted]
            for name, out in self._subject.ways.items()
        }
        leads = {name: [way.to for way in out] for name, out in chosen.items()}
        for part in walks.knots(leads):
            members = frozenset(part)
            witness = next(
                (way for name in part for way in chosen[name] if way.to in members and telling(way)),
                None,
            )
            if witness is not None:
                back = walks.shortest(leads, witness.to, witness.source.__eq__)
                if not self._told.issuperset(back):
                    self._tell(code, witness, (witness.source, *back))
                    self._told.update(back)

    def _tell(self, code: str, witness: Way, circle: tuple[NodeName, ...]) -> None:
        node = self._subject.scenario.nodes[witness.source]
        part = () if witness.implied else part_of(node, witness.outcome)
        message = f"{' -> '.join(circle)}, by {witness.outcome} of {witness.source}"
        self._subject.find(code, part, message, witness.source)
