"""An agent's browsers: enrolled and ended with the agent, each with an account beside the telephones'."""

import pytest

from engine.domain.values import Slug
from engine.errors import InvalidValue
from tests.app.test_directory_service import MARIE, OPS, Room, asterisk, refusal, room

__all__ = ["asterisk", "room"]

BROWSING = {**MARIE, "webrtc": True}


async def test_enrolling_tells_a_browser_its_account(room: Room) -> None:
    enrolled = await room.book.enrol("zoe", {"name": "Zoe", "site": "paris", "webrtc": True}, OPS)
    user = room.current.directory.agents[Slug("zoe")].sip_user
    assert enrolled.webrtc is not None
    assert (enrolled.webrtc.user, enrolled.webrtc.secret) == (f"{user}.web", enrolled.settings.secret)
    assert enrolled.webrtc.url == "wss://192.0.2.1/ws"
    assert room.endpoints > {user, f"{user}.web"}
    assert await room.same_everywhere()
    assert (await room.book.enrol("paul", {"name": "Paul", "site": "paris"}, OPS)).webrtc is None


@pytest.mark.parametrize(
    ("change", "ended"),
    [
        ({"enabled": False}, ["", ".web"]),
        ({"secret": "another-secret-9"}, ["", ".web"]),
        ({"webrtc": False}, [".web"]),
        ({"name": "Marie D."}, []),
    ],
)
async def test_what_ends_of_an_agent_with_a_browser(room: Room, change: dict[str, object], ended: list[str]) -> None:
    await room.book.put("agent", "marie", BROWSING, OPS)
    user = room.current.directory.agents[Slug("marie")].sip_user
    await room.book.put("agent", "marie", {**BROWSING, **change}, OPS)
    assert room.phones.dropped == [f"{user}{which};@1" for which in ended]
    assert (f"{user}.web" in room.endpoints) == ("enabled" not in change and "webrtc" not in change)


async def test_a_removed_agents_browser_is_gone(room: Room) -> None:
    await room.book.put("agent", "marie", BROWSING, OPS)
    await room.book.remove("agent", "marie", OPS)
    assert [name.rpartition(".")[2] for name in room.phones.dropped][1:] == ["web;@1"]
    assert room.endpoints == {"trunk-yeastar"}


async def test_a_sip_user_too_long_for_it_is_refused(room: Room) -> None:
    refused = await refusal(room.book.put("agent", "marie", {**BROWSING, "sip_user": "m" * 61}, OPS), InvalidValue)
    assert "too long by 1" in refused.message
