"""Recordings of the whole house in PostgreSQL, by name and language."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from engine.domain.directory import Language
from engine.domain.values import Slug
from engine.store import columns
from engine.store.pool import Connection


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a recording. `made_of`: the form it was uploaded in."""

    name: Slug
    language: Language
    comment: str | None
    seconds: float
    made_of: str
    author: str
    changed_at: datetime


_NAMES = ", ".join(columns.names(Prompt))


async def load(connection: Connection) -> list[Prompt]:
    rows = await connection.fetch(f"SELECT {_NAMES} FROM prompts ORDER BY name, language")  # noqa: S608 - our own names
    return [columns.record(Prompt, row) for row in rows]


async def content(connection: Connection, name: str, language: str) -> bytes | None:
    """The sound, as WAV at 16 kHz; None where there is no such recording."""
    sound: bytes | None = await connection.fetchval(
        "SELECT content FROM prompts WHERE name = $1 AND language = $2", name, language
    )
    return sound


async def contents(connection: Connection, names: Sequence[str]) -> dict[tuple[Language, Slug], bytes]:
    """The sound of all recordings with these names, in each language there is."""
    rows = await connection.fetch("SELECT name, language, content FROM prompts WHERE name = ANY ($1::text[])", names)
    return {(row["language"], Slug(row["name"])): row["content"] for row in rows}


async def put(connection: Connection, prompt: Prompt, sound: bytes) -> None:
    """In the place of the one of this name and language."""
    statement = columns.upsert("prompts", Prompt, "name, language", extra=("content",))
    await connection.execute(statement, *columns.values(prompt), sound)


async def remove(connection: Connection, name: str, language: str) -> bool:
    """Whether there was one."""
    done = await connection.execute("DELETE FROM prompts WHERE name = $1 AND language = $2", name, language)
    return done != "DELETE 0"
