"""A manager interface that keeps what it is told, and can refuse, fall silent and go away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.ami.wire import Message, framed, read_message


class FakeManager:
    def __init__(self) -> None:
        self.port = 0
        self.told: list[Message] = []
        self.database: dict[str, str] = {}
        self.refuses: set[str] = set()
        self.silent = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """As when Asterisk ends: everybody is cut off, its database stays."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def actions(self) -> list[str]:
        return [message["Action"] for message in self.told]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        writer.write(b"Asterisk Call Manager/11.0.0\r\n" + framed([("Event", "FullyBooted")]))
        try:
            while message := await read_message(reader):
                self.told.append(message)
                if not self.silent:
                    writer.write(self._answer(message))
        except ConnectionError:
            pass

    def _answer(self, message: Message) -> bytes:
        action = message["Action"]
        if action in self.refuses:
            return framed([("Response", "Error"), ("ActionID", message["ActionID"]), ("Message", "No")])
        if action == "DBPut":
            self.database[f"{message['Family']}/{message['Key']}"] = message["Val"]
        return framed([("Response", "Success"), ("ActionID", message["ActionID"])])


@asynccontextmanager
async def fake_manager() -> AsyncIterator[FakeManager]:
    manager = FakeManager()
    await manager.start()
    try:
        yield manager
    finally:
        await manager.stop()
