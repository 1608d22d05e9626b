"""Callers in a scenario, on a real Asterisk: every kind of node, led by keys; what they hear is measured.

All of them call at once, each by a number of their own, and are followed by the node the engine says they are at.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web

from engine.domain.directory import Application, Calendar, Directory, Group, Number, ToApplication
from engine.domain.values import E164, Extension, Slug
from engine.sandbox import audio
from engine.sandbox.behaviours import coded, mobile, tone_of
from engine.sandbox.example import example_directory
from engine.sandbox.parties import FarCall, Phone
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd
from tests.crowd import until
from tests.live import hearing, speech

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="session")]

SCENARIOS = Path(__file__).with_name("scenarios")
TOUR, DESK = E164("+33140000040"), E164("+33140000041")
KNOWN = mobile("10", tone_hz=400, serial=99)
A_CALL_S = 60.0  # two silent turns of the longest menu, and what comes after
SPOKEN_S = 3.0
BYE = "Au revoir et à bientôt."
MENU = (
    "Tapez 1 pour un code, 2 pour un secret, 3 pour un message, 4 pour la maison, 5 pour le dehors, 6 pour être "
    "rappelé, 9 pour l'anglais."
)
WELCOME = "Bienvenue dans la visite guidée."


class Walk(NamedTuple):
    """What a caller does: the keys pressed at each node, once there; what they hear, and the way in the record."""

    keys: tuple[tuple[str, str], ...]
    heard: tuple[str, ...]
    path: str
    outcome: str = "served"
    caller: str = ""
    english: tuple[str, ...] = ()  # of what is heard, after the French


WALKS = {
    "says nothing": Walk(
        (), (WELCOME, MENU, "Nous n'avons rien entendu.", BYE), "welcome=done choose=no_input bye=ended"
    ),
    "presses what leads nowhere": Walk(
        (("choose", "8"), ("choose", "7")),
        (WELCOME, BYE),  # the second key cuts what is said about the first
        "welcome=done choose=no_match bye=ended",
    ),
    "types a code, clears it, and confirms": Walk(
        (("choose", "1"), ("code", "99*0123#"), ("code", "1")),
        (WELCOME, "Il vous reste", "5", "articles.", BYE),
        "welcome=done choose=key 1 code=done known=case 1 count=done said=done bye=ended",
    ),
    "types a code nobody knows": Walk(
        (("choose", "1"), ("code", "777#"), ("code", "1")),
        (WELCOME, "Ce code est inconnu.", BYE),
        "welcome=done choose=key 1 code=done known=else unknown=done bye=ended",
    ),
    "types a secret": Walk(
        (("choose", "2"), ("secret", "4711")),
        (WELCOME, "Votre niveau est or.", BYE),
        "welcome=done choose=key 2 secret=done ask=done level=done bye=ended",
    ),
    "is sent through the house": Walk(
        (("choose", "4"), ("mark", "4")),
        (WELCOME, BYE),
        "welcome=done choose=key 4 house=open incident=clear tell=done rate=given mark=done given=given bye=ended",
    ),
    "is known": Walk(
        (("choose", "5"),),
        (WELCOME, "Bonjour Marie Curie.", BYE),
        "welcome=done choose=key 5 contact=found greet=done bye=ended",
        caller=KNOWN,
    ),
    "is a stranger": Walk(
        (("choose", "5"),),
        (WELCOME, "Nous ne vous connaissons pas.", BYE),
        "welcome=done choose=key 5 contact=none stranger=done bye=ended",
    ),
    "is to be called back": Walk(
        (("choose", "6"), ("back", "1")),
        (WELCOME, "C'est noté.", BYE),
        "welcome=done choose=key 6 back=stored noted=done bye=ended",
        outcome="callback_requested",
    ),
    "goes on in English": Walk(
        (("choose", "9"), ("choose", "1"), ("code", "777#"), ("code", "1")),
        (WELCOME,),
        "welcome=done choose=key 9 english=done choose=key 1 code=done known=else unknown=done bye=ended",
        english=("This code is unknown.", "Goodbye and see you soon."),
    ),
}


def company(box: Sandbox) -> Directory:
    """The example's, with a tour and a desk that callers reach by a number each, and telephones by an extension."""
    known, paris = example_directory(box.farend), Slug("paris")
    calendar = Calendar(id=Slug("always"), name="Always", site=paris, hours="24/7")
    sales = Group(
        id=Slug("sales"), name="Sales", site=paris, extension=Extension("2500"), members=(Slug("bruno"),), ring_s=10
    )
    applications = [
        Application(id=Slug(name), name=name, site=paris, scenario=Slug(name), extension=Extension(extension))
        for name, extension in (("tour", "2040"), ("desk", "2041"))
    ]
    numbers = [
        Number(id=number, trunk=Slug("paris-1"), target=ToApplication(Slug(name)), service=name)
        for number, name in ((TOUR, "tour"), (DESK, "desk"))
    ]
    return msgspec.structs.replace(
        known,
        groups={sales.id: sales},
        calendars={calendar.id: calendar},
        applications={one.id: one for one in applications},
        numbers={one.id: one for one in numbers},
    )


class Place:
    """Where callers come in, and what they hear there."""

    def __init__(self, box: Sandbox, engine: RunningEngine) -> None:
        self.box, self.engine = box, engine
        self._serial = 0

    def said(self, *texts: str, language: str = "fr") -> dict[str, Path]:
        """The files of these words, as the engine renders them."""
        folder = self.box.asterisk_settings.paths.etc / "said" / language
        return {text: folder / f"{hashlib.sha256(text.encode()).hexdigest()[:40]}.wav" for text in texts}

    async def calls(self, did: E164, number: str = "") -> "Caller":
        self._serial += 1
        number = number or mobile("10", tone_hz=400, serial=self._serial)
        return Caller(self, number, await self.box.farend.call(did, number))

    async def call_of(self, number: str) -> dict[str, Any]:
        calls = (await self.engine.get("/v1/calls?live=true")).body["items"]
        return next((call for call in calls if call["to"] == number), {})

    async def row_of(self, number: str) -> dict[str, Any]:
        async def there() -> dict[str, Any] | None:
            rows = (await crowd.rows(self.box)).values()
            return next((row for row in rows if row["caller"] == number), None)

        row: dict[str, Any] = await until(there, timeout_s=20)
        return row


class Caller:
    def __init__(self, place: Place, number: str, call: FarCall) -> None:
        self.place, self.number, self.call = place, number, call

    async def is_at(self, node: str) -> None:
        await until(lambda: self._is(node), timeout_s=A_CALL_S)

    async def _is(self, node: str) -> bool:
        return (await self.place.call_of(self.number)).get("node") == node

    async def presses(self, keys: str) -> None:
        await self.place.box.farend.press(self.number, keys)

    async def is_recorded(self) -> None:
        """Return once a message is being recorded."""
        call_id = (await self.place.call_of(self.number))["id"]
        await until(lambda: self._records(call_id), timeout_s=A_CALL_S)

    async def records(self) -> None:
        """Return once so much of a message is recorded."""
        await self.is_recorded()
        await asyncio.sleep(SPOKEN_S)  # what a caller does there: they speak

    async def _records(self, call_id: str) -> bool:
        steps = (await self.place.engine.get(f"/v1/calls/{call_id}/events")).body["items"]
        return any(effect["type"] == "StartRecording" for step in steps for effect in step["effects"])

    async def is_gone(self) -> None:
        await self.place.box.farend.until(lambda: not self.call.live, timeout_s=A_CALL_S)

    async def heard(self, texts: tuple[str, ...], english: tuple[str, ...] = ()) -> list[str]:
        """Which of these were heard, in order."""
        file = await self.place.box.farend.heard_whole(self.number)
        known = {**self.place.said(*texts), **self.place.said(*english, language="en")}
        return hearing.words(hearing.sounds(file, {t: f for t, f in known.items() if f.exists()}, {}))


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def business() -> AsyncIterator[str]:
    """A web service that knows what a secret is worth."""

    async def check(asked: web.Request) -> web.Response:
        return web.json_response({"level": "or" if (await asked.json()) == {"pin": "4711"} else "rien"})

    app = web.Application()
    app.router.add_post("/check", check)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def place(business: str) -> AsyncIterator[Place]:
    async with Sandbox("scenarios") as box:
        await speech.to_be_found()
        settings = {"scenarios": {"private_addresses": True}}
        async with RunningEngine(box, crowd.written(box, company(box)), settings=settings) as engine:
            os.environ["STANDARDISTE_TOKEN"] = engine.token
            folder = written(box.dir / "scenarios", business)
            for name in ("tour", "desk"):
                await engine.command("scenario", "publish", name, "--folder", str(folder))
            marie = {"name": "Marie Curie", "numbers": [{"label": "mobile", "number": KNOWN}]}
            assert (await engine.put("/v1/contacts/marie", marie)).status < 300
            yield Place(box, engine)


def written(folder: Path, business: str) -> Path:
    """The scenarios of these tests, which ask the web service of these tests."""
    for file in SCENARIOS.glob("*/*.yaml"):
        copy = folder / file.parent.name / file.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text(encoding="utf-8").replace("http://127.0.0.1:9", business), encoding="utf-8")
    return folder


class Walked(NamedTuple):
    heard: list[str]
    row: dict[str, Any]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def walked(place: Place) -> dict[str, Walked]:
    """What came of all the walks, walked at once."""
    came = await asyncio.gather(*(walk_through(place, walk) for walk in WALKS.values()))
    return dict(zip(WALKS, came, strict=True))


async def walk_through(place: Place, walk: Walk) -> Walked:
    caller = await place.calls(TOUR, walk.caller)
    for node, keys in walk.keys:
        await caller.is_at(node)
        await caller.presses(keys)
    await caller.is_gone()
    return Walked(await caller.heard((*walk.heard, BYE), walk.english), await place.row_of(caller.number))


@pytest.mark.parametrize("name", WALKS)
async def test_a_caller_who(name: str, walked: dict[str, Walked]) -> None:
    walk, (heard, row) = WALKS[name], walked[name]
    assert row["ivr_path"] is not None
    assert " ".join(step.partition("/")[2] for step in row["ivr_path"]) == walk.path
    assert [text for text in heard if text != "5"] == [text for text in (*walk.heard, *walk.english) if text != "5"]
    assert (row["outcome"], row["scenario"], row["service"]) == (walk.outcome, "tour", "tour")


# -- somebody to talk to -----------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bruno(place: Place) -> Phone:
    """A telephone of the only member of the group: it is picked up after half a second."""
    account = company(place.box).agents[Slug("bruno")]
    return await place.box.farend.phone(
        account.sip_user, account.secret, coded("10", ring_s=0.5, tone_hz=600, serial=1)
    )


async def they_hear_each_other(place: Place, one: str, other: str) -> None:
    for hearer, speaker in ((one, other), (other, one)):

        def heard_now(hearer: str = hearer, speaker: str = speaker) -> bool:
            files = place.box.farend.heard(hearer)
            if not files or audio.duration_s(files[-1]) < 1:
                return False
            levels = audio.tone_levels(files[-1], [tone_of(speaker)], start_s=audio.duration_s(files[-1]) - 0.6)
            return levels[tone_of(speaker)] > -30

        await place.box.farend.until(heard_now, timeout_s=20)


async def test_a_caller_talks_to_the_group_and_is_asked_afterwards(place: Place, bruno: Phone) -> None:
    caller = await place.calls(DESK)
    await caller.is_at("choose")
    await caller.presses("1")
    await they_hear_each_other(place, caller.number, bruno.contact)
    assert (await place.call_of(caller.number))["agent"] == "bruno"
    await place.box.farend.hang_up(bruno.contact)
    await caller.is_gone()
    assert await caller.heard(("Merci d'avoir parlé avec nous.", BYE)) == ["Merci d'avoir parlé avec nous.", BYE]
    row = await place.row_of(caller.number)
    assert (row["outcome"], row["agent_id"], row["group_id"]) == ("answered", "bruno", "sales")
    assert row["ivr_path"] == ["desk/choose=key 1", "desk/sales=after", "desk/survey=done", "desk/bye=ended"]
    assert row["talk_s"] > 0


async def test_a_caller_who_hangs_up_on_the_group_has_talked(place: Place, bruno: Phone) -> None:
    caller = await place.calls(DESK)
    await caller.is_at("choose")
    await caller.presses("1")
    await they_hear_each_other(place, caller.number, bruno.contact)
    await place.box.farend.hang_up(caller.number)
    row = await place.row_of(caller.number)
    assert (row["outcome"], row["hangup_by"], row["agent_id"]) == ("answered", "customer", "bruno")


async def test_a_colleagues_mobile_by_its_extension(place: Place) -> None:
    """Anne presses 1 on her mobile: then they talk."""
    caller = await place.calls(DESK)
    await caller.is_at("choose")
    await caller.presses("2")
    anne = company(place.box).agents[Slug("anne")].mobile
    assert anne is not None
    await they_hear_each_other(place, caller.number, anne)
    await place.box.farend.hang_up(anne)
    row = await place.row_of(caller.number)
    assert (row["outcome"], row["agent_id"], row["agent_mode"]) == ("answered", "anne", "mobile")


async def test_a_number_outside(place: Place) -> None:
    caller = await place.calls(DESK)
    await caller.is_at("choose")
    await caller.presses("3")
    outside = "+33610083077"
    invite = await place.box.farend.invited(outside)
    assert invite.from_number == "+33140000001"  # the trunk's own
    await they_hear_each_other(place, caller.number, outside)
    await place.box.farend.hang_up(outside)
    row = await place.row_of(caller.number)
    assert (row["outcome"], row["agent_id"], row["transferred_to"]) == ("answered", None, outside)


async def test_a_recording_of_the_scenarios_own(place: Place) -> None:
    caller = await place.calls(TOUR)
    await caller.is_at("choose")
    await caller.presses("3")
    await caller.records()
    await caller.presses("#")
    await caller.is_gone()
    assert await caller.heard((WELCOME, "Merci pour ce message.", BYE)) == [WELCOME, "Merci pour ce message.", BYE]
    row = await place.row_of(caller.number)
    assert (row["outcome"], len(row["recordings"])) == ("voicemail_left", 1)


async def test_nobody_is_there_and_a_message_is_left(place: Place) -> None:
    """David has no telephone on: the caller hears so, and speaks after the tone until the hash key."""
    caller = await place.calls(DESK)
    await caller.is_at("choose")
    await caller.presses("4")
    await caller.is_at("message")
    await caller.records()
    await caller.presses("#")
    await caller.is_gone()
    texts = ("Il n'y a personne.", "Votre message est gardé.", BYE)
    assert await caller.heard(texts) == list(texts)
    row = await place.row_of(caller.number)
    assert (row["outcome"], len(row["recordings"])) == ("voicemail_left", 1)


async def test_whoever_hangs_up_after_speaking_has_left_a_message(place: Place) -> None:
    caller = await place.calls(DESK)
    await caller.is_at("choose")
    await caller.presses("5")
    await caller.records()
    await place.box.farend.hang_up(caller.number)
    row = await place.row_of(caller.number)
    assert (row["outcome"], row["hangup_by"], len(row["recordings"])) == ("voicemail_left", "customer", 1)


async def test_an_application_that_ends_the_call_loses_no_message(place: Place) -> None:
    caller = await place.calls(DESK)
    await caller.is_at("choose")
    await caller.presses("5")
    await caller.records()
    await place.engine.delete(f"/v1/calls/{(await place.call_of(caller.number))['id']}")
    await caller.is_gone()
    row = await place.row_of(caller.number)
    assert (row["outcome"], row["hangup_by"], len(row["recordings"])) == ("voicemail_left", "api", 1)


async def test_another_scenario_takes_over(place: Place) -> None:
    caller = await place.calls(DESK)
    await caller.is_at("choose")
    await caller.presses("6")
    await caller.is_at("choose")
    await place.box.farend.hang_up(caller.number)
    row = await place.row_of(caller.number)
    assert [step.partition("=")[0] for step in row["ivr_path"]][:3] == ["desk/choose", "desk/tour", "tour/welcome"]
    assert row["outcome"] == "abandoned"


async def test_a_telephone_of_the_house_calls_the_extension(place: Place, bruno: Phone) -> None:
    call = await place.box.farend.dial(bruno, "2040")
    await until(lambda: _led(place))
    await place.box.farend.hang_up(bruno.contact)
    await place.box.farend.until(lambda: not call.live)


async def _led(place: Place) -> bool:
    calls = (await place.engine.get("/v1/calls?live=true")).body["items"]
    return any(call["scenario"] == "tour" for call in calls)
