"""An agent's mobile is a number the company pays for: it obeys the rules of every other number."""

import pytest

from engine.domain.values import E164
from engine.errors import Refused
from tests.calls.exchange import Exchange
from tests.calls.room import Room, agent, directory


@pytest.mark.parametrize(
    ("mobile", "rule"),
    [
        ("+33899123456", "destination-premium"),
        ("+447400123456", "destination-international"),
        ("+882161234567", "destination-satellite"),
        ("+33810123456", "destination-shared-cost"),
        ("+999123456789", "mobile-not-dialable"),
    ],
)
async def test_a_mobile_that_may_not_be_dialled_is_not_rung(
    room: Room, exchange: Exchange, mobile: str, rule: str
) -> None:
    room.source.directory = directory(agent("alice", mobile=E164(mobile)))
    with pytest.raises(Refused) as refused:
        await room.ask()
    assert (refused.value.rule, refused.value.status) == (rule, 403)
    assert "mobile of agent alice" in refused.value.message
    assert (exchange.orders, room.board.in_use()) == ([], {})


async def test_a_mobile_abroad_is_rung_where_its_country_is_allowed(room: Room) -> None:
    room.source.directory = directory(
        agent("alice", mobile=E164("+447400123456"), rights=("local", "mobile", "international")),
        dialable_countries=("GB",),
    )
    await room.agent_rung()


async def test_it_is_no_matter_in_sip_mode(room: Room, exchange: Exchange) -> None:
    room.source.directory = directory(agent("alice", mode="sip", mobile=E164("+33899123456")))
    assert (await room.ask()).id
