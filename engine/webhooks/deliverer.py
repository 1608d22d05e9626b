"""Writes events down for their receivers, and delivers what is due: each receiver by a task of its own.

Events wait in the journal until PostgreSQL has them as deliveries, deliveries wait there until they are taken. Whatever
dies in between, each is sent at least once, under one id, and never before an older one of the same call.
"""

import asyncio
import time

import structlog

from engine.calls.contract import Feed
from engine.errors import StandardisteError
from engine.webhooks.backoff import delay_s
from engine.webhooks.ports import Due, Endpoint, Ledger
from engine.webhooks.poster import Poster

LOOK_EVERY_S = 1.0  # for what comes due with time
PAGE = 200  # events written down in one transaction
REST_S = 0.05  # events come in bursts: one look for all of them
SERVE_S = 5.0  # then address and secret are looked at again
STUMBLE_S = 60.0  # before a receiver is tried again after an error of ours
PARALLEL = 4  # deliveries at once to one receiver, each of another call

log = structlog.get_logger(__name__)


class Deliverer:
    """`run` is its one task; it owns those of the receivers."""

    def __init__(self, feed: Feed, ledger: Ledger, poster: Poster) -> None:
        self.position = 0  # events up to this number are deliveries by now: the journal may forget them
        self._feed, self._ledger, self._poster = feed, ledger, poster
        self._busy: set[str] = set()

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                news = self._feed.news()
                try:
                    await self._write_down()
                    for endpoint in await self._ledger.waiting():
                        if endpoint.name not in self._busy:
                            self._busy.add(endpoint.name)
                            group.create_task(self._serve(endpoint), name=f"webhook-{endpoint.name}")
                except StandardisteError as away:
                    log.debug("webhooks.wait", why=away.message)
                except Exception:  # a fault of ours with an event must never take live calls down with it
                    log.exception("webhooks.failed")
                await _until(news, LOOK_EVERY_S)
                await asyncio.sleep(REST_S)

    async def _write_down(self) -> None:
        self.position = await self._ledger.position(self._feed.journal_id)
        while events := await self._feed.page(self.position, PAGE):
            await self._ledger.write_down(self._feed.journal_id, self.position, events)
            self.position = events[-1].seq

    async def _serve(self, endpoint: Endpoint) -> None:
        """What is due for one receiver."""
        until = time.monotonic() + SERVE_S
        try:
            while time.monotonic() < until and (due := await self._ledger.due(endpoint.name, PARALLEL)):
                await asyncio.gather(*(self._deliver(endpoint, one) for one in due))
        except StandardisteError as away:
            log.debug("webhooks.wait", webhook=endpoint.name, why=away.message)
        except Exception:  # as above; a receiver must not be asked again and again because of us
            log.exception("webhooks.failed", webhook=endpoint.name)
            await asyncio.sleep(STUMBLE_S)
        finally:
            self._busy.discard(endpoint.name)

    async def _deliver(self, endpoint: Endpoint, due: Due) -> None:
        reply = await self._poster.post(endpoint, due.event_id, due.body)
        if reply.taken:
            await self._ledger.delivered(due.number, reply)
        elif reply.gone:
            log.warning("webhooks.gone", webhook=endpoint.name, why="it answered 410: switched off")
            await self._ledger.gone(endpoint.name, due.number, reply)
        else:
            again = delay_s(due.tries + 1)
            log.info(
                "webhooks.refused", webhook=endpoint.name, event_id=due.event_id, why=reply.error, again_in_s=again
            )
            await self._ledger.failed(due.number, reply, again)


async def _until(news: asyncio.Event, bound_s: float) -> None:
    try:
        async with asyncio.timeout(bound_s):
            await news.wait()
    except TimeoutError:
        return
