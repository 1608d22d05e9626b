"""Storms, races and deaths in bad moments: one record for each call, nobody rung twice, nothing left in Asterisk."""

import asyncio
import os
import random
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from engine.sandbox.errors import PartDidNotStart
from engine.sandbox.process import OwnedProcess
from engine.sandbox.running import PROJECT, Answer, RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd
from tests.boxes import own_box
from tests.faults.disks import fill, small_disk
from tests.faults.test_every_crash_point import DyingEngine

__all__ = ["own_box"]

pytestmark = [pytest.mark.live, pytest.mark.faults, pytest.mark.asyncio(loop_scope="session")]

SEED = int(os.environ.get("STANDARDISTE_SEED", "11"))
LIMITS: dict[str, dict[str, Any]] = {"limits": {"setups_per_s": 1000.0, "loop_lag_s": 5.0}}

House = tuple[Sandbox, DyingEngine, list[crowd.Plan]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_house() -> AsyncIterator[House]:
    async with Sandbox("attacks", print) as box:
        plans = crowd.plans(crowd.EVERY_STAGE, 40)
        file = crowd.written(box, crowd.directory(box.farend, plans))
        engine = DyingEngine(box, file, settings=LIMITS)
        async with engine:
            yield box, engine, plans


@pytest_asyncio.fixture(loop_scope="session")
async def house(shared_house: House) -> House:
    """One box for all attacks but the last, cleared between them: each must leave it whole anyway."""
    box, engine, _ = shared_house
    if not engine.process.running:
        await engine.start()
    box.farend.forget()
    return shared_house


async def test_every_call_finished_five_times_at_once(house: House) -> None:
    """An application in a panic: DELETE five times in parallel, at a random moment of each call's life."""
    box, engine, plans = house
    chance = random.Random(SEED)

    async def panic(plan: crowd.Plan) -> str:
        await asyncio.sleep(chance.uniform(0, 1.5))
        call_id = await crowd.place(engine, plan)
        await asyncio.sleep(chance.choice((0.0, 0.005, 0.02, 0.3, 0.32, 0.5, 0.8, 1.5, 3.0)))
        answers = await asyncio.gather(*(engine.delete(f"/v1/calls/{call_id}") for _ in range(5)))
        assert {answer.status for answer in answers} <= {202, 204}, [answer.body for answer in answers]
        return call_id

    ids = await asyncio.gather(*(panic(plan) for plan in plans[:30]))
    await _all_in_order(box, engine, ids, plans)


async def test_both_hang_up_in_the_same_millisecond(house: House) -> None:
    box, engine, plans = house
    talkers = [plan for plan in plans if plan.kind is crowd.TALKS]
    ids = [await crowd.place(engine, plan) for plan in talkers]
    await _talking(engine, ids)
    await asyncio.gather(*(box.farend.hang_up(number) for plan in talkers for number in plan.numbers))

    async def nobody_left() -> bool:
        return not (await engine.get("/v1/calls?live=true")).body["items"]

    await crowd.until(nobody_left)
    recorded = await _all_in_order(box, engine, ids, talkers)
    assert {row["outcome"] for row in recorded.values()} == {"answered"}
    assert {row["hangup_by"] for row in recorded.values()} <= {"agent", "customer"}


async def test_asterisk_dies_while_the_engine_is_dead(house: House) -> None:
    box, engine, plans = house
    ids = [await crowd.place(engine, plan) for plan in plans[:12]]
    await asyncio.sleep(1.2)
    await engine.kill()
    await box.asterisk.kill()
    await box.farend.abandon()
    starting = asyncio.create_task(engine.start())  # and is ready only when Asterisk is
    await asyncio.sleep(2.0)
    await box.asterisk.start()
    await starting
    recorded = await _all_in_order(box, engine, ids, plans)
    assert "asterisk_lost" in {row["outcome"] for row in recorded.values()}

    async def taken() -> str | None:
        answer = await engine.post("/v1/calls", {"agent": plans[39].agent, "to": plans[39].customer})
        return str(answer.body["id"]) if answer.status == 202 else None

    again = await crowd.until(taken, timeout_s=15, every_s=0.3)  # its trunks answer within four seconds
    await _all_in_order(box, engine, [again], plans[39:])


async def test_killed_again_and_again_while_it_recovers(house: House) -> None:
    """Death at four points of the recovery itself, one after the other, with calls in every stage."""
    box, engine, plans = house
    ids = [await crowd.place(engine, plan) for plan in plans[:10]]
    await asyncio.sleep(1.0)
    await engine.kill()
    for moment, count in (("write-before", 3), ("write-after", 9), ("order-before", 2), ("order-after", 3)):
        engine.dies_at = ("all", moment, count)  # type: ignore[assignment] # mypy takes the literals for str
        with suppress(PartDidNotStart):  # it dies before it is ready, as it was told
            await engine.start()
        await engine.kill()
    engine.dies_at = None
    await engine.start()
    await _all_in_order(box, engine, ids, plans)


async def test_two_engines_with_one_journal(house: House) -> None:
    """The second does not start, and says who is there."""
    _, engine, _ = house
    output = engine.state / "second.log"
    second = OwnedProcess(
        "second engine",
        [sys.executable, "-m", "engine.cli", "run", "--config", _with_another_port(engine, "second")],
        output=output,
        directory=PROJECT,
    )
    await second.start()
    await second.wait_ended(timeout_s=15)
    assert f"process {engine.process.pid}" in output.read_text()
    assert (await engine.get("/readyz")).status == 200


async def test_two_engines_on_one_asterisk(house: House) -> None:
    """The newer one takes the application; the older one stops by itself and its calls are closed when it is back."""
    box, engine, plans = house
    ids = [await crowd.place(engine, plan) for plan in plans[:4]]
    await asyncio.sleep(1.0)
    config = _with_another_port(engine, "newer", state=box.dir / "newer")
    newer = OwnedProcess(
        "newer engine",
        [sys.executable, "-m", "engine.cli", "run", "--config", config],
        output=engine.state / "newer.log",
        directory=PROJECT,
    )
    await newer.start()
    await engine.process.wait_ended(timeout_s=20)
    await newer.stop(signal.SIGKILL)
    await engine.start()
    await _all_in_order(box, engine, ids, plans)


async def test_an_engine_of_another_application_lets_our_calls_be(house: House) -> None:
    """Two engines may share an Asterisk, each with an application of its own: none ends what the other began."""
    box, engine, plans = house
    talkers = [plan for plan in plans if plan.kind is crowd.TALKS]
    ids = [await crowd.place(engine, plan) for plan in talkers]
    await _talking(engine, ids)
    config = _with_another_port(engine, "other", state=box.dir / "other", app="other")
    other = OwnedProcess(
        "other engine",
        [sys.executable, "-m", "engine.cli", "run", "--config", config],
        output=engine.state / "other.log",
        directory=PROJECT,
    )
    await other.start()

    async def reconciled() -> bool:
        return '"ari.connected"' in other.output.read_text()

    await crowd.until(reconciled, timeout_s=20)
    await asyncio.sleep(3.0)  # time enough to sweep, and to audit
    await _talking(engine, ids)
    await other.stop(signal.SIGKILL)
    assert "asterisk.orphan" not in other.output.read_text()
    await _all_in_order(box, engine, ids, talkers)


async def test_a_thousand_events_at_once(house: House) -> None:
    box, engine, plans = house
    plan = plans[0]
    call_id = await crowd.place(engine, plan)
    await _talking(engine, [call_id])
    asterisk = box.asterisk_settings
    user = aiohttp.encode_basic_auth(asterisk.ari_user, asterisk.ari_secret)
    url = f"http://127.0.0.1:{asterisk.ari_port}/ari/events/user/flood?application=standardiste"
    async with aiohttp.ClientSession(
        headers={"Authorization": user}, connector=aiohttp.TCPConnector(limit=16)
    ) as session:
        answers = await asyncio.gather(*(_post(session, url) for _ in range(1000)))
    assert set(answers) == {204}
    assert (await engine.get("/readyz")).status == 200
    await _talking(engine, [call_id])
    await _all_in_order(box, engine, [call_id], [plan])


async def test_no_port_for_the_voice(house: House) -> None:
    """RTP ports run out: calls fail in good order, each with its record, and later ones go well again."""
    box, engine, plans = house
    rtp = box.asterisk.paths.etc / "rtp.conf"
    whole = rtp.read_text()
    first = int(re.findall(r"rtpstart\s*=\s*(\d+)", whole)[0])
    rtp.write_text(re.sub(r"(rtpend\s*=\s*)\d+", rf"\g<1>{first + 9}", whole))
    await box.asterisk.cli("module reload res_rtp_asterisk.so")
    ids = [await crowd.place(engine, plan) for plan in plans[:20]]
    await asyncio.sleep(3.0)
    await _all_in_order(box, engine, ids, plans)
    rtp.write_text(whole)
    await box.asterisk.cli("module reload res_rtp_asterisk.so")
    later = next(plan for plan in plans[20:] if plan.kind is crowd.TALKS)
    call_id = await crowd.place(engine, later)
    await _talking(engine, [call_id])
    await _all_in_order(box, engine, [call_id], [later])


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
async def test_the_disk_fills_up_with_calls_up(own_box: Sandbox) -> None:
    """New calls are refused, those that live are controlled and ended, and their records come when there is room."""
    plans = crowd.plans((crowd.TALKS,), 12)
    file = crowd.written(own_box, crowd.directory(own_box.farend, plans))
    small = own_box.dir / "small"
    small.mkdir()
    settings = {**LIMITS, "journal": {"path": str(small / "journal.sqlite"), "ballast_mb": 1}}
    async with small_disk(small) as junk, RunningEngine(own_box, file, settings=settings) as engine:
        ids = [await crowd.place(engine, plan) for plan in plans[:6]]
        await _talking(engine, ids)
        await fill(junk)
        refused = await _until_refused(engine, plans[6:])
        assert refused.status == 503, refused.body
        for call_id in ids:
            assert (await engine.delete(f"/v1/calls/{call_id}")).status in (202, 204)

        async def empty() -> bool:
            return "0 active channels" in await own_box.asterisk.cli("core show channels count")

        await crowd.until(empty, timeout_s=20)
        junk.unlink()
        recorded = await crowd.all_recorded(own_box, ids)
        assert {recorded[call_id]["outcome"] for call_id in ids} == {"answered"}
        await engine.until_ready()


async def _until_refused(engine: RunningEngine, plans: Iterable[crowd.Plan]) -> Answer:
    """The journal notices a full disk when it next needs room."""
    answer = Answer(0, {}, "nobody was asked for")
    for plan in plans:
        answer = await engine.post("/v1/calls", {"agent": plan.agent, "to": plan.customer})
        if answer.status != 202:
            break
        await engine.delete(f"/v1/calls/{answer.body['id']}")
    return answer


async def _post(session: aiohttp.ClientSession, url: str) -> int:
    async with session.post(url) as answer:
        return answer.status


def _with_another_port(engine: RunningEngine, name: str, *, state: Path | None = None, app: str | None = None) -> Path:
    """The engine's settings with another port for its API, and perhaps a state and an application of its own."""
    text = re.sub(r"(?m)^port = \d+", "port = 0", engine.config.read_text(), count=1)
    if state is not None:
        text = re.sub(r"(?m)^state_dir = .*", f'state_dir = "{state}"', text)
    if app is not None:
        text = text.replace("[ari]\n", f'[ari]\napp = "{app}"\n')
    config = engine.state / f"{name}.toml"
    config.write_text(text)
    config.chmod(0o600)
    return config


async def _told(engine: RunningEngine, call: dict[str, Any]) -> str:
    """What became of a call, and how."""
    steps = (await engine.get(f"/v1/calls/{call['id']}/events")).body["items"]
    lines = [
        f"{step['at']} {step['stage']} {step['event']} {[e['type'] for e in step['effects']]}" for step in steps[1:]
    ]
    return "\n".join([str(call["outcome"]), *lines])


async def _talking(engine: RunningEngine, ids: Iterable[str]) -> None:
    for call_id in ids:

        async def talks(call_id: str = call_id) -> bool:
            call = (await engine.get(f"/v1/calls/{call_id}")).body
            assert call["live"], await _told(engine, call)
            return bool(call["talking"])

        await crowd.until(talks, timeout_s=20)


async def _all_in_order(
    box: Sandbox, engine: RunningEngine, ids: Iterable[str], plans: Iterable[crowd.Plan]
) -> dict[str, dict[str, object]]:
    """Whatever is left is ended; then each call has its record, nobody was rung twice, and Asterisk is empty."""
    for call in (await engine.get("/v1/calls?live=true")).body["items"]:
        await engine.delete(f"/v1/calls/{call['id']}")
    wanted = set(ids)
    recorded = await crowd.all_recorded(box, wanted)
    assert set(recorded) >= wanted
    for plan in plans:
        for number in plan.numbers:
            assert len(box.farend.invites(number)) <= 1, f"{number} was rung twice ({plan.kind.name})"

    async def nothing_left() -> bool:
        channels = await box.asterisk.cli("core show channels count")
        bridges = await box.asterisk.cli("bridge show all")
        live = (await engine.get("/v1/calls?live=true")).body["items"]
        return "0 active channels" in channels and "stasis" not in bridges and not live

    await crowd.until(nothing_left, timeout_s=20)
    print(sorted({f"{recorded[i]['outcome']} by {recorded[i]['hangup_by']}" for i in wanted}))
    return {call_id: recorded[call_id] for call_id in wanted}
