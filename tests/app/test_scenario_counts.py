"""Callers in scenarios as Prometheus and pictures see them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.app.measuring import MeasuredAnswers
from engine.app.scenario_counts import ScenarioCounts, led_by
from engine.calls.ports import Answer
from engine.domain.call import Call
from engine.domain.scenario.graph import Menu, NodeName, Program
from engine.domain.scenario.talk import AnyQuestion, AskIncident
from engine.domain.values import Slug
from engine.observe.metrics import Metrics
from engine.scenarios.coverage import Edge, counted
from tests.calls.exchange import Exchange
from tests.calls.test_arriving import CAME, arrive, by_trunk
from tests.calls.test_led import MENU, house, room_of
from tests.domain.calls import Scene
from tests.domain.scenario.caller import of, say

CALL = Scene().call
FLAG = AskIncident(flags=(Slug("flood"),))


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"standardiste_scenario_{name}", labels)


async def test_a_caller_is_counted_at_every_node_they_leave(tmp_path: Path, exchange: Exchange) -> None:
    metrics = Metrics()
    counts = ScenarioCounts(metrics)
    async with room_of(tmp_path, exchange, house()) as room:
        call_id = (await arrive(room, by_trunk())).id
        await room.until(lambda: room.stage(call_id) == "scripted")
        assert led_by(room.call(call_id)) == "main"
        exchange.ends(CAME, 16)
        await room.ended(call_id)
        before: Call | None = None
        for call, _ in room.told:
            counts.step(before, call)
            before = call
    assert before is not None
    assert led_by(before) is None
    assert counts.left == {Edge(Slug("main"), NodeName("main"), "hung up"): 1}
    assert value(metrics, "nodes_left_total", scenario="main", node="main", outcome="hung up") == 1


def test_counts_become_those_of_a_picture_of_any_version() -> None:
    main = Slug("main")
    left = {
        Edge(main, NodeName("main"), "key 1"): 3,
        Edge(main, NodeName("main"), "hung up"): 2,
        Edge(main, NodeName("gone"), "done"): 1,
        Edge(Slug("other"), NodeName("main"), "key 1"): 1,
    }
    assert counted(MENU, left) == {Edge(main, NodeName("main"), "key 1"): 3}
    assert counted(two_keys(), left) == {Edge(main, NodeName("main"), f"key {key}"): n for key, n in ((1, 3), (2, 0))}


def two_keys() -> Program:
    keys = {key: NodeName("sorry") for key in "12"}
    return of({"main": Menu(prompt=say("Bonjour"), keys=keys)})


class Knows:
    def __init__(self, answer: Callable[[], Answer]) -> None:
        self._answer = answer

    async def answer(self, call: Call, number: int, question: AnyQuestion) -> Answer:
        return self._answer()


def _fails() -> Answer:
    raise RuntimeError("nobody foresaw this")


async def test_questions_are_counted_by_kind_and_answer() -> None:
    metrics = Metrics()
    active = MeasuredAnswers(Knows(lambda: Answer("active")), metrics)
    assert await active.answer(CALL, 1, FLAG) == Answer("active")
    with pytest.raises(RuntimeError):
        await MeasuredAnswers(Knows(_fails), metrics).answer(CALL, 2, FLAG)
    assert value(metrics, "questions_total", kind="incident", outcome="active") == 1
    assert value(metrics, "questions_total", kind="incident", outcome="error") == 1
    assert value(metrics, "question_seconds_count", kind="incident") == 2
