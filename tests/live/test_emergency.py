"""112 from an agent's telephone reaches a trunk, whatever became of the engine, its database and the site's trunks."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from engine.config.directory_export import export
from engine.domain.directory import Agent, Directory
from engine.domain.values import E164, Slug
from engine.sandbox.behaviours import mobile
from engine.sandbox.example import example_directory, switch_on_phone, unwatched
from engine.sandbox.farend import FarEnd
from engine.sandbox.farend_files import LYON, OPERATOR, PARIS
from engine.sandbox.gate import PROGRESS, RINGING, SILENT, TRYING
from engine.sandbox.parties import FarCall, Phone
from engine.sandbox.running import Answer, RunningEngine
from engine.sandbox.sandbox import Sandbox

pytestmark = pytest.mark.live

PARIS_2 = "127.0.3.2"
TRUNKS = (PARIS, PARIS_2, LYON, OPERATOR)
GIVEN_UP_S = 12  # as the dialplan says
PATIENCE_S = 60.0  # four trunks, silent for 8 s each, on a machine that others use too


def directory(farend: FarEnd) -> Directory:
    """Paris has two trunks of one channel each, takes 0 for an outside line, may not borrow; its telephone is Bruno's,
    who has no right."""
    example = example_directory(farend)
    first = msgspec.structs.replace(example.trunks[Slug("paris-1")], channels=1)
    second = msgspec.structs.replace(
        first, id=Slug("paris-2"), host=PARIS_2, priority=200, caller_ids=(E164("+33140000002"),), dial_prefix="9"
    )
    paris = msgspec.structs.replace(
        example.sites[Slug("paris")], allow_other_sites=False, outside_prefix="0", emergency_numbers=("5555",)
    )
    trunks = unwatched({**example.trunks, first.id: first, second.id: second})
    bruno = msgspec.structs.replace(example.agents[Slug("bruno")], rights=())
    return msgspec.structs.replace(
        example, sites={**example.sites, paris.id: paris}, trunks=trunks, agents={**example.agents, bruno.id: bruno}
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house() -> AsyncIterator[tuple[Sandbox, RunningEngine]]:
    async with Sandbox("emergency", print) as box:
        await box.farend.open_trunk(PARIS_2)
        file = box.dir / "directory.yaml"
        file.write_text(export(directory(box.farend), with_secrets=True))
        async with RunningEngine(box, file) as engine:
            yield box, engine


@pytest.fixture
def engine(house: tuple[Sandbox, RunningEngine]) -> RunningEngine:
    return house[1]


@pytest.fixture
def box(house: tuple[Sandbox, RunningEngine]) -> Sandbox:
    return house[0]


@pytest_asyncio.fixture(loop_scope="session")
async def phone(box: Sandbox) -> AsyncIterator[Phone]:
    """Bruno's telephone; every trunk works before and after."""
    box.farend.forget()
    yield await switch_on_phone(box.farend, bruno(box))
    for address in TRUNKS:
        box.farend.trunk_refuses(address, None)
    await believed(box, "Avail")


def bruno(box: Sandbox) -> Agent:
    return directory(box.farend).agents[Slug("bruno")]


async def answered(farend: FarEnd, phone: Phone, digits: str, sent: str = "") -> FarCall:
    """Dial, and come back once both sides talk."""
    call = await farend.dial(phone, digits)
    await farend.until(lambda: call.answered_at is not None, timeout_s=PATIENCE_S)
    assert any(party.live and party.answered_at for party in farend.calls(sent or digits) if party is not call)
    return call


async def hung_up(farend: FarEnd, call: FarCall) -> None:
    await farend.hang_up(call.number)
    await farend.until(lambda: not any(seen.live for seen in farend.calls()))


async def reaches(farend: FarEnd, phone: Phone, digits: str, sent: str = "") -> list[tuple[str, str, str]]:
    """What the trunks were asked until the call was answered: address, number, number shown."""
    call = await answered(farend, phone, digits, sent)
    seen = [(invite.trunk, invite.number, invite.from_number) for invite in farend.invites()]
    await hung_up(farend, call)
    return seen


@pytest.mark.parametrize(
    ("dialled", "sent"), [("112", "112"), ("15", "15"), ("0112", "112"), ("018", "18"), ("5555", "5555")]
)
async def test_with_the_engine_at_work(box: Sandbox, phone: Phone, dialled: str, sent: str) -> None:
    assert await reaches(box.farend, phone, dialled, sent) == [(PARIS, sent, "+33140000001")]


async def test_with_the_engine_stopped(box: Sandbox, engine: RunningEngine, phone: Phone) -> None:
    await engine.stop()
    try:
        assert await reaches(box.farend, phone, "112") == [(PARIS, "112", "+33140000001")]
        assert (await reaches(box.farend, phone, "15"))[-1] == (PARIS, "15", "+33140000001")
    finally:
        await engine.start()


async def test_with_the_engine_hung(box: Sandbox, engine: RunningEngine, phone: Phone) -> None:
    engine.process.send(signal.SIGSTOP)
    try:
        assert await reaches(box.farend, phone, "112") == [(PARIS, "112", "+33140000001")]
    finally:
        engine.process.send(signal.SIGCONT)
    await engine.until_ready()


async def test_what_stays_of_a_call_while_the_engine_was_away(
    box: Sandbox, engine: RunningEngine, phone: Phone
) -> None:
    await engine.stop()
    try:
        box.farend.trunk_refuses(PARIS, 503)
        await reaches(box.farend, phone, "0112", "112")
    finally:
        await engine.start()
    async with asyncio.timeout(PATIENCE_S):
        while not (rows := [row for row in await history(box) if row["trunk"] == "paris-2"]):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    (row,) = rows
    assert (row["handled_by"], row["agent_id"], row["site"], row["trunk"]) == (
        "understudy",
        "bruno",
        "paris",
        "paris-2",
    )
    assert (row["callee"], row["caller"], row["outcome"]) == ("112", "+33140000002", "answered")
    assert row["hangup_by"] == "agent"
    assert row["talk_s"] > 0


async def history(box: Sandbox) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(box.postgres.dsn)
    try:
        return list(await connection.fetch("SELECT * FROM call_history WHERE kind = 'emergency'"))
    finally:
        await connection.close()


async def test_with_postgresql_away(box: Sandbox, engine: RunningEngine, phone: Phone) -> None:
    await box.postgres.kill()
    try:
        assert await reaches(box.farend, phone, "112") == [(PARIS, "112", "+33140000001")]
    finally:
        await box.postgres.start()
    await engine.until_ready()


async def test_an_engine_that_starts_or_dies_in_the_middle_leaves_the_call_alone(
    box: Sandbox, engine: RunningEngine, phone: Phone
) -> None:
    call = await answered(box.farend, phone, "112")
    await engine.kill()
    await engine.start()
    await asyncio.sleep(3)  # what nobody owns is swept by then: it is looked for at each connection, and every second
    assert call.live
    await hung_up(box.farend, call)


@pytest.mark.parametrize("code", [503, 403, 486, SILENT])
async def test_a_trunk_that_refuses_is_followed_by_the_sites_next(box: Sandbox, phone: Phone, code: int) -> None:
    box.farend.trunk_refuses(PARIS, code)
    seen = await reaches(box.farend, phone, "112")
    assert seen[-1] == (PARIS_2, "112", "+33140000002")
    assert {address for address, _, _ in seen} <= {PARIS, PARIS_2}


async def test_a_trunk_that_only_tries_is_given_up_and_one_that_rings_is_not(box: Sandbox, phone: Phone) -> None:
    for address, code in ((PARIS, TRYING), (PARIS_2, RINGING), (LYON, PROGRESS)):
        box.farend.trunk_refuses(address, code)
    lyons = await switch_on_phone(box.farend, directory(box.farend).agents[Slug("david")], device=2)
    calls = [await box.farend.dial(caller, "112") for caller in (phone, lyons)]
    await box.farend.until(lambda: len(box.farend.invites()) == 3, timeout_s=PATIENCE_S)
    tried = {invite.trunk: invite.at for invite in box.farend.invites()}
    assert set(tried) == {PARIS, LYON, PARIS_2}  # two telephones dial at once: either may be first
    assert GIVEN_UP_S - 0.5 < tried[PARIS_2] - tried[PARIS] < GIVEN_UP_S + 8  # on a machine that others use too
    await box.farend.until(lambda: time.time() > tried[PARIS_2] + GIVEN_UP_S + 2, timeout_s=PATIENCE_S)
    assert all(call.live for call in calls)
    assert len(box.farend.invites()) == 3
    for call in calls:
        await box.farend.hang_up(call.number)
    await box.farend.until(lambda: not any(call.live for call in calls))


async def test_an_asterisk_without_the_modules_of_the_watch_calls_all_the_same(box: Sandbox, phone: Phone) -> None:
    """As an administrator's own may be."""
    await box.asterisk.cli("module unload app_originate.so")
    try:
        assert await reaches(box.farend, phone, "112") == [(PARIS, "112", "+33140000001")]
    finally:
        await box.asterisk.cli("module load app_originate.so")


async def test_a_site_without_a_working_trunk_uses_another_sites(box: Sandbox, phone: Phone) -> None:
    for address in (PARIS, PARIS_2):
        box.farend.trunk_refuses(address, 503)
    seen = await reaches(box.farend, phone, "112")
    assert seen == [
        (PARIS, "112", "+33140000001"),
        (PARIS_2, "112", "+33140000002"),
        (LYON, "112", "+33472000001"),
    ]


async def test_a_trunk_believed_dead_is_passed_over_and_tried_at_the_end(box: Sandbox, phone: Phone) -> None:
    """All are down for Asterisk; Paris comes back, and Asterisk has not noticed yet."""
    for address in TRUNKS:
        box.farend.trunk_refuses(address, SILENT)
    await believed(box, "Unavail")
    for address in (PARIS, LYON):
        box.farend.trunk_refuses(address, None)
    assert (await reaches(box.farend, phone, "112"))[-1] == (PARIS, "112", "+33140000001")


async def believed(box: Sandbox, status: str) -> None:
    """Return once Asterisk takes every trunk for `Avail` or `Unavail`."""
    async with asyncio.timeout(PATIENCE_S):
        for trunk in directory(box.farend).trunks:
            await box.asterisk.cli(f"pjsip qualify trunk-{trunk}")
            while not await is_believed(box, trunk, status):  # noqa: ASYNC110 - Asterisk tells nobody
                await asyncio.sleep(0.1)


async def is_believed(box: Sandbox, trunk: Slug, status: str) -> bool:
    lines = (await box.asterisk.cli("pjsip show contacts")).splitlines()
    return any(f"trunk-{trunk}/" in line and status in line.split() for line in lines)


async def test_when_every_trunk_refuses_the_caller_is_told(box: Sandbox, phone: Phone) -> None:
    for address in TRUNKS:
        box.farend.trunk_refuses(address, 503)
    call = await box.farend.dial(phone, "112")
    await box.farend.until(lambda: not call.live, timeout_s=PATIENCE_S)
    tried = [invite.trunk for invite in box.farend.invites("112")]
    assert tried[-4:] == [PARIS, PARIS_2, LYON, OPERATOR]  # by address, whatever Asterisk believed of one before
    assert len(tried) > 4
    assert call.cause == 34


async def test_no_call_gets_the_channel_an_emergency_call_holds(
    box: Sandbox, engine: RunningEngine, phone: Phone
) -> None:
    """Anne's mobile and her customer take a channel of each of the site's trunks, and 112 has one of them."""
    emergency = await answered(box.farend, phone, "112")
    wish = {"agent": "anne", "to": mobile("10", tone_hz=900, serial=41)}
    assert (await until_answered(engine, wish, 503)).body["rule"] == "trunk-full"
    assert emergency.live
    await hung_up(box.farend, emergency)
    accepted = await until_answered(engine, wish, 202)
    assert (await engine.delete(f"/v1/calls/{accepted.body['id']}")).status in (202, 204)


async def until_answered(engine: RunningEngine, wish: dict[str, str], status: int) -> Answer:
    """Ask until the engine has looked at the trunks again, which it does every two seconds."""
    async with asyncio.timeout(PATIENCE_S):
        while (answer := await engine.post("/v1/calls", wish)).status != status:
            if answer.status == 202:
                await engine.delete(f"/v1/calls/{answer.body['id']}")
            await asyncio.sleep(0.5)
    return answer


async def test_what_only_looks_like_one_is_not_let_out(box: Sandbox, phone: Phone) -> None:
    dialled = [await box.farend.dial(phone, digits) for digits in ("1125", "1", "00112", "11", "1155")]
    await box.farend.until(lambda: not any(call.live for call in dialled), timeout_s=PATIENCE_S)
    assert box.farend.invites() == []


async def test_the_api_does_not_call_them(engine: RunningEngine) -> None:
    for number in ("112", "15", "0112", "5555", "115"):
        answer = await engine.post("/v1/calls", {"agent": "bruno", "to": number})
        assert (answer.status, answer.body["type"].split("#")[-1]) == (403, "problem-destination-emergency"), number
