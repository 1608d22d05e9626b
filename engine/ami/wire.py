"""The manager protocol's messages: `Key: value` lines, a blank line at the end."""

import asyncio
from collections.abc import Iterable, Mapping

from engine.errors import InvalidValue

Message = Mapping[str, str]


def framed(lines: Iterable[tuple[str, str]]) -> bytes:
    """One message; raises InvalidValue for a value that would be more than one line, and so another action."""
    told = []
    for key, value in lines:
        if "\r" in value or "\n" in value or "\x00" in value:
            raise InvalidValue(f"{key}: {value[:80]!r} is more than one line")
        told.append(f"{key}: {value}\r\n")
    return ("".join(told) + "\r\n").encode()


async def read_message(reader: asyncio.StreamReader) -> Message:
    """The next message, keys as Asterisk writes them; empty at the end. Raises ValueError for an endless line."""
    message: dict[str, str] = {}
    while line := (await reader.readline()).decode(errors="replace"):
        if not line.strip():
            if message:
                break
            continue
        key, _, value = line.rstrip("\r\n").partition(": ")
        message[key.rstrip(":")] = value
    return message
