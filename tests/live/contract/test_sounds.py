"""Asterisk plays our recordings from where the project lies, even when that is a folder with blanks in its name; and of
two forms beside each other the one that suits the call."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from engine.config.asterisk import AsteriskPaths, AsteriskSettings
from engine.config.render import base_files
from engine.sandbox.asterisk import AsteriskInstall, AsteriskServer
from engine.sandbox.audio import tone_levels
from engine.sandbox.places import short_run_directory
from engine.sandbox.ports import PortBlock
from engine.sounds import FOLDER, Prompt, comfort, playable, prompt
from engine.sounds.conditioning import NARROW_HZ, WIDE_HZ, Forms, wav, write
from tests.sounds.test_conditioning import humming

SECRET = "only-for-this-test"
SILENT_CALL = "\n[silent-call]\nexten = s,1,Answer()\n same = n,Wait(60)\n"
LISTENER = """
[listener]
exten = _[a-z0-9].,1,Answer()
 same = n,Record({folder}/${{EXTEN}}.wav,0,2,q)
"""
"""Keeps what is played to it for two seconds, under the name it is called by."""
TONES_HZ = {WIDE_HZ: 1_500, NARROW_HZ: 500}
EVENT_TIMEOUT_S = 10


class Player:
    """One answered channel in a Stasis application, and what plays on it."""

    def __init__(self, http: aiohttp.ClientSession, events: aiohttp.ClientWebSocketResponse, heard: Path) -> None:
        self._http = http
        self._events = events
        self.heard = heard

    async def event(self, kind: str) -> dict[str, Any]:
        """The next event of that kind."""
        async with asyncio.timeout(EVENT_TIMEOUT_S):
            while True:
                event: dict[str, Any] = await self._events.receive_json()
                if event["type"] == kind:
                    return event

    async def call(self, endpoint: str = "Local/s@silent-call", channel: str = "listener", **more: str) -> None:
        """Make the channel; returns when it is in the application."""
        asked = {"endpoint": endpoint, "app": "sounds", "channelId": channel, **more}
        async with self._http.post("/ari/channels", params=asked) as answer:
            answer.raise_for_status()
        await self.event("StasisStart")

    async def play(self, path: Path, channel: str = "listener") -> tuple[str, float]:
        """How the playback ended, and after how many seconds."""
        started = time.monotonic()
        async with self._http.post(f"/ari/channels/{channel}/play", params={"media": f"sound:{path}"}) as answer:
            answer.raise_for_status()
        finished = await self.event("PlaybackFinished")
        return finished["playback"]["state"], time.monotonic() - started


@pytest_asyncio.fixture(loop_scope="session")
async def player() -> AsyncIterator[Player]:
    install = await AsteriskInstall.find_or_fetch(print)
    ports = PortBlock.claim()
    home = short_run_directory("sounds")
    paths = AsteriskPaths.under(home, modules=install.modules, data=install.data)
    settings = AsteriskSettings(paths=paths, ari_port=ports.take(), ari_secret=SECRET, sip_port=ports.take())
    files = base_files(settings)
    server = AsteriskServer(install, paths)
    heard = home / "heard"
    heard.mkdir()
    dialplan = files["extensions.conf"] + SILENT_CALL + LISTENER.format(folder=heard)
    server.write(files | {"extensions.conf": dialplan})
    await server.start()
    try:
        identity = {"Authorization": aiohttp.encode_basic_auth(settings.ari_user, SECRET)}
        url = f"http://127.0.0.1:{settings.ari_port}"
        async with (
            aiohttp.ClientSession(url, headers=identity, timeout=aiohttp.ClientTimeout(EVENT_TIMEOUT_S)) as http,
            http.ws_connect("/ari/events?app=sounds") as events,
        ):
            listening = Player(http, events, heard)
            await listening.call()
            yield listening
    finally:
        await server.stop()
        ports.close()
        shutil.rmtree(home)


async def test_a_recording_plays_from_any_folder(player: Player, tmp_path: Path) -> None:
    name: Prompt = "call-ended"  # 1.3 s
    blank = tmp_path / "a folder of (mine) & é"
    comma = tmp_path / "mine, too"
    for folder in (blank, comma):
        shutil.copytree(FOLDER, folder)

    for folder in (FOLDER, blank, playable(tmp_path, comma)):
        state, seconds = await player.play(prompt(name, "fr", folder))
        assert state == "done"
        assert 1.0 < seconds < 2.5, folder

    assert (await player.play(comfort()))[0] == "done"
    assert (await player.play(prompt(name, "fr", tmp_path / "nowhere")))[0] == "failed"


@pytest.mark.parametrize(("codec", "rate_hz"), [("g722", WIDE_HZ), ("alaw", NARROW_HZ)])
async def test_of_two_forms_the_one_that_suits_the_call_is_played(
    player: Player, tmp_path: Path, codec: str, rate_hz: int
) -> None:
    """Each form has a tone of its own, so that one hears which it is."""
    wide, narrow = (wav(humming(1.5, hz, TONES_HZ[hz]), hz) for hz in (WIDE_HZ, NARROW_HZ))
    write(Forms(wide, narrow), tmp_path / "both.wav")
    await player.call(f"Local/{codec}@listener", codec, formats=codec)
    assert (await player.play(tmp_path / "both", codec))[0] == "done"
    await player.event("StasisEnd")  # when it is kept
    levels = tone_levels(player.heard / f"{codec}.wav", TONES_HZ.values(), start_s=0.3, end_s=1.3)
    other = next(tone for hz, tone in TONES_HZ.items() if hz != rate_hz)
    assert levels[TONES_HZ[rate_hz]] == pytest.approx(-20, abs=1)
    assert levels[other] < -50
