"""The engine beside an administrator's Asterisk: his goes on as before, ours works, and nothing of ours stays."""

import asyncio
import contextlib
import io
from pathlib import Path

import msgspec
import pytest

from engine import cli
from engine.config.directory_export import export
from engine.domain.directory import Directory
from engine.domain.values import Slug
from engine.sandbox.behaviours import coded, mobile
from engine.sandbox.example import example_directory
from engine.sandbox.farend import FarEnd
from engine.sandbox.farend_files import LYON
from engine.sandbox.running import RunningEngine
from tests.live.hotel import HIS_SECRET, Hotel
from tests.live.sip_websocket import SipSocket

pytestmark = pytest.mark.live

BOUND_S = 20.0


def one_trunk(farend: FarEnd) -> Directory:
    """Paris, its trunk and Anne: Lyon's far end is the hotel's operator."""
    whole = example_directory(farend)
    return msgspec.structs.replace(
        whole,
        sites={id_: site for id_, site in whole.sites.items() if id_ == "paris"},
        trunks={id_: trunk for id_, trunk in whole.trunks.items() if trunk.site == "paris"},
        agents={Slug("anne"): msgspec.structs.replace(whole.agents[Slug("anne")], webrtc=True)},
    )


def snapshot(etc: Path) -> dict[str, bytes]:
    return {str(file.relative_to(etc)): file.read_bytes() for file in sorted(etc.rglob("*")) if file.is_file()}


async def beside(engine: RunningEngine, *words: str) -> tuple[int, str]:
    """`engine asterisk beside WORDS`: its exit code and what it printed."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = await asyncio.to_thread(cli.main, ["asterisk", "beside", *words, "--config", str(engine.config)])
    return code, said.getvalue()


async def rings_at_the_desk(box: Hotel, digits: str) -> None:
    """A guest calls the hotel's own extension by its own trunk, and its own telephone answers."""
    call = await box.farend.call("600", "+33612000009", LYON)
    await box.farend.until(lambda: any(c.live and c.answered_at for c in box.farend.calls(digits)), timeout_s=BOUND_S)
    await box.farend.hang_up(digits)
    await box.farend.until(lambda: not call.live, timeout_s=BOUND_S)


async def talks(engine: RunningEngine, call_id: str) -> None:
    async with asyncio.timeout(BOUND_S):
        while (await engine.get(f"/v1/calls/{call_id}")).body["stage"] != "talking":  # noqa: ASYNC110 - elsewhere
            await asyncio.sleep(0.05)


async def browser_registers(box: Hotel) -> int:
    """At his HTTP server, as Anne; what came of it."""
    url, user = f"ws://127.0.0.1:{box.asterisk_settings.ari_port}/ws", "anne-4f7a.web"
    async with SipSocket(url, f"sip:{user}@127.0.0.1", user, "anne-example-secret", lambda _: None) as line:
        return await line.register()


async def test_his_goes_on_ours_works_and_nothing_stays() -> None:
    async with Hotel("hotel", print) as box:
        etc, digits = box.asterisk.paths.etc, coded("10", ring_s=0.1, tone_hz=800, serial=9)
        before = snapshot(etc)
        await box.farend.phone("accueil", HIS_SECRET, digits)
        await rings_at_the_desk(box, digits)

        file = box.dir / "directory.yaml"
        file.write_text(export(one_trunk(box.farend), with_secrets=True))
        engine = RunningEngine(box, file)
        code, said = await beside(engine)
        assert code == 0, said
        assert snapshot(etc) == before
        code, said = await beside(engine, "--apply")
        assert code == 0, said
        assert "add line  pjsip.conf" in said
        changed = {name for name, content in snapshot(etc).items() if name in before and content != before[name]}
        assert all(snapshot(etc)[name].startswith(before[name]) for name in changed)
        assert "hotel/rooms.conf" not in changed
        assert (await beside(engine, "--apply"))[1].endswith("nothing to do\n")
        await box.asterisk.cli("core reload")

        async with engine:
            await rings_at_the_desk(box, digits)
            customer = mobile("10", tone_hz=1000, serial=7)
            made = await engine.post("/v1/calls", {"agent": "anne", "to": customer})
            assert made.status == 202, made.body
            await talks(engine, made.body["id"])
            assert await browser_registers(box) == 200
            assert (await beside(engine, "--apply"))[1].endswith("nothing to do\n")
            await box.farend.hang_up(customer)
            assert "ILL" not in await engine.command("doctor")

        assert (await beside(engine, "--remove"))[0] == 0
        assert snapshot(etc) == before
        await box.asterisk.cli("core reload")
        await rings_at_the_desk(box, digits)
        await box.asterisk.kill()
        await box.asterisk.start()
        assert "hotel" in await box.asterisk.cli("dialplan show hotel")
