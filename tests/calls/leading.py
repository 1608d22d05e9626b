"""Calls that a scenario leads, in the calls room: a program for every caller, and a house that answers."""

import asyncio
from pathlib import Path
from typing import Any

from engine.calls.ports import Answer
from engine.domain.call import Call
from engine.domain.directory import Agent, Alias, Application, Directory, Group, Number, ToApplication
from engine.domain.scenario.graph import Program
from engine.domain.scenario.talk import AnyQuestion
from engine.domain.values import CallId, ChannelId, Extension, PlaybackId, Slug
from tests.calls.exchange import Exchange
from tests.calls.room import Room, agent, directory, trunk
from tests.calls.test_arriving import CAME, OURS, SIP, arrive, by_trunk

SALES = Group(
    id=Slug("sales"),
    name="Sales",
    site=Slug("paris"),
    extension=Extension("2060"),
    members=(Slug("alice"), Slug("bruno")),
    ring_s=20,
)
HOTLINE = Application(
    id=Slug("hotline"), name="Hotline", site=Slug("paris"), scenario=Slug("main"), extension=Extension("2050")
)


class Published:
    """One program, which this node may forget."""

    def __init__(self, program: Program) -> None:
        self.program: Program | None = program

    def of_version(self, version: str) -> Program | None:
        return self.program

    def published(self, name: Slug, alias: Alias = "live") -> Program | None:
        return self.program


class Desk:
    """Answers what is asked, as a test says; `asked` is what left the call."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers, self.asked = list(answers), list[tuple[int, AnyQuestion]]()
        self.gate: asyncio.Event | None = None
        """Set: nothing is answered before it is."""

    async def answer(self, call: Call, number: int, question: AnyQuestion) -> Answer:
        self.asked.append((number, question))
        if self.gate is not None:
            await self.gate.wait()
        answer = self.answers.pop(0) if self.answers else Answer("error")
        if isinstance(answer, Exception):
            raise answer
        return answer


def held(*agents: Agent, **site: Any) -> Directory:
    """A house whose number and extension lead to an application; Alice works by telephone, Bruno by mobile."""
    people = agents or (agent("alice", **SIP), agent("bruno"))
    plain = directory(trunk("paris-1"), trunk("paris-2", priority=20), *people, **site)
    number = Number(id=OURS, trunk=Slug("paris-1"), target=ToApplication(HOTLINE.id))
    return Directory(
        revision=1,
        sites=plain.sites,
        trunks=plain.trunks,
        agents=plain.agents,
        groups={SALES.id: SALES},
        numbers={number.id: number},
        applications={HOTLINE.id: HOTLINE},
    )


class Led:
    """A room where every call is led by this program."""

    def __init__(
        self, path: Path, exchange: Exchange, program: Program, *answers: Answer | Exception, **more: Any
    ) -> None:
        self.path, self.exchange, self.published, self.desk = path, exchange, Published(program), Desk(*answers)
        self._more = more

    def room(self) -> Room:
        """One life of the engine."""
        self.exchange.phones = {"alice-k7": ["sip:alice-k7@127.0.0.9:5070"]}
        desk = None if self._more.get("no_desk") else self.desk
        return Room(self.path, self.exchange, held(), programs=self.published, answering=desk)

    async def call(self, room: Room) -> CallId:
        """A customer who is let in."""
        self.exchange.channels[CAME] = "down"
        return CallId((await arrive(room, by_trunk())).id)

    async def comes_back(self, room: Room) -> None:
        """A new engine takes up what the old one left."""
        await room.service.resume()
        await room.reconciler.connected(self.exchange.picture)

    async def hears(self, room: Room) -> None:
        """What is said now, to its end."""
        await room.until(lambda: self.exchange.playbacks)
        (playback,) = self.exchange.playbacks
        self.exchange.prompt_ends(PlaybackId(playback))

    async def presses(self, room: Room, keys: str, on: ChannelId = CAME) -> None:
        for key in keys:
            self.exchange.presses(on, key)
        await room.quiet()


def way(call: Call) -> list[str]:
    """The nodes the caller came by, with their outcomes."""
    assert call.run is not None
    return [f"{visit.node}={visit.outcome or ''}" for visit in call.run.path]
