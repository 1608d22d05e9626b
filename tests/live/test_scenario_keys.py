"""Digits of a caller reach the scenario whichever way their line sends them: as events of RTP, as SIP INFO, in the
voice."""

import os
from collections.abc import AsyncIterator
from typing import Literal, get_args

import msgspec
import pytest
import pytest_asyncio

from engine.domain.directory import Application, Calendar, Directory, Group, Number, ToApplication, Trunk
from engine.domain.values import E164, Extension, Slug
from engine.sandbox.behaviours import coded, mobile
from engine.sandbox.example import example_directory
from engine.sandbox.parties import Phone
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd
from tests.live import speech
from tests.live.lines import SECRET
from tests.live.test_scenarios import BYE, Caller, Place, written

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="session")]

Dtmf = Literal["rfc4733", "info", "inband"]
PARIS, TOUR = Slug("paris"), Slug("tour")
WAYS: tuple[Dtmf, ...] = get_args(Dtmf)
OURS = {dtmf: E164(f"+3314000005{place}") for place, dtmf in enumerate(WAYS)}
TIMES: dict[Dtmf, int] = {"rfc4733": 1, "info": 1, "inband": 3}
"""How often it may be typed: a packet of voice that is late, as on a crowded machine, takes or doubles a key in it."""
PATH = "welcome=done choose=key 1 code=done known=case 1 count=done said=done bye=ended"


def company(box: Sandbox) -> Directory:
    """One Yeastar signs in for each way that keys travel; the number called there leads to the tour."""
    trunks = [
        Trunk(id=Slug(f"by-{dtmf}"), site=PARIS, kind="account", secret=SECRET, dtmf=dtmf, codecs=("alaw",))
        for dtmf in WAYS
    ]
    numbers = [Number(id=OURS[dtmf], trunk=Slug(f"by-{dtmf}"), target=ToApplication(TOUR)) for dtmf in WAYS]
    calendar = Calendar(id=Slug("always"), name="Always", site=PARIS, hours="24/7")
    sales = Group(id=Slug("sales"), name="Sales", site=PARIS, extension=Extension("2500"))
    return msgspec.structs.replace(
        example_directory(box.farend),
        trunks={trunk.id: trunk for trunk in trunks},
        groups={sales.id: sales},
        calendars={calendar.id: calendar},
        applications={TOUR: Application(id=TOUR, name="tour", site=PARIS, scenario=TOUR)},
        numbers={number.id: number for number in numbers},
    )


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def place() -> AsyncIterator[Place]:
    async with Sandbox("keys") as box:
        await speech.to_be_found()
        async with RunningEngine(box, crowd.written(box, company(box))) as engine:
            os.environ["STANDARDISTE_TOKEN"] = engine.token
            folder = written(box.dir / "scenarios", "http://127.0.0.1:9")
            await engine.command("scenario", "publish", TOUR, "--folder", str(folder))
            yield Place(box, engine)


@pytest.mark.parametrize("dtmf", WAYS)
async def test_a_code_is_typed_cleared_and_confirmed(place: Place, dtmf: Dtmf) -> None:
    mode = {"allow": "alaw", "dtmf_mode": dtmf, "trust_id_inbound": "yes"}
    digits = coded("10", tone_hz=900, serial=WAYS.index(dtmf))
    yeastar = await place.box.farend.yeastar(f"trunk-by-{dtmf}", SECRET, digits, **mode)
    paths: list[str] = []
    while PATH not in paths and len(paths) < TIMES[dtmf]:
        paths.append(await _types(place, yeastar, dtmf, serial=10 * len(paths) + WAYS.index(dtmf)))
    assert paths[-1] == PATH, paths


async def _types(place: Place, yeastar: Phone, dtmf: Dtmf, *, serial: int) -> str:
    """A call in which the code is typed; the way it went."""
    farend, number = place.box.farend, mobile("10", tone_hz=400, serial=serial)
    caller = Caller(place, number, await farend.dial(yeastar, OURS[dtmf], from_number=number))
    for node, keys in (("choose", "1"), ("code", "99*0123#"), ("code", "1")):
        await caller.is_at(node)
        await farend.press(number, keys, in_voice=dtmf == "inband")
    await caller.is_gone()
    assert await caller.heard((BYE,)) == [BYE]
    row = await place.row_of(number)
    return " ".join(step.partition("/")[2] for step in row["ivr_path"])
