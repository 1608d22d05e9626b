"""Calls by a link: only from the addresses named, only for the agent at that extension, and never without a trace."""

from collections.abc import Sequence
from typing import Any, cast

import msgspec
import pytest

from engine.app.call_links import CallLinks
from engine.app.directories import CurrentDirectory
from engine.calls.contract import Accepted, Actor, ConnectOrder
from engine.domain.values import CallId
from engine.errors import UnknownThing
from engine.journal import OutboxRow
from engine.sections import WrongSettings, made
from engine.settings import HttpSettings
from engine.store.outbox import AuditPayload
from tests.calls.room import agent, directory


class Calls:
    def __init__(self) -> None:
        self.asked: list[tuple[ConnectOrder, Actor, str | None]] = []

    async def originate(self, order: ConnectOrder, actor: Actor, idempotency_key: str | None) -> Accepted:
        self.asked.append((order, actor, idempotency_key))
        return Accepted(id=CallId("1"), state="reaching-agent")


class Audit:
    def __init__(self) -> None:
        self.rows: list[AuditPayload] = []

    async def report(self, rows: Sequence[OutboxRow]) -> None:
        self.rows += [msgspec.json.decode(row.payload, type=AuditPayload) for row in rows]


def links(*sources: str) -> tuple[CallLinks, Calls, Audit]:
    calls, audit = Calls(), Audit()
    current = CurrentDirectory(directory(agent("alice")))
    return CallLinks(cast("Any", calls), current, audit, sources), calls, audit


@pytest.mark.parametrize(
    ("source", "inside", "outside"),
    [
        ("192.0.2.7", ("192.0.2.7", "::ffff:192.0.2.7"), ("192.0.2.8", "::1", "127.0.0.1")),
        ("192.0.2.0/24", ("192.0.2.1", "192.0.2.255"), ("192.0.3.1",)),
        ("fe80::/10", ("fe80::1", "fe80::1%eth0"), ("2001:db8::1", "192.0.2.1")),
    ],
)
def test_who_is_let_in(source: str, inside: tuple[str, ...], outside: tuple[str, ...]) -> None:
    door = links(source)[0]
    assert all(map(door.let_in, inside))
    assert not any(map(door.let_in, outside))


async def test_the_order_is_the_agents_own() -> None:
    door, calls, _ = links("127.0.0.1")
    await door.place("alice", "2001", "01 40 00 00 02", "127.0.0.1")
    ((order, actor, key),) = calls.asked
    assert (order.agent, order.to, key) == ("alice", "01 40 00 00 02", None)
    assert (actor.agent, actor.token_id) == ("alice", "link:127.0.0.1")
    assert actor.scopes == {"calls:create"}


@pytest.mark.parametrize(("user", "extension"), [("alice", "2002"), ("bob", "2001"), ("", ""), ("alice", "")])
async def test_another_extension_is_nobody_and_is_written_down(user: str, extension: str) -> None:
    door, calls, audit = links("127.0.0.1")
    with pytest.raises(UnknownThing):
        await door.place(user, extension, "0140000002", "127.0.0.1")
    assert calls.asked == []
    ((row),) = audit.rows
    assert (row.action, row.rule, row.actor) == ("call.originate", "unknown-agent", "link from 127.0.0.1")
    assert row.request == {"agent": user, "extension": extension, "to": "0140000002"}


@pytest.mark.parametrize("source", ["0.0.0.0/0", "::/0", "everybody", "192.0.2.0/33"])
def test_everybody_is_no_address(source: str) -> None:
    with pytest.raises(WrongSettings):
        made(HttpSettings, {"call_links": [source]})
