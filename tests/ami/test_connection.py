"""The manager connection: what it sends, what it never sends, and how it comes back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from engine.ami import connection
from engine.ami.actions import DbPut
from engine.ami.connection import AmiConnection, AmiSettings
from engine.ami.errors import AmiAway, AmiRefused
from engine.ami.wire import framed
from engine.errors import InvalidValue
from tests.ami.fake_manager import FakeManager, fake_manager

SET = DbPut("incidents", "it-down", "1")


async def until(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - the condition is in another's hands
            await asyncio.sleep(0.01)


@pytest.fixture
async def manager() -> AsyncIterator[FakeManager]:
    async with fake_manager() as running:
        yield running


@asynccontextmanager
async def connected(manager: FakeManager, *, wait: bool = True) -> AsyncIterator[AmiConnection]:
    ami = AmiConnection(AmiSettings(port=manager.port, user="standardiste", secret="s;e"))
    task = asyncio.create_task(ami.run())
    try:
        if wait:
            await until(lambda: ami.ready)
        yield ami
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_it_signs_in_and_writes(manager: FakeManager) -> None:
    async with connected(manager) as ami:
        await ami.act(SET)
    assert manager.database == {"incidents/it-down": "1"}
    login = {key: value for key, value in manager.told[0].items() if key != "ActionID"}
    assert login == {"Action": "Login", "Username": "standardiste", "Secret": "s;e", "Events": "off"}


@pytest.mark.parametrize(
    "action",
    [
        DbPut("incidents", "x\r\nAction: Originate", "1"),
        DbPut("incidents", "it-down", "1\nVal: 2"),
        DbPut("incidents/..", "it-down", "1"),
        DbPut("incidents", "${SHELL(id)}", "1"),
        DbPut("incidents", "", "1"),
    ],
)
async def test_hostile_values_are_never_sent(manager: FakeManager, action: DbPut) -> None:
    async with connected(manager) as ami:
        with pytest.raises(InvalidValue):
            await ami.act(action)
        await ami.act(SET)
    assert manager.actions() == ["Login", "DBPut"]


def test_no_value_is_more_than_one_line() -> None:
    with pytest.raises(InvalidValue, match="more than one line"):
        framed([("Secret", "a\r\nAction: x")])


async def test_what_asterisk_refuses(manager: FakeManager) -> None:
    manager.refuses.add("DBPut")
    async with connected(manager) as ami:
        with pytest.raises(AmiRefused, match="Asterisk refused DbPut: No"):
            await ami.act(SET)


async def test_it_comes_back_when_asterisk_does(manager: FakeManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "AGAIN_FIRST_S", 0.01)
    async with connected(manager) as ami:
        await manager.stop()
        await until(lambda: not ami.ready)
        with pytest.raises(AmiAway):
            await ami.act(SET)
        await manager.start()
        await until(lambda: ami.ready)
        assert ami.epoch == 2
        await ami.act(SET)


async def test_an_asterisk_that_hangs_is_left(manager: FakeManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ANSWER_S", 0.1)
    monkeypatch.setattr(connection, "PING_EVERY_S", 0.01)
    monkeypatch.setattr(connection, "AGAIN_FIRST_S", 0.01)
    async with connected(manager) as ami:
        manager.silent = True
        await until(lambda: not ami.ready)
        manager.silent = False
        await until(lambda: ami.ready)


async def test_a_wrong_secret_is_told_and_tried_again(manager: FakeManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "AGAIN_FIRST_S", 0.01)
    manager.refuses.add("Login")
    async with connected(manager, wait=False) as ami:
        await until(lambda: len(manager.told) > 1)
        assert not ami.ready
        manager.refuses.clear()
        await until(lambda: ami.ready)


async def test_those_who_wait_are_told_when_it_goes(manager: FakeManager) -> None:
    async with connected(manager) as ami:
        manager.silent = True
        asking = asyncio.create_task(ami.act(SET))
        await until(lambda: manager.actions()[-1] == "DBPut")
        await manager.stop()
        with pytest.raises(AmiAway, match="closed its manager connection"):
            await asking
