"""The far end's remote control: Asterisk's manager interface (AMI), one loopback connection, actions answered by id."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from contextlib import suppress

from engine.ami.wire import Message, framed, read_message
from engine.sandbox.errors import FarEndRefused

ACTION_TIMEOUT_S = 10


class ManagerConnection:
    """Send actions, hear events. `on_event` is called in the reader's task: it must not wait."""

    def __init__(self, on_event: Callable[[Message], None]) -> None:
        self._on_event = on_event
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self, port: int, user: str, secret: str) -> None:
        """Connect and log in; raises OSError or FarEndRefused."""
        async with asyncio.timeout(ACTION_TIMEOUT_S):
            reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
            await reader.readline()  # "Asterisk Call Manager/x.y.z"
        self._reading = asyncio.create_task(self._read(reader), name="far end's manager connection")
        await self.act("Login", Username=user, Secret=secret)

    async def close(self) -> None:
        """Close the connection; whoever still waits for an answer is told."""
        if self._writer is not None:
            self._writer.close()
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    async def act(self, action: str, *, variables: Mapping[str, str] | None = None, **headers: str) -> Message:
        """Run one action and return its answer; raises FarEndRefused when Asterisk answers an error."""
        if self._writer is None:
            raise FarEndRefused("the far end is not running")
        number = str(next(self._numbers))
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        lines = [("Action", action), ("ActionID", number), *headers.items()]
        lines += [("Variable", f"{key}={value}") for key, value in (variables or {}).items()]
        self._writer.write(framed(lines))
        try:
            async with asyncio.timeout(ACTION_TIMEOUT_S):
                message = await answer
        except TimeoutError as error:
            raise FarEndRefused(f"the far end did not answer {action} in {ACTION_TIMEOUT_S} s") from error
        finally:
            self._waiting.pop(number, None)
        if message.get("Response") != "Success":
            raise FarEndRefused(f"{action} {headers}: {message.get('Message')}")
        return message

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while message := await read_message(reader):
                waiting = self._waiting.get(message.get("ActionID", "")) if "Response" in message else None
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
                elif "Event" in message:
                    self._on_event(message)
        except OSError:
            pass  # killed on purpose in some tests; those who wait are told below
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(FarEndRefused("the far end closed its manager connection"))
