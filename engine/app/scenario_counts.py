"""What callers do in scenarios, counted as it happens: for Prometheus, and by edge for pictures."""

from collections import Counter

from engine.domain.call import Call
from engine.domain.scenario.run import left_since
from engine.domain.values import Slug
from engine.observe.metrics import Metrics
from engine.scenarios.coverage import Edge


class ScenarioCounts:
    """`left`: how often callers have left each node, by outcome, since this engine began."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics.scenarios
        self.left: Counter[Edge] = Counter()

    def step(self, before: Call | None, after: Call) -> None:
        """Count what a step of a call has left behind."""
        for visit in left_since(before.run if before is not None else None, after.run):
            if visit.outcome is not None:
                edge = Edge(visit.scenario, visit.node, visit.outcome)
                self.left[edge] += 1
                self._metrics.left.labels(*edge).inc()


def led_by(call: Call) -> Slug | None:
    """The scenario whose caller this is now; None once they are through."""
    asked = call.request.scenario
    return asked.name if asked is not None and call.run is not None and not call.run.over else None
