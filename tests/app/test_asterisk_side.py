"""What the engine asks of Asterisk outside any call, and what it makes of the answers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from engine.app import asterisk_side as module
from engine.app.asterisk_side import AsteriskSide
from engine.app.control import Control, asterisk_settings
from engine.app.directories import CurrentDirectory
from engine.app.phones import AsteriskPhones
from engine.ari.requests import AriRequests
from engine.ari.resources import ChannelSnapshot
from engine.calls.clock import Clock
from engine.domain import ids
from engine.domain.dialstring import Phone
from engine.domain.values import CallId, ChannelId, PlaybackId, Slug
from engine.errors import Unavailable
from engine.settings import AriSettings, AsteriskSettings, Settings
from tests.ari.conftest import ari, fake, pools
from tests.ari.fake_asterisk import Answer, FakeAsterisk, answers
from tests.calls.room import agent, directory, trunk

__all__ = ["ari", "fake", "pools"]

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIRST, SECOND = PlaybackId("p1"), PlaybackId("p2")


@pytest.fixture
def side(ari: AriRequests, tmp_path: Path) -> AsteriskSide:
    source = CurrentDirectory(directory(trunk("paris-1"), trunk("paris-2"), trunk("unasked")))
    clock = Clock(kernel=lambda: 1000.0, wall=lambda: NOON, boot="b")
    return AsteriskSide(ari, source, clock, tmp_path / "cel.csv")


def evaluates(fake: FakeAsterisk, value: str, made_by: str = "POST /channels/create") -> None:
    """Asterisk evaluates one function, on the channel that was made for it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        fake.scripted[request.path.removeprefix("/ari")].clear()
        return web.json_response({"value": value})

    async def created(request: web.Request) -> web.StreamResponse:
        probe = request.query["channelId"]
        fake.next_answer(f"GET /channels/{probe}/variable", answer)
        return web.Response(status=200)

    fake.next_answer(made_by, created)


# -- phones and prompts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("", []),
        ("PJSIP/alice-k7/sip:a@127.0.0.9:5070", ["sip:a@127.0.0.9:5070"]),
        (
            "PJSIP/alice-k7/sip:a@127.0.0.9:5070&PJSIP/alice-k7/sip:b@127.0.0.9:5071;ob",
            ["sip:a@127.0.0.9:5070", "sip:b@127.0.0.9:5071;ob"],
        ),
    ],
)
async def test_the_phones_of_an_account(
    side: AsteriskSide, fake: FakeAsterisk, listed: str, expected: list[str]
) -> None:
    evaluates(fake, listed)
    assert await side.registered_phones(agent("alice")) == [Phone("alice-k7", contact) for contact in expected]
    assert [name.split()[0] for name in fake.seen] == ["POST", "GET", "DELETE"]  # the probe is gone again


async def test_a_browsers_account_is_asked_for_as_well(side: AsteriskSide, fake: FakeAsterisk) -> None:
    evaluates(fake, "PJSIP/alice-k7/sip:a@127.0.0.9:5070")
    evaluates(fake, "PJSIP/alice-k7.web/sip:b@127.0.0.9:53412;transport=ws")
    assert await side.registered_phones(agent("alice", webrtc=True)) == [
        Phone("alice-k7", "sip:a@127.0.0.9:5070"),
        Phone("alice-k7.web", "sip:b@127.0.0.9:53412;transport=ws"),
    ]


async def test_an_asterisk_that_cannot_be_asked_for_phones_is_an_error(side: AsteriskSide, fake: FakeAsterisk) -> None:
    fake.next_answer("POST /channels/create", answers(403))
    with pytest.raises(Unavailable):
        await side.registered_phones(agent("alice"))


async def test_prompts_that_live_and_those_that_ended(side: AsteriskSide, fake: FakeAsterisk) -> None:
    fake.next_answer(f"GET /playbacks/{FIRST}", answers(200, {"id": FIRST, "state": "playing"}))
    fake.next_answer(f"GET /playbacks/{SECOND}", answers(404))
    assert await side.living_playbacks([FIRST, SECOND]) == {FIRST}
    assert await side.living_playbacks([]) == frozenset()


async def test_a_prompt_nobody_can_tell_about_is_taken_to_live(side: AsteriskSide, fake: FakeAsterisk) -> None:
    """Believing it ended would play the next one over it; its own end is told sooner or later, or its timer ends it."""
    fake.next_answer(f"GET /playbacks/{FIRST}", answers(403))
    assert await side.living_playbacks([FIRST]) == {FIRST}


# -- answers in the clear ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("media", "told", "ended"),
    [
        ("sdes", answers(500), True),
        ("sdes", answers(200, {"value": "1"}), False),
        ("sdes", answers(404), False),  # gone meanwhile
        ("none", answers(500), False),
    ],
)
async def test_an_encrypted_trunks_answer_without_media_is_hung_up(
    ari: AriRequests,
    fake: FakeAsterisk,
    tmp_path: Path,
    *,
    media: Literal["none", "sdes"],
    told: Answer,
    ended: bool,
) -> None:
    encrypted = msgspec.structs.replace(trunk("paris-1"), media_encryption=media)
    side = AsteriskSide(ari, CurrentDirectory(directory(encrypted)), Clock(boot="b"), tmp_path / "cel.csv")
    fake.next_answer("GET /channels/c1/variable", told)
    fake.next_answer("DELETE /channels/c1", answers(403))  # whatever comes of it
    answered = ChannelSnapshot(id="c1", name="PJSIP/trunk-paris-1-0000001f", state="Up")
    assert await side.ends_in_the_clear(answered) is ended
    assert ("DELETE /channels/c1" in fake.seen) is ended
    assert not await side.ends_in_the_clear(ChannelSnapshot(id="c2", name="PJSIP/anne-4f7a-0000001f", state="Up"))


# -- how channels ended unseen -----------------------------------------------------------------------------------------


def hung_up(side: AsteriskSide, *lines: tuple[str, datetime, int]) -> None:
    text = "".join(
        f'"{at.timestamp():.6f}","{channel}","{channel}","PJSIP/x-1","{{""hangupcause"":{cause}}}"\n'
        for channel, at, cause in lines
    )
    side._hangups.write_text(text)


def test_ends_come_with_their_time_and_cause(side: AsteriskSide) -> None:
    hung_up(side, ("c1", NOON - timedelta(seconds=30), 17), ("c2", NOON, 16), ("c3", NOON, 31))
    _, found = side.past(frozenset([ChannelId("c1"), ChannelId("c2")]), NOON - timedelta(hours=1))
    assert {channel: (end.at.mono, end.cause, end.sip_code) for channel, end in found.items()} == {
        "c1": (970.0, 17, None),
        "c2": (1000.0, 16, None),
    }


def test_answers_come_with_their_time(side: AsteriskSide) -> None:
    side._hangups.write_text(f'"{NOON.timestamp() - 5:.6f}","c1","c1","PJSIP/x-1","","ANSWER"\n')
    answers, endings = side.past(frozenset([ChannelId("c1")]), NOON - timedelta(hours=1))
    assert ({channel: at.mono for channel, at in answers.items()}, endings) == ({"c1": 995.0}, {})


def test_a_log_that_is_not_there_tells_nothing(side: AsteriskSide) -> None:
    assert side.past(frozenset([ChannelId("c1")]), NOON) == ({}, {})


# -- trunks ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def watched(
    side: AsteriskSide, fake: FakeAsterisk, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[dict[str, Answer]]:
    """The trunks are looked at all the time; what Asterisk answers about each may be changed."""
    told: dict[str, Answer] = {name: endpoint(name, "online") for name in ("paris-1", "paris-2")}
    told["unasked"] = endpoint("unasked", "offline")
    monkeypatch.setattr(module, "WATCH_EVERY_S", 0.01)
    for name in told:
        fake.scripted[f"GET /endpoints/PJSIP/trunk-{name}"] = Endless(told, name)
    told["channels"] = answers(200, [])
    fake.scripted["GET /channels"] = Endless(told, "channels")
    fake.scripted["POST /channels/create"] = Endless({"": lets_evaluate(fake)}, "")
    watching = asyncio.create_task(side.watch_trunks())
    yield told
    assert not watching.done()
    watching.cancel()


class Endless(list[Answer]):
    """Whatever is told now, as often as it is asked."""

    def __init__(self, told: dict[str, Answer], name: str) -> None:
        super().__init__([told[name]])
        self._told, self._name = told, name

    def pop(self, _: object = -1) -> Answer:
        return self._told[self._name]


def lets_evaluate(fake: FakeAsterisk) -> Answer:
    """Channels made for a question about the contacts of a trunk: `unasked` has one that was not asked yet."""

    async def contacts(request: web.Request) -> web.StreamResponse:
        unasked = "trunk-unasked" in request.query["variable"]
        return web.json_response({"value": "PJSIP/trunk-unasked/sip:192.0.2.1" if unasked else ""})

    async def created(request: web.Request) -> web.StreamResponse:
        fake.next_answer(f"GET /channels/{request.query['channelId']}/variable", contacts)
        return web.Response(status=200)

    return created


def endpoint(name: str, state: str) -> Answer:
    return answers(200, {"technology": "PJSIP", "resource": f"trunk-{name}", "state": state, "channel_ids": []})


async def until_down(side: AsteriskSide, *down: str) -> None:
    names = ("paris-1", "paris-2", "unasked")
    async with asyncio.timeout(30):
        while {name for name in names if side.is_down(Slug(name))} != set(down):  # noqa: ASYNC110 - bounded
            await asyncio.sleep(0.005)


async def test_a_trunk_that_does_not_answer_is_down_until_it_does(
    side: AsteriskSide, watched: dict[str, Answer]
) -> None:
    assert not side.is_down(Slug("paris-1"))  # nothing known yet counts as up
    watched["paris-1"] = endpoint("paris-1", "offline")
    await until_down(side, "paris-1")
    watched["paris-2"] = answers(404)  # Asterisk has no such endpoint: nothing can go out by it
    await until_down(side, "paris-1", "paris-2")
    watched["paris-1"] = endpoint("paris-1", "unknown")  # not looked after: counts as up
    watched["paris-2"] = endpoint("paris-2", "online")
    await until_down(side)


async def test_a_trunk_that_was_not_asked_yet_may_be_dialled(side: AsteriskSide, watched: dict[str, Answer]) -> None:
    """Offline to Asterisk, which would dial it all the same: nobody is refused in a new trunk's first seconds."""
    watched["paris-1"] = endpoint("paris-1", "offline")  # a whole look at all of them has come by
    await until_down(side, "paris-1")
    assert not side.is_down(Slug("unasked"))


async def test_what_is_known_stays_while_asterisk_cannot_be_asked(
    side: AsteriskSide, watched: dict[str, Answer], fake: FakeAsterisk
) -> None:
    watched["paris-1"] = endpoint("paris-1", "offline")
    await until_down(side, "paris-1")
    with capture_logs() as logs:
        watched["paris-1"] = answers(403)
        async with asyncio.timeout(30):
            while "trunks.unknown" not in [line["event"] for line in logs]:  # noqa: ASYNC110 - bounded
                await asyncio.sleep(0.005)
    assert side.is_down(Slug("paris-1"))


def on(name: str, **more: Any) -> dict[str, Any]:
    return {"id": "1795201746.7", "state": "Up", "name": name} | more


IN_DIAL = {"context": "from-trunks", "exten": "", "priority": 1, "app_name": "AppDial", "app_data": "(Outgoing Line)"}
OURS = {"context": "from-trunks", "exten": "s", "priority": 1, "app_name": "Stasis"}


async def test_channels_in_no_call_of_ours_are_counted(
    side: AsteriskSide, watched: dict[str, Answer], fake: FakeAsterisk, ari: AriRequests
) -> None:
    """Emergency calls, and those of another engine; not callers who are about to be let in, nor what we just made."""
    call = CallId("01931f6e-7c1a-7b3a-8f7a-000000000001")
    listed = [
        on("PJSIP/trunk-paris-1-0000001a", dialplan=IN_DIAL),
        on("PJSIP/trunk-paris-1-0000001b", dialplan={**IN_DIAL, "context": "standardiste-refusal"}),
        on("PJSIP/trunk-paris-1-0000001c", dialplan={**OURS, "app_data": f"{ari.app},inbound"}),
        on("PJSIP/trunk-paris-1-0000001d", dialplan={**OURS, "context": "standardiste-hand-over", "app_name": "Wait"}),
        on("PJSIP/trunk-paris-1-0000001e", id=ids.channel_id(call, "customer", 1)),
        on("PJSIP/trunk-paris-2-0000001f", dialplan={**OURS, "app_data": "another,inbound"}),
        on("PJSIP/alice-k7-00000020", dialplan=IN_DIAL),
    ]
    watched["channels"] = answers(200, listed)
    async with asyncio.timeout(30):
        while not side.held_by_others(Slug("paris-1")):  # noqa: ASYNC110 - bounded
            await asyncio.sleep(0.005)
    held = {name: side.held_by_others(Slug(name)) for name in ("paris-1", "paris-2", "unasked")}
    assert held == {"paris-1": 2, "paris-2": 1, "unasked": 0}


# -- registrations, and what the configuration room asks ---------------------------------------------------------------


async def test_registrations_of_ended_accounts_are_dropped(fake: FakeAsterisk, ari: AriRequests) -> None:
    evaluates(fake, "alice-k7;@1,alice-k7;@2")
    phones = AsteriskPhones(ari)
    names = await phones.registrations(["alice-k7"])
    assert names == ["alice-k7;@1", "alice-k7;@2"]
    await phones.drop(names)
    assert sum(name.startswith("DELETE /asterisk/config/dynamic/res_pjsip/contact/") for name in fake.seen) == 2


async def test_registrations_that_cannot_be_asked_or_dropped_are_reported(fake: FakeAsterisk, ari: AriRequests) -> None:
    phones = AsteriskPhones(ari)
    fake.next_answer("POST /channels/create", answers(403))
    fake.next_answer("DELETE /asterisk/config/dynamic/res_pjsip/contact/alice-k7;@1", answers(403))
    with capture_logs() as logs:
        assert await phones.registrations(["alice-k7"]) == []
        await phones.drop(["alice-k7;@1"])
    assert [line["event"] for line in logs] == ["phones.unknown", "phones.not_dropped"]


async def test_the_configuration_room_asks_by_ari(fake: FakeAsterisk, ari: AriRequests) -> None:
    control = Control(ari)
    fake.globals["STAMP"] = "abc"
    fields = [{"attribute": "context", "value": "paris"}]
    fake.next_answer("GET /asterisk/config/dynamic/res_pjsip/endpoint/alice-k7", answers(200, fields))
    fake.next_answer("GET /asterisk/config/dynamic/res_pjsip/endpoint/nobody", answers(404))
    assert await control.get_global("STAMP") == "abc"
    assert await control.object_fields("endpoint", "alice-k7") == {"context": "paris"}
    assert await control.object_fields("endpoint", "nobody") is None
    evaluates(fake, "1", "POST /channels")
    assert await control.absent_steps(["from-agents,112,1"]) == []
    await control.reload_module("res_pjsip.so")
    assert fake.seen[-1] == "PUT /asterisk/modules/res_pjsip.so"


def test_what_the_files_need_to_know_of_this_asterisk(tmp_path: Path) -> None:
    settings = Settings(
        asterisk=AsteriskSettings(config_dir=tmp_path, sip_host="192.0.2.1", sip_port=5080),
        ari=AriSettings(app="other"),
    )
    made = asterisk_settings(settings, "secret")
    assert (made.paths.etc, made.sip_address, made.sip_port) == (tmp_path, "192.0.2.1", 5080)
    assert (made.app, made.ari_secret) == ("other", "secret")
