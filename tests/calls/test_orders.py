"""What an application was promised is in the journal before it hears the promise."""

import asyncio

from engine.domain.cdr import Disposition
from tests.calls.exchange import Exchange
from tests.calls.room import CRM, Room

SOLD = Disposition(code="sold")


async def test_a_finish_is_answered_once_it_is_journalled(room: Room, exchange: Exchange) -> None:
    call_id = await room.talking()
    room.notary.gate = asyncio.Event()
    finishing = asyncio.create_task(room.service.finish(call_id, CRM, SOLD))
    await room.until(lambda: b'"FinishOrdered"' in room.notary.handed[-1][0].event)
    assert not finishing.done()
    room.notary.gate.set()
    await finishing
    assert "FinishOrdered" in await room.events(call_id)
    await room.ended(call_id)


async def test_a_disposition_is_answered_once_it_is_journalled(room: Room, exchange: Exchange) -> None:
    call_id = await room.talking()
    await room.service.dispose(call_id, SOLD, CRM)
    assert (await room.events(call_id))[-1] == "Disposed"


async def test_an_order_that_meets_the_end_is_answered_and_its_disposition_kept(room: Room, exchange: Exchange) -> None:
    call_id = await room.talking()
    exchange.ends(room.channel(call_id, "customer"), 16)
    exchange.ends(room.channel(call_id, "agent"), 16)
    orders = [room.service.finish(call_id, CRM, SOLD), room.service.finish(call_id, CRM)]
    async with asyncio.timeout(30):
        await asyncio.gather(*orders)
    await room.ended(call_id)
    await room.quiet()
    assert room.call(call_id).disposition == SOLD


async def test_an_order_is_answered_while_the_journal_takes_nothing(room: Room, exchange: Exchange) -> None:
    """Living calls are controlled from memory then."""
    call_id = await room.talking()
    exchange.strict = False
    room.notary.broken = lambda step: True
    async with asyncio.timeout(30):
        await room.service.finish(call_id, CRM)
    assert (await room.ended(call_id)).hangup_by == "api"
