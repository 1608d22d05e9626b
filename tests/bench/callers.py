"""The ears and fingers of callers in menus: their RTP, hundreds of them in one thread.

A prompt is a tone, low or high, so that whatever a packet carries is known by how often its samples change sign. Keys
are telephone events (RFC 4733) of 100 ms. Times are the kernel's: when a packet came, whoever was busy then.
"""

import heapq
import random
import selectors
import socket
import struct
import threading
import time
from collections.abc import Sequence
from typing import Literal, NamedTuple

Tone = Literal["low", "high"]
LOW_HZ, HIGH_HZ = 440, 1200
BETWEEN_HZ = 800
RATE_HZ, FRAME_S = 8000, 0.02
KEY_FRAMES = 5
"""A key is held for 100 ms."""
ENDS = 3
"""The packet that ends it is sent so often."""
PATIENCE_S = 5.0
"""A key that nothing comes of in this time is lost, and pressed again."""
LOOK = -1
"""In place of a packet's number: see what came of the key."""
EVENT = 101  # the payload type of SIPp's offer (menu_caller.xml)
HEADER = 12
SILENT = 0x20
"""Of A-law: quieter than this is no tone, but the silence that a recording begins with."""
_MAGNITUDES = bytes((code ^ 0x55) & 0x7F for code in range(256))
_SO_TIMESTAMPNS = 35  # Linux; Python has no name for it
_TIMESPEC = struct.Struct("@qq")


class Pressed(NamedTuple):
    """A key: when it ended, and how long after that the last of the old and the first of the new prompt came.

    A prompt's first is the silence it begins with: Asterisk sends nothing while it plays nothing.
    """

    at: float
    stopped_s: float
    next_s: float


def tone_of(packet: bytes) -> Tone | None:
    """What an RTP packet of A-law carries; None for silence."""
    samples = packet[HEADER:]
    if max(samples.translate(_MAGNITUDES), default=0) < SILENT:
        return None
    bits = int.from_bytes(samples, "big")
    mask = int.from_bytes(b"\x80" * (len(samples) - 1), "big")  # the sign of every sample but the first
    hz = ((bits ^ bits >> 8) & mask).bit_count() * RATE_HZ / 2 / len(samples)
    return "low" if hz < BETWEEN_HZ else "high"


class Caller:
    """One of them. `hears` is the prompt that is being said; `lost`: when the keys ended that led nowhere."""

    def __init__(self, address: str, port: int, pace: random.Random) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.socket.bind((address, port))
        self.socket.setblocking(False)
        self.pace = pace
        self.hears: Tone | None = None
        self.lost: list[float] = []
        self.pressed: list[Pressed] = []
        self._peer = ("", 0)
        self._ended_at = self._last_at = 0.0
        self._silent_at = 0.0  # since when; 0 while a tone is heard
        self._waits = False  # for what comes of a key
        self._sent = self._stamp = 0

    def listen(self) -> bool:
        """Take what has come; whether a new prompt has begun."""
        begun = False
        while True:
            try:
                packet, ancillary, _, peer = self.socket.recvmsg(512, 64)
            except BlockingIOError:
                return begun
            self._peer = peer
            seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2][: _TIMESPEC.size])
            begun = self._heard(tone_of(packet), seconds + nanoseconds / 1e9) or begun

    def _heard(self, tone: Tone | None, at: float) -> bool:
        if tone is None:
            self._silent_at = self._silent_at or at
            return False
        began, self._silent_at = self._silent_at or at, 0.0
        if tone == self.hears:
            self._last_at = at
            return False
        if self._waits:
            stopped = max(0.0, self._last_at - self._ended_at)
            self.pressed.append(Pressed(self._ended_at, stopped, max(0.0, began - self._ended_at)))
        self._waits = False
        self.hears, self._last_at = tone, at
        return True

    def gives_up(self) -> bool:
        """Whether the last key was lost."""
        if not self._waits or time.time() - self._ended_at < PATIENCE_S - FRAME_S:
            return False
        self._waits = False
        self.lost.append(self._ended_at)
        return True

    def send(self, frame: int) -> None:
        """One packet of the key 1: the frames from `KEY_FRAMES` on end it."""
        ends = frame >= KEY_FRAMES
        if frame == 0:
            self._stamp = round(time.monotonic() * RATE_HZ) & 0xFFFFFFFF
        self._sent += 1
        duration = min(frame + 1, KEY_FRAMES) * round(RATE_HZ * FRAME_S)
        head = struct.pack("!BBHII", 0x80, EVENT | (0x80 if frame == 0 else 0), self._sent & 0xFFFF, self._stamp, 7)
        self.socket.sendto(head + struct.pack("!BBH", 1, 0x0A | (0x80 if ends else 0), duration), self._peer)
        if frame == KEY_FRAMES:
            self._ended_at, self._waits = time.time(), True


class Callers:
    """All of them: `with Callers(address, ports, every_s) as callers:`. They press a key every `every_s` on average."""

    def __init__(self, address: str, ports: Sequence[int], every_s: float) -> None:
        self._callers = [Caller(address, port, random.Random(port)) for port in ports]
        self._every_s = every_s
        self._due: list[tuple[float, int, int]] = []  # when, whose, which packet of the key
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="callers")

    def __enter__(self) -> "Callers":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for caller in self._callers:
            caller.socket.close()

    @property
    def hearing(self) -> int:
        """How many hear a prompt, or have."""
        return sum(caller.hears is not None for caller in self._callers)

    def pressed(self, since: float, until: float) -> list[Pressed]:
        """The keys that ended in this time, and led on."""
        return [key for caller in self._callers for key in caller.pressed if since <= key.at < until]

    def lost(self, since: float, until: float) -> int:
        """How many ended in this time, and led nowhere."""
        return sum(since <= at < until for caller in self._callers for at in caller.lost)

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for number, caller in enumerate(self._callers):
                selector.register(caller.socket, selectors.EVENT_READ, number)
            while not self._over.is_set():
                due = self._due[0][0] - time.monotonic() if self._due else FRAME_S
                for key, _ in selector.select(min(max(due, 0.0), FRAME_S)):
                    if self._callers[key.data].listen():
                        self._will_press(key.data)
                self._press(time.monotonic())

    def _will_press(self, number: int) -> None:
        wait = self._callers[number].pace.uniform(0.2, 1.8) * self._every_s
        heapq.heappush(self._due, (time.monotonic() + wait, number, 0))

    def _press(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            at, number, frame = heapq.heappop(self._due)
            caller = self._callers[number]
            if frame == LOOK:
                if caller.gives_up():
                    self._will_press(number)
                continue
            caller.send(frame)
            last = frame == KEY_FRAMES + ENDS - 1
            heapq.heappush(self._due, (at + PATIENCE_S, number, LOOK) if last else (at + FRAME_S, number, frame + 1))
