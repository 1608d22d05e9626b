"""One connection to Asterisk's manager interface on this machine: kept open, opened again, actions answered by id."""

import asyncio
import itertools
from contextlib import suppress

import msgspec
import structlog

from engine.ami.actions import Action, Login, Ping
from engine.ami.errors import AmiAway, AmiRefused
from engine.ami.wire import Message, framed, read_message
from engine.errors import StandardisteError

log = structlog.get_logger(__name__)

LOOPBACK = "127.0.0.1"
ANSWER_S = 5.0
PING_EVERY_S = 15.0  # an Asterisk that hangs keeps its sockets open
AGAIN_FIRST_S, AGAIN_LAST_S = 0.5, 10.0


class AmiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where it listens, and who we are there."""

    port: int
    user: str
    secret: str


class AmiConnection:
    """`run` it in a task; cancel that task to stop. `epoch` counts the connections there were: what was done in an
    earlier one was done to an Asterisk that may have ended since."""

    def __init__(self, settings: AmiSettings) -> None:
        self._settings = settings
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self.ready = False
        self.epoch = 0

    async def run(self) -> None:
        """Stay connected for ever."""
        pause = AGAIN_FIRST_S
        while True:
            before = self.epoch
            why = await self._one_epoch()
            if self.epoch != before:
                pause = AGAIN_FIRST_S
                log.warning("ami.disconnected", epoch=self.epoch, why=why)
            elif pause == AGAIN_FIRST_S:  # told once, not for as long as Asterisk is away
                log.warning("ami.unreachable", port=self._settings.port, why=why)
            await asyncio.sleep(pause)
            pause = min(pause * 2, AGAIN_LAST_S)

    async def act(self, action: Action) -> None:
        """Have one action done; raises AmiAway, AmiRefused, InvalidValue."""
        if not self.ready:
            raise AmiAway("Asterisk's manager interface is not connected")
        await self._ask(action)

    async def _one_epoch(self) -> str:
        """From one connect to its loss; why it ended."""
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, self._writer = await asyncio.open_connection(LOOPBACK, self._settings.port)
                await reader.readline()  # "Asterisk Call Manager/x.y.z"
        except (OSError, TimeoutError, ValueError) as failed:
            return f"{type(failed).__name__}: {failed}"
        reading = asyncio.create_task(self._read(reader), name="ami-reader")
        living = asyncio.create_task(self._live(), name="ami")
        try:
            await asyncio.wait((reading, living), return_when=asyncio.FIRST_COMPLETED)
            return living.result() if living.done() else "Asterisk closed the connection"
        finally:
            self.ready = False
            self._writer.close()
            for task in (reading, living):
                task.cancel()
            await asyncio.gather(reading, living, return_exceptions=True)

    async def _live(self) -> str:
        """Sign in, then see that somebody is there; why it cannot go on."""
        try:
            await self._ask(Login(self._settings.user, self._settings.secret))
            self.epoch += 1
            self.ready = True
            log.info("ami.connected", epoch=self.epoch)
            while True:
                await asyncio.sleep(PING_EVERY_S)
                await self._ask(Ping())
        except StandardisteError as failed:
            return failed.message

    async def _ask(self, action: Action) -> None:
        name, number = type(action).__name__, str(next(self._numbers))
        sent = framed([*action.lines(), ("ActionID", number)])
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(ANSWER_S):
                if self._writer is not None:
                    self._writer.write(sent)
                message = await answer
        except (TimeoutError, OSError) as late:
            raise AmiAway(f"Asterisk did not answer {name} in {ANSWER_S:g} s") from late
        finally:
            self._waiting.pop(number, None)
        if message.get("Response") != "Success":
            raise AmiRefused(f"Asterisk refused {name}: {message.get('Message', 'no reason given')}")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with suppress(OSError, ValueError):  # lost, or no manager at all: those who wait are told below
            while message := await read_message(reader):
                waiting = self._waiting.get(message.get("ActionID", "")) if "Response" in message else None
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(AmiAway("Asterisk closed its manager connection"))
