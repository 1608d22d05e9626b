"""The numbers Prometheus reads that nobody counts as they happen: looked at every other second."""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine.ari.errors import AriError
from engine.ari.pools import HttpPools, Request
from engine.calls.views import stage_name
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


def _age_s(since: datetime | None) -> float:
    return 0.0 if since is None else max(0.0, (datetime.now(UTC) - since).total_seconds())


async def measure(engine: "Engine") -> None:
    """For ever."""
    stages: set[str] = set()
    while True:
        now = Counter(stage_name(task.call) for task in engine.calls.registry)
        stages |= set(now)
        for stage in stages:
            engine.metrics.calls.stage.labels(stage).set(now[stage])
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
