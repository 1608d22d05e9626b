"""The numbers Prometheus reads that nobody counts as they happen: looked at every other second."""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine.app.scenario_counts import led_by
from engine.ari.errors import AriError
from engine.ari.pools import HttpPools, Request
from engine.calls.ports import Answer, Answering
from engine.calls.views import stage_name
from engine.domain.call import Call
from engine.domain.scenario.talk import AnyQuestion
from engine.domain.values import Slug
from engine.errors import StandardisteError
from engine.observe.metrics import Metrics

if TYPE_CHECKING:
    from engine.app.engine import Engine

LOOK_EVERY_S = 2.0


class MeasuredPools:
    """`ari.pools.Transport` that notes how long each request took and what came of it."""

    def __init__(self, pools: HttpPools, metrics: Metrics) -> None:
        self._pools, self._metrics = pools, metrics.ari

    async def send(self, request: Request) -> bytes:
        began = time.perf_counter()
        status = "ok"
        try:
            return await self._pools.send(request)
        except AriError as failed:
            status = failed.stable_code if failed.status is None else str(failed.status)
            raise
        finally:
            self._metrics.request_s.labels(request.method).observe(time.perf_counter() - began)
            self._metrics.requests.labels(request.method, status).inc()


class MeasuredAnswers:
    """`calls.ports.Answering` that notes how long each question of a scenario took and what came of it."""

    def __init__(self, answers: Answering, metrics: Metrics) -> None:
        self._answers, self._metrics = answers, metrics.scenarios

    async def answer(self, call: Call, number: int, question: AnyQuestion) -> Answer:
        began = time.perf_counter()
        kind = str(question.__struct_config__.tag)
        outcome = "error"
        try:
            answer = await self._answers.answer(call, number, question)
            outcome = answer.outcome
            return answer
        finally:
            self._metrics.question_s.labels(kind).observe(time.perf_counter() - began)
            self._metrics.questions.labels(kind, outcome).inc()


def _age_s(since: datetime | None) -> float:
    return 0.0 if since is None else max(0.0, (datetime.now(UTC) - since).total_seconds())


async def measure(engine: "Engine") -> None:
    """For ever."""
    stages: set[str] = set()
    scenarios: set[Slug] = set()
    while True:
        now = Counter(stage_name(task.call) for task in engine.calls.registry)
        stages |= set(now)
        for stage in stages:
            engine.metrics.calls.stage.labels(stage).set(now[stage])
        led = Counter(name for task in engine.calls.registry if (name := led_by(task.call)) is not None)
        scenarios |= set(led)
        for scenario in scenarios:
            engine.metrics.scenarios.calls.labels(scenario).set(led[scenario])
        engine.metrics.calls.live.set(len(engine.calls.registry))
        engine.metrics.calls.locked.set(len(engine.limits.ledger.locks))
        engine.metrics.ari.connected.set(engine.connection.ready)
        engine.metrics.keeping.postgres_up.set(engine.db.available)
        engine.metrics.keeping.disk_full.set(engine.journal.disk_full)
        with suppress(StandardisteError):  # the journal tells its own misfortune; numbers must not add to it
            backlog = await engine.journal.backlog()
            engine.metrics.keeping.outbox.set(backlog.rows)
            engine.metrics.keeping.shipper_lag_s.set(_age_s(backlog.oldest))
        engine.metrics.process.loop_lag_s.observe(engine.admission.loop_lag_s)
        age = engine.beat.age_s()
        if age is not None:
            engine.metrics.process.beat_age_s.set(age)
        await asyncio.sleep(LOOK_EVERY_S)
