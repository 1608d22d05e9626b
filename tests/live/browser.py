"""A telephone in a browser, set up with what `POST /v1/agents` answered in `webrtc` and nothing else of ours.

Media is aiortc's: ICE, DTLS-SRTP and G.711 of a stack that shares no code with Asterisk, baresip or SIPp. It speaks a
tone and records what it hears.
"""

import asyncio
import ssl
import wave
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import aioice.ice
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from tests.live.sip_websocket import WAIT_S, Dialog, Message, SipSocket

RATE = 8000
FRAME = 160  # samples: 20 ms
AMPLITUDE = 8000  # of 32768
ESTABLISHED = ("completed", "connected")  # of ICE and of DTLS


def on_loopback_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser offers the addresses of its network; ours has no other machine on it, and may have no network."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


class Tone(MediaStreamTrack):
    """A microphone that hears one frequency."""

    kind = "audio"

    def __init__(self, hertz: int) -> None:
        super().__init__()
        self._hertz, self._sent, self._begun = hertz, 0, 0.0

    async def recv(self) -> AudioFrame:
        now = asyncio.get_running_loop().time()
        self._begun = self._begun or now
        await asyncio.sleep(max(0.0, self._begun + self._sent / RATE - now))
        at = np.arange(self._sent, self._sent + FRAME) / RATE
        samples = (AMPLITUDE * np.sin(2 * np.pi * self._hertz * at)).astype(np.int16)
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._sent, Fraction(1, RATE)
        self._sent += FRAME
        return frame


class Media:
    """The sound of one call."""

    def __init__(self, heard: Path, tone_hz: int, servers: list[RTCIceServer]) -> None:
        self.theirs = ""  # their last SDP
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._peer.addTrack(Tone(tone_hz))
        self._peer.on("track", self._hear)
        self._heard, self._hearing = heard, set[asyncio.Task[None]]()

    async def offer(self) -> str:
        await self._peer.setLocalDescription(await self._peer.createOffer())
        return str(self._peer.localDescription.sdp)

    async def answer(self, offer: str) -> str:
        await self._take("offer", offer)
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        return str(self._peer.localDescription.sdp)

    async def taken(self, answer: str) -> None:
        await self._take("answer", answer)

    @property
    def encrypted(self) -> bool:
        """Whether they wanted ICE and DTLS, and both came about."""
        wanted = ("UDP/TLS/RTP/SAVPF", "a=fingerprint:SHA-256", "a=candidate:", "a=rtcp-mux")
        dtls = self._peer.getSenders()[0].transport
        return all(word in self.theirs for word in wanted) and (dtls.transport.state, dtls.state) == ESTABLISHED

    async def close(self) -> None:
        """Returns when what was heard is written. A track that never got a packet would never end by itself."""
        await self._peer.close()
        for hearing in self._hearing:
            hearing.cancel()
        await asyncio.gather(*self._hearing, return_exceptions=True)

    async def _take(self, kind: str, sdp: str) -> None:
        self.theirs = sdp
        await self._peer.setRemoteDescription(RTCSessionDescription(sdp, kind))

    def _hear(self, track: MediaStreamTrack) -> None:
        self._hearing.add(asyncio.create_task(self._write(track), name="browser-hears"))

    async def _write(self, track: MediaStreamTrack) -> None:
        with wave.open(str(self._heard), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            while True:
                try:
                    frame = await track.recv()
                except MediaStreamError:
                    return
                assert isinstance(frame, AudioFrame)
                assert frame.sample_rate == RATE
                file.writeframes(frame.to_ndarray().tobytes())


class Browser:
    """``async with Browser(told, heard, tone_hz=700) as browser: await browser.dial("0140000000")``

    `told` is the `webrtc` of the answer, `heard` the file for what it hears. It has one call in its life.
    """

    def __init__(
        self, told: Mapping[str, Any], heard: Path, *, tone_hz: int, trusted: ssl.SSLContext | None = None
    ) -> None:
        self.line = SipSocket(told["url"], told["uri"], told["user"], told["secret"], self._asked, trusted=trusted)
        self.heard = heard
        self.media = Media(heard, tone_hz, [RTCIceServer(**server) for server in told["ice_servers"]])
        self.asked: list[Message] = []  # the requests it was sent
        self._news = asyncio.Event()
        self._dialog: Dialog | None = None

    async def __aenter__(self) -> Self:
        await self.line.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.media.close()
        await self.line.__aexit__()

    async def told(self, method: str) -> Message:
        """The first request of this kind, once it is there; raises AssertionError with all of them."""
        try:
            async with asyncio.timeout(WAIT_S):
                while not (found := [request for request in self.asked if request.method == method]):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {method}: {[request.first for request in self.asked]}") from None
        return found[0]

    async def accept(self) -> None:
        invite = await self.told("INVITE")
        assert self._dialog is not None
        body = await self.media.answer(invite.body)
        self.line.answer(invite, "200 OK", tagged=self._dialog.local, body=body)

    async def dial(self, number: str) -> Message:
        """What was answered in the end."""
        self._dialog = Dialog.ours(self.line.uri, self.line.address(number))
        answer = await self.line.ask(self._dialog, "INVITE", body=await self.media.offer())
        if answer.status == 200:
            await self.media.taken(answer.body)
        return answer

    async def hang_up(self) -> None:
        assert self._dialog is not None
        assert (await self.line.ask(self._dialog, "BYE")).status == 200

    def _asked(self, request: Message) -> None:
        match request.method:
            case "INVITE":
                self._dialog = Dialog.theirs(request)
                self.line.answer(request, "180 Ringing", tagged=self._dialog.local)
            case "CANCEL":
                self.line.answer(request, "200 OK")
                (invite,) = (one for one in self.asked if one.method == "INVITE")
                assert self._dialog is not None
                self.line.answer(invite, "487 Request Terminated", tagged=self._dialog.local)
            case method if method != "ACK":
                self.line.answer(request, "200 OK")
        self.asked.append(request)
        self._news.set()
