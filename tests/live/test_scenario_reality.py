"""The conversations of the shipped scenarios, held in the simulator and on the real Asterisk: the same way in both.

Each is led by a copy of its scenario that differs only in whom it names: its groups have one member, who does what the
conversation says of the group, and its calendar is open or closed as the conversation has it. All are held at once.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import pytest_asyncio

from engine.domain.directory import Agent, Application, Calendar, Directory, Group, Number, ToApplication
from engine.domain.scenario.graph import Program
from engine.domain.scenario.run import Recording, Run
from engine.domain.values import E164, Extension, Slug
from engine.sandbox.behaviours import mobile
from engine.sandbox.example import example_directory
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from engine.scenarios.conversations import AnyStep, Conversation, HangUp, Press, SayNothing, Speak, Told, load
from engine.scenarios.conversing import hold
from engine.scenarios.hearing import Ears
from engine.scenarios.program import load_program
from engine.scenarios.testing import file_of
from engine.sounds.texts import words
from tests import crowd
from tests.live import speech
from tests.live.test_scenarios import A_CALL_S, Caller, Place

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="session")]

FOLDER = Path(__file__).resolve().parents[2] / "ivr_scenarios"
PARIS, TRUNK = Slug("paris"), Slug("paris-1")
PLAYED = (Slug("standard"), Slug("departement"), Slug("rappel"), Slug("satisfaction"))
STORES = ("reception", "everybody", "support")  # mailboxes and queues, whose groups ring nobody here
ANYBODY = "+33612345678"
MANNERS = {"talked": "26", "after": "26", "not_taken": "72", "busy": "70"}  # `nobody` has no telephone
EARS = Ears(house=words)


@cache
def program(scenario: Slug) -> Program:
    loaded = load_program(FOLDER, scenario).program
    assert loaded is not None
    return loaded


class Played(NamedTuple):
    """A conversation, and the copy of its scenario that leads it."""

    scenario: Slug
    number: int
    conversation: Conversation

    @property
    def copy(self) -> Slug:
        return Slug(f"{self.scenario}-{self.number:02d}")

    @property
    def did(self) -> E164:
        return E164(f"+331400001{self.number:02d}")

    @property
    def answers(self) -> dict[str, str]:
        """What the world answers, by what is asked."""
        told = {step.asked: step.answer.outcome for step in self.conversation.steps if isinstance(step, Told)}
        return {asked: answers[0].outcome for asked, answers in self.conversation.mocks.items()} | told

    @property
    def people(self) -> dict[str, Agent]:
        """The one member of each group that the scenario names, and whoever is at the switchboard."""
        groups = re.findall(r"\bgroup: ([a-z-]+)", self._text)
        return {name: self._person(place, name) for place, name in enumerate(dict.fromkeys(("switchboard", *groups)))}

    def _person(self, place: int, name: str) -> Agent:
        manner = MANNERS.get(self.outcome(name))
        number = mobile(manner, ring_s=0.5, tone_hz=600 + 20 * place, serial=self.number) if manner else None
        return Agent(
            id=Slug(f"{name}-{self.number:02d}"),
            name=f"{name} {self.number}",
            site=PARIS,
            extension=Extension(str(4000 + 10 * self.number + place)),
            secret=f"a-long-secret-{self.number:02d}-{place}",
            sip_user=f"{name}-{self.number:02d}-sip",
            mode="mobile" if number else "sip",
            mobile=E164(number) if number else None,
            mobile_permitted=number is not None,
        )

    def outcome(self, name: str) -> str:
        """What becomes of whoever is sought at this group, or at the switchboard."""
        asked = ("transfer switchboard", "transfer") if name == "switchboard" else (f"group {name}",)
        return next((self.answers[one] for one in asked if one in self.answers), "nobody")

    @property
    def _text(self) -> str:
        return (FOLDER / self.scenario / "scenario.yaml").read_text(encoding="utf-8")

    @property
    def files(self) -> dict[str, str]:
        """Of the copy, with all conversations of the scenario."""
        conversations = file_of(FOLDER, self.scenario).read_text(encoding="utf-8")
        return {
            f"{self.copy}/scenario.yaml": self._renamed(self._text),
            f"{self.copy}/{self.copy}.test.yaml": self._renamed(conversations),
        }

    def _renamed(self, text: str) -> str:
        text = re.sub(r"(?m)^scenario: .*", f"scenario: {self.copy}", text)
        text = re.sub(r"\bgroup: ([a-z-]+)", rf"group: \1-{self.number:02d}", text)
        text = re.sub(r"\bgroup ([a-z-]+):", rf"group \1-{self.number:02d}:", text)
        text = text.replace("switchboard: yes", f"extension: {self.people['switchboard'].extension}")
        text = text.replace("transfer switchboard", "transfer")
        return re.sub(r"\b(calendar:|hours) office\b", rf"\1 office-{self.answers.get('hours office', 'open')}", text)

    def simulated(self, steps: Iterable[AnyStep]) -> Run:
        """How far one comes in the simulator by these steps."""
        so_far = msgspec.structs.replace(self.conversation, steps=tuple(steps), path=None, result=None)
        return hold(program(self.scenario), so_far, ears=EARS).run

    @property
    def way(self) -> list[str]:
        """The whole way in the simulator, node=outcome."""
        return [f"{visit.node}={visit.outcome}" for visit in self.simulated(self.conversation.steps).path]

    @property
    def unplayable(self) -> str | None:
        """Why it cannot be held for real."""
        faults = [asked for asked, outcome in self.answers.items() if outcome in ("error", "holiday", "refused")]
        if faults:
            return f"`{faults[0]}` answers {self.answers[faults[0]]} here, which no sound house does"
        if self.conversation.caller.caller != ANYBODY:
            return f"the far end's callers show a mobile number, not {self.conversation.caller.caller!r}"
        records = any(place.partition("=")[2] in ("left", "recorded", "empty") for place in self.way)
        if records and any(isinstance(step, SayNothing) for step in self.conversation.steps):
            return "the far end's callers are never silent, as this one is in a recording"
        return None


ALL = [
    Played(name, number, conversation)
    for number, (name, conversation) in enumerate(
        (name, conversation) for name in PLAYED for conversation in load(file_of(FOLDER, name))
    )
]
FOR_REAL = [one for one in ALL if one.unplayable is None]


def company(box: Sandbox) -> Directory:
    """A number, an application and people for each conversation."""
    known = example_directory(box.farend)
    sites = {**known.sites, PARIS: msgspec.structs.replace(known.sites[PARIS], extensions=(4000, 4999))}
    trunks = {TRUNK: msgspec.structs.replace(known.trunks[TRUNK], channels=200)}
    people = [agent for one in FOR_REAL for agent in one.people.values()]
    groups = [
        Group(id=agent.id, name=agent.name, site=PARIS, extension=Extension(str(4500 + place)), members=(agent.id,))
        for place, agent in enumerate(people)
    ] + [
        Group(id=Slug(name), name=name, site=PARIS, extension=Extension(str(4990 + place)))
        for place, name in enumerate(STORES)
    ]
    calendars = [
        Calendar(id=Slug(f"office-{state}"), name=state, site=PARIS, hours=hours)
        for state, hours in (("open", "24/7"), ("closed", "off"))
    ]
    applications = [Application(id=one.copy, name=one.copy, site=PARIS, scenario=one.copy) for one in FOR_REAL]
    numbers = [
        Number(id=one.did, trunk=TRUNK, target=ToApplication(one.copy), language=one.conversation.caller.language)
        for one in FOR_REAL
    ]
    return Directory(
        revision=1,
        sites=sites,
        trunks=trunks,
        agents={one.id: one for one in people},
        groups={one.id: one for one in groups},
        calendars={one.id: one for one in calendars},
        applications={one.id: one for one in applications},
        numbers={one.id: one for one in numbers},
    )


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def place() -> AsyncIterator[Place]:
    async with Sandbox("reality") as box:
        await speech.to_be_found()
        limits = {"limits": {"setups_per_s": 1000.0, "loop_lag_s": 5.0}}
        async with RunningEngine(box, crowd.written(box, company(box)), settings=limits) as engine:
            for one in FOR_REAL:
                published = await engine.post(f"/v1/scenarios/{one.copy}/publish", {"files": one.files})
                assert published.status == 200, published.body
            yield Place(box, engine)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def ways(place: Place) -> dict[Slug, list[str]]:
    """The way in the record of every conversation held for real."""
    came = await asyncio.gather(*(held_for_real(place, one) for one in FOR_REAL))
    return dict(zip((one.copy for one in FOR_REAL), came, strict=True))


async def held_for_real(place: Place, one: Played) -> list[str]:
    caller = await place.calls(one.did)
    await place.box.farend.until(lambda: caller.call.answered_at is not None, timeout_s=A_CALL_S)
    talking = asyncio.create_task(talks(place, one, caller))
    for number, step in enumerate(one.conversation.steps):
        await do(place, one, caller, number, step)
    await caller.is_gone()
    await talking
    return [step.partition("/")[2] for step in (await place.row_of(caller.number))["ivr_path"]]


async def do(place: Place, one: Played, caller: Caller, number: int, step: AnyStep) -> None:
    """What the caller does: what they hear, and what others do, comes by itself."""
    match step:
        case Press(keys=keys):
            await caller.is_at(one.simulated(one.conversation.steps[:number]).node)
            await caller.presses(keys)
        case Speak():
            await caller.records()
        case HangUp():
            run = one.simulated(one.conversation.steps[:number])
            await caller.is_at(run.node)
            if isinstance(run.phase, Recording):
                await caller.is_recorded()
            await place.box.farend.hang_up(caller.number)


async def talks(place: Place, one: Played, caller: Caller) -> None:
    """Once they talk the caller hangs up, or the other when the caller goes on after that."""
    ending = next(
        (visit.outcome for visit in one.simulated(one.conversation.steps).path if is_talk(visit.outcome)), None
    )
    if ending is None:
        return

    async def talking() -> bool:
        return bool((await place.call_of(caller.number)).get("talking"))

    await crowd.until(talking, timeout_s=A_CALL_S)
    reached = [agent.mobile for agent in one.people.values() if agent.mobile is not None]
    live = [number for number in reached if any(call.live for call in place.box.farend.calls(number))]
    for number in [caller.number] if ending == "talked" else live:
        await place.box.farend.hang_up(number)


def is_talk(outcome: str | None) -> bool:
    return outcome in ("talked", "after")


def case(one: Played) -> Any:
    skip = [pytest.mark.skip(reason=one.unplayable)] if one.unplayable is not None else []
    return pytest.param(one, id=f"{one.scenario}: {one.conversation.name}", marks=skip)


@pytest.mark.parametrize("one", [case(one) for one in ALL])
async def test_a_conversation_goes_the_same_way_on_asterisk(one: Played, ways: dict[Slug, list[str]]) -> None:
    way = ways[one.copy]
    if isinstance(one.simulated(one.conversation.steps[:-1]).phase, Recording) and way[-1].endswith("=hung up"):
        way = way[:-1]  # Asterisk told the end of the recording before the hang-up: nobody heard what came then
    assert way == one.way
