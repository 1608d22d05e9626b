"""Two menus that lead to each other, twice: as a scenario of the engine's, and in plain dialplan of the same Asterisk.

Each says a tone for long, waits then, and goes to the other on 1. Nothing else can be pressed.
"""

import base64
import io
import math
import wave
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from engine.domain.directory import Application, Directory, Number, Site, ToApplication, Trunk
from engine.domain.values import E164, Slug
from engine.sandbox.process import OwnedProcess
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from engine.sounds import uploads
from tests.bench.callers import HIGH_HZ, LOW_HZ, RATE_HZ

NAME = Slug("menus")
ADDRESS = "127.0.5.1"  # of the callers' trunk
BY_ENGINE, BY_DIALPLAN = E164("+33140000001"), E164("+33140000002")
PROMPT_S = 30
"""Longer than anybody listens: every key cuts a prompt."""
TONES = {"low": LOW_HZ, "high": HIGH_HZ}
SIPP_SCENARIO = Path(__file__).with_name("menu_caller.xml")

SCENARIO = """\
scenario: menus
title: {fr: Deux menus}
languages: [fr]
start: low
on_error: end
limits: {steps: 400, visits: 200, duration_s: 3600}
nodes:
  low: {type: menu, prompt: [{file: low}], keys: {1: high}, on: {no_input: end, no_match: end}}
  high: {type: menu, prompt: [{file: high}], keys: {1: low}, on: {no_input: end, no_match: end}}
  end: {type: hangup}
"""
CONVERSATION = """\
defaults: {at: 2026-05-05T10:00+02:00}
conversations:
  - name: there and back
    steps: [press: 1, press: 1, hang up]
    path: [low key 1, high key 1, low]
"""
DIALPLAN = """
[from-trunks]
exten => {number},1,Answer()
 same => n,Goto(bench-low,s,1)
[bench-low]
exten => s,1,Background({folder}/low)
 same => n,WaitExten(5)
 same => n,Hangup()
exten => 1,1,Goto(bench-high,s,1)
[bench-high]
exten => s,1,Background({folder}/high)
 same => n,WaitExten(5)
 same => n,Hangup()
exten => 1,1,Goto(bench-low,s,1)
"""


def directory(port: int) -> Directory:
    """The callers' trunk, and the number of it that leads into the scenario."""
    site = Site(id=Slug("paris"), name="Paris")
    trunk = Trunk(
        id=Slug("callers"), site=site.id, kind="peer", host=ADDRESS, port=port, channels=5000, qualify_s=3600,
        caller_ids=(BY_ENGINE,),
    )  # fmt: skip
    application = Application(id=NAME, name="Menus", site=site.id, scenario=NAME)
    number = Number(id=BY_ENGINE, trunk=trunk.id, target=ToApplication(NAME))
    return Directory(
        revision=1,
        sites={site.id: site},
        trunks={trunk.id: trunk},
        agents={},
        numbers={number.id: number},
        applications={application.id: application},
    )


async def publish(engine: RunningEngine) -> None:
    """The scenario, with tones for recordings."""
    recordings = {f"{NAME}/prompts/fr/{name}.wav": base64.b64encode(_tone(hz)).decode() for name, hz in TONES.items()}
    files = {f"{NAME}/scenario.yaml": SCENARIO, f"{NAME}/{NAME}.test.yaml": CONVERSATION}
    body = {"files": files, "recordings": recordings, "alias": "live"}
    answer = await engine.post(f"/v1/scenarios/{NAME}/publish", body)
    assert answer.status == 200, answer.body


async def write_dialplan(box: Sandbox) -> None:
    """Beside the contexts that are there; the engine's own files stay as they are. The recordings are the same."""
    for name, hz in TONES.items():
        (box.dir / f"{name}.wav").write_bytes(uploads.convert(_tone(hz)).narrow)
    file = box.asterisk.paths.etc / "extensions.conf"
    file.write_text(f"{file.read_text()}{DIALPLAN.format(number=BY_DIALPLAN, folder=box.dir)}")
    await box.asterisk.cli("dialplan reload")


@asynccontextmanager
async def calling(
    sipp: Path, box: Sandbox, number: E164, ports: list[int], *, sip_port: int, per_s: float, stay_s: float
) -> AsyncIterator[OwnedProcess]:
    """SIPp calls the number once for each of these RTP ports, and hangs up `stay_s` after each answer."""
    folder = box.dir / f"sipp-{len(list(box.dir.glob('sipp-*')))}"
    folder.mkdir()
    lines = "".join(f"{port};{index:06d}\n" for index, port in enumerate(ports))
    (folder / "callers.csv").write_text(f"SEQUENTIAL\n{lines}")
    words: list[str | Path | float] = [sipp, "-sf", SIPP_SCENARIO, "-inf", folder / "callers.csv", "-s", number]
    words += ["-i", ADDRESS, "-p", sip_port, "-m", len(ports), "-r", per_s, "-d", round(stay_s * 1000), "-nostdin"]
    words += ["-trace_err", "-error_file", folder / "errors", f"127.0.0.1:{box.asterisk_settings.sip_port}"]
    process = OwnedProcess("SIPp", [str(word) for word in words], output=folder / "output", directory=folder)
    await process.start()
    try:
        yield process
    finally:
        await process.stop()


def _tone(hz: int) -> bytes:
    """A WAV file of it."""
    wave_of_one = [round(9000 * math.sin(2 * math.pi * hz * n / RATE_HZ)) for n in range(RATE_HZ)]
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(array("h", wave_of_one * PROMPT_S).tobytes())
    return written.getvalue()
