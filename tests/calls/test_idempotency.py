"""The same order under the same key is one call, whoever dies or leaves in between."""

import asyncio
from pathlib import Path

import pytest

from engine.domain.values import CallId
from engine.errors import IdempotencyConflict, Refused
from engine.journal import IdempotencyRow
from tests.calls.exchange import Exchange
from tests.calls.room import SHOP, Room


async def test_the_same_order_again_is_the_same_call(room: Room) -> None:
    first = await room.ask(key="k", variables={"a": 1, "b": 2})
    again = await room.ask(key="k", variables={"b": 2, "a": 1})
    assert (first.replayed, again.replayed) == (False, True)
    assert (first.id, first.state) == (again.id, again.state)
    assert len(room.registry) == 1
    assert await room.rows("audit") == []


async def test_another_order_under_the_same_key_is_refused(room: Room) -> None:
    await room.ask(key="k")
    with pytest.raises(Refused) as refused:
        await room.ask(key="k", to="01 40 00 00 03")
    assert (refused.value.rule, refused.value.status) == ("idempotency-key-reused", 422)
    assert len(room.registry) == 1


async def test_another_token_s_key_is_another_key(room: Room) -> None:
    first = await room.ask("alice", key="k")
    second = await room.ask("bruno", key="k", actor=SHOP)
    assert first.id != second.id


async def test_another_key_is_another_order(room: Room) -> None:
    await room.ask(key="k1")
    with pytest.raises(Refused, match="is in call"):
        await room.ask(key="k2")


async def test_a_refused_order_leaves_its_key_free(room: Room) -> None:
    with pytest.raises(Refused):
        await room.ask(key="k", to="112")
    assert not (await room.ask(key="k")).replayed


async def test_fifty_at_once_are_one_call(room: Room) -> None:
    answers = await asyncio.gather(*(room.ask(key="k") for _ in range(50)))
    assert len({answer.id for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert not room.service._acceptor._running


async def test_two_orders_at_once_under_one_key(room: Room) -> None:
    results = await asyncio.gather(room.ask("alice", key="k"), room.ask("bruno", key="k"), return_exceptions=True)
    assert [r.rule for r in results if isinstance(r, Refused)] == ["idempotency-key-reused"]
    assert len(room.registry) == 1


async def test_a_retry_after_the_asker_gave_up_finds_the_call(room: Room) -> None:
    """An application that waits too little must not hear `agent-busy` of its own first order."""
    room.notary.gate = asyncio.Event()
    first = asyncio.create_task(room.ask(key="k"))
    await room.until(lambda: room.notary.handed)
    first.cancel()
    await asyncio.wait([first])
    retry = asyncio.create_task(room.ask(key="k"))
    waits = asyncio.create_task(room.ask(key="k"))
    await room.until(lambda: not first.cancelling() or first.done())
    waits.cancel()
    room.notary.gate.set()
    answer = await retry
    (task,) = room.registry
    assert (answer.id, answer.replayed) == (task.id, True)


@pytest.mark.parametrize("landed", [True, False])
async def test_the_key_outlives_the_engine(tmp_path: Path, exchange: Exchange, landed: bool) -> None:
    """Killed after the answer, or between the journal and the answer."""
    async with Room(tmp_path, exchange) as first:
        if landed:
            await first.ask(key="k")
        else:
            first.notary.gate = asyncio.Event()
            asked = asyncio.create_task(first.ask(key="k"))
            await first.until(lambda: first.notary.handed)
            await first.journal.steps("flushed")
            asked.cancel()
        for landing in list(first.service._acceptor._landing):
            landing.cancel()
    async with Room(tmp_path, exchange) as second:
        assert await second.service.resume() == 1
        answer = await second.ask(key="k")
        (task,) = second.registry
        assert (answer.id, answer.replayed) == (task.id, True)
        await second.reconciler.connected(exchange.picture)
        await second.until(lambda: second.phase(task.id, "agent") == "dialling")


async def test_a_key_that_appears_meanwhile_wins(room: Room) -> None:
    """Key and call are one transaction: whoever wrote first has the key, the other takes over the answer."""

    async def unknown(key: str, owner: str) -> None:
        return None

    first = await room.ask("alice", key="k")
    await room.service.finish(first.id, SHOP)
    await room.ended(first.id)
    room.notary.find_idempotency = unknown  # type: ignore[method-assign]
    again = await room.ask("alice", key="k")
    assert (again.id, again.replayed) == (first.id, True)
    assert (len(room.registry), room.board.in_use()) == (0, {})


async def test_a_key_without_a_call_is_somebody_else_s(room: Room) -> None:
    row = IdempotencyRow(key="k", owner="t-crm", body_hash="x", at=room.clock.now().utc)
    await room.journal.report((), idempotency=row)
    with pytest.raises(Refused) as refused:
        await room.ask(key="k")
    assert refused.value.rule == "idempotency-key-reused"
    with pytest.raises(IdempotencyConflict):
        await room.journal.report((), idempotency=row)
    assert CallId("x") not in [task.id for task in room.registry]
