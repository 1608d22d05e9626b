"""Callers in a scenario when something breaks: the engine killed, PostgreSQL away, a web service slow or lying, a full
disk.

Whatever breaks, each of them is told a way on, and has exactly one record.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web

from engine.domain.directory import Application, Directory, Group, Number, ToApplication
from engine.domain.values import E164, Extension, Slug
from engine.sandbox.behaviours import coded, mobile
from engine.sandbox.example import example_directory
from engine.sandbox.parties import Phone
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd
from tests.boxes import own_box
from tests.faults.disks import fill, small_disk
from tests.live import speech
from tests.live.test_scenarios import SPOKEN_S, Caller, Place, they_hear_each_other

__all__ = ["own_box"]

pytestmark = [pytest.mark.live, pytest.mark.faults, pytest.mark.asyncio(loop_scope="session")]

REFUGE = Path(__file__).with_name("scenarios") / "refuge"
HERE = E164("+33140000042")
LYING, SLOW = (mobile("10", tone_hz=400, serial=serial) for serial in (98, 97))
CHOOSE = "Tapez 1 pour un code, 2 pour un message, 3 pour les ventes, 4 pour le support, 5 ou 6 ou 7 pour le reste."
SILENCE, WRONG = "Nous n'avons rien entendu.", "Cette touche ne mène nulle part."
SECRET, RIGHT = "Composez votre code secret.", "Votre code est le bon."
KEPT, TALKED, NOTED = "Votre message est gardé.", "Merci d'avoir parlé avec nous.", "C'est noté."
UNKNOWN, FILLER, UNASKED = (
    "Nous ne pouvons pas vous reconnaître.",
    "Nous vérifions votre dossier.",
    "Votre dossier est indisponible.",
)
BYE, LOST, SORRY = "Au revoir et à bientôt.", "Rappelez-nous plus tard.", "Nous sommes désolés."
EVERYTHING = (CHOOSE, SILENCE, WRONG, SECRET, RIGHT, KEPT, TALKED, NOTED, UNKNOWN, FILLER, UNASKED, BYE, LOST, SORRY)
MASKED_PIN = "4711"

Keys = tuple[tuple[str, str], ...]


class Way(NamedTuple):
    """What a caller does, before and after: keys pressed at each node; how it ends, and what is heard last."""

    before: Keys
    after: Keys
    path: str
    last: tuple[str, ...]


TYPED = "choose=key 1 code=done secret=done known=case 1 right=done bye=ended"
KILLED = (
    # a wrong key, once before and once after
    Way((("choose", "9"),), (("choose", "9"),), "choose=no_match lost=ended", (LOST,)),
    # half a code
    Way((("choose", "1"), ("code", "01")), (("code", "0123#"), ("secret", MASKED_PIN)), TYPED, (RIGHT, BYE)),
    # half a secret, when the code is known already
    Way(
        (("choose", "1"), ("code", "0123#"), ("secret", MASKED_PIN[:2])), (("secret", MASKED_PIN),), TYPED, (RIGHT, BYE)
    ),
)


def company(box: Sandbox) -> Directory:
    """The example's; Bruno sells, David supports, and a number leads to the refuge."""
    known, paris = example_directory(box.farend), Slug("paris")
    groups = [
        Group(id=Slug(name), name=name, site=paris, extension=Extension(extension), members=(Slug(member),), ring_s=30)
        for name, extension, member in (("sales", "2500", "bruno"), ("support", "2501", "david"))
    ]
    refuge = Application(id=Slug("refuge"), name="refuge", site=paris, scenario=Slug("refuge"))
    number = Number(id=HERE, trunk=Slug("paris-1"), target=ToApplication(refuge.id))
    return msgspec.structs.replace(
        known,
        groups={group.id: group for group in groups},
        applications={refuge.id: refuge},
        numbers={number.id: number},
    )


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def business() -> AsyncIterator[str]:
    """A web service that lies to one caller and keeps another waiting."""

    async def level(asked: web.Request) -> web.Response:
        if asked.match_info["caller"] == SLOW:
            await asyncio.sleep(30)
        return web.Response(text='{"level": "or', content_type="application/json")

    app = web.Application()
    app.router.add_get("/{caller}", level)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@asynccontextmanager
async def refuge(box: Sandbox, business: str, **settings: dict[str, Any]) -> AsyncIterator[Place]:
    """An engine whose callers come to the refuge, which asks this web service."""
    await speech.to_be_found()
    settings["scenarios"] = {"private_addresses": True}
    async with RunningEngine(box, crowd.written(box, company(box)), settings=settings) as engine:
        os.environ["STANDARDISTE_TOKEN"] = engine.token
        for file in REFUGE.glob("*.yaml"):
            copy = box.dir / "scenarios" / "refuge" / file.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            text = file.read_text(encoding="utf-8").replace("http://127.0.0.1:9", business)
            copy.write_text(text, encoding="utf-8")
        await engine.command("scenario", "publish", "refuge", "--folder", str(box.dir / "scenarios"))
        yield Place(box, engine)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def place(business: str) -> AsyncIterator[Place]:
    async with Sandbox("refuge") as box, refuge(box, business) as place:
        yield place


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def phones(place: Place) -> tuple[Phone, Phone]:
    """Bruno's rings until it is picked up, David's half a second."""
    agents = company(place.box).agents
    bruno, david = agents[Slug("bruno")], agents[Slug("david")]
    return (
        await place.box.farend.phone(bruno.sip_user, bruno.secret, coded("10", ring_s=None, tone_hz=600, serial=1)),
        await place.box.farend.phone(david.sip_user, david.secret, coded("10", ring_s=0.5, tone_hz=800, serial=2)),
    )


async def comes_to(place: Place, keys: Keys, number: str = "") -> Caller:
    caller = await place.calls(HERE, number)
    await place.box.farend.until(lambda: caller.call.answered_at is not None)
    await press(caller, keys)
    return caller


async def press(caller: Caller, keys: Keys) -> None:
    for node, pressed in keys:
        await caller.is_at(node)
        await caller.presses(pressed)


async def ends(place: Place, caller: Caller, path: str, last: tuple[str, ...], outcome: str = "served") -> None:
    """The caller has been told these words in the end, and has this one record."""
    await caller.is_gone()
    heard = await caller.heard(EVERYTHING)
    assert heard[-len(last) :] == list(last), (path, heard)
    row = await place.row_of(caller.number)
    assert " ".join(step.partition("/")[2] for step in row["ivr_path"]) == path
    assert row["outcome"] == outcome
    assert MASKED_PIN not in str(row)


async def test_the_next_engine_goes_on_where_each_caller_is(place: Place, phones: tuple[Phone, Phone]) -> None:
    """Told a menu, typing, speaking, waiting for the group, talking: counters and variables are as they were."""
    bruno, david = phones
    *typing, speaks, waits, talks = await asyncio.gather(
        *(comes_to(place, way.before) for way in KILLED),
        *(comes_to(place, (("choose", key),)) for key in ("2", "3", "4")),
    )
    await speaks.is_at("message")
    await asyncio.gather(
        they_hear_each_other(place, talks.number, david.contact),
        place.box.farend.invited(bruno.contact),
        speaks.records(),
    )
    listens = await comes_to(place, ())
    await listens.is_at("choose")
    await place.engine.kill()
    await place.engine.start()

    async def is_led(caller: Caller, way: Way) -> None:
        await press(caller, way.after)
        await ends(place, caller, way.path, way.last)

    async def leaves_a_message() -> None:
        await speaks.presses("#")
        await ends(place, speaks, "choose=key 2 message=left kept=done bye=ended", (KEPT, BYE), "voicemail_left")

    async def talks_after_all(caller: Caller, phone: Phone, group: str, key: str) -> None:
        await they_hear_each_other(place, caller.number, phone.contact)
        await place.box.farend.hang_up(phone.contact)
        path = f"choose=key {key} {group}=after survey=done bye=ended"
        await ends(place, caller, path, (TALKED, BYE), "answered")

    await place.box.farend.answer_now(bruno.contact)
    await asyncio.gather(
        *(is_led(caller, way) for caller, way in zip(typing, KILLED, strict=True)),
        ends(place, listens, "choose=no_input lost=ended", (CHOOSE, SILENCE, LOST)),
        leaves_a_message(),
        talks_after_all(waits, bruno, "sales", "3"),
        talks_after_all(talks, david, "support", "4"),
    )
    assert [len(place.box.farend.invites(phone.contact)) for phone in phones] == [1, 1]


async def test_a_web_service_is_slow_or_lies(place: Place) -> None:
    """The slow one is waited for with words, four seconds; the lie is none of the caller's business."""
    asks = (("choose", "7"),)
    lied_to, kept_waiting = await asyncio.gather(comes_to(place, asks, LYING), comes_to(place, asks, SLOW))
    path = "choose=key 7 ask=error unasked=done bye=ended"
    await asyncio.gather(
        ends(place, lied_to, path, (UNASKED, BYE)), ends(place, kept_waiting, path, (FILLER, UNASKED, BYE))
    )


async def test_postgres_is_away(place: Place) -> None:
    """Nobody is known meanwhile, who is told so; requests and messages are taken, and stored when it is back."""
    await place.box.postgres.stop()
    stranger, back, speaks = await asyncio.gather(*(comes_to(place, (("choose", key),)) for key in ("5", "6", "2")))

    async def is_to_be_called_back() -> None:
        await press(back, (("back", "1"),))
        await back.is_gone()

    async def leaves_a_message() -> None:
        await speaks.is_at("message")
        await speaks.records()
        await speaks.presses("#")
        await speaks.is_gone()

    await asyncio.gather(stranger.is_gone(), is_to_be_called_back(), leaves_a_message())
    await place.box.postgres.start()
    await asyncio.gather(
        ends(place, stranger, "choose=key 5 contact=error unknown=done bye=ended", (UNKNOWN, BYE)),
        ends(place, back, "choose=key 6 back=stored noted=done bye=ended", (NOTED, BYE), "callback_requested"),
        ends(place, speaks, "choose=key 2 message=left kept=done bye=ended", (KEPT, BYE), "voicemail_left"),
    )
    callback, message = await stored(place, "callbacks", back.number), await stored(place, "voicemails", speaks.number)
    assert (callback["queue"], callback["number"]) == ("sales", back.number)
    assert message["mailbox"] == "sales"
    assert message["seconds"] >= SPOKEN_S - 1


async def stored(place: Place, kind: str, caller: str) -> dict[str, Any]:
    """What this caller has left, once PostgreSQL has it."""

    async def there() -> dict[str, Any] | None:
        items = (await place.engine.get(f"/v1/{kind}")).body["items"]
        return next((item for item in items if item["caller"] == caller), None)

    found: dict[str, Any] = await crowd.until(there)
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
async def test_the_disk_is_full_while_messages_are_recorded(own_box: Sandbox, business: str) -> None:
    """One message was begun before, one comes after: both callers are told what has become of it, and have a record."""
    disk = own_box.asterisk_settings.paths.spool / "recording"
    journal = {"path": str(disk / "journal.sqlite"), "ballast_mb": 1}
    async with small_disk(disk) as junk, refuge(own_box, business, journal=journal) as place:
        early, late = await comes_to(place, (("choose", "2"),)), await comes_to(place, ())
        await early.is_at("message")
        await early.records()
        await fill(junk)
        await press(late, (("choose", "2"),))
        await early.presses("#")
        await asyncio.gather(early.is_gone(), late.is_gone())
        junk.unlink()
        for caller in (early, late):
            kept = (await place.row_of(caller.number))["outcome"] == "voicemail_left"
            heard = await caller.heard(EVERYTHING)
            assert heard[-1] == (BYE if kept else SORRY), heard
            assert (KEPT in heard) == kept, heard
        await place.engine.until_ready()
