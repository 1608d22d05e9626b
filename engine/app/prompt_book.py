"""The house's recordings, kept in PostgreSQL; implements `http.prompt_port`.

Scenarios take what they say with them when they are published (`app.scenario_library`), so that a version never
changes: a recording that is replaced or removed is another for the versions to come.
"""

import asyncio
from datetime import UTC, datetime
from typing import get_args

import msgspec

from engine.app.auditing import Audit, note
from engine.calls.contract import Actor
from engine.domain.directory import Language
from engine.domain.values import slug
from engine.errors import InvalidValue, UnknownThing
from engine.http.prompt_port import PromptEntry
from engine.sounds.uploads import convert
from engine.store import prompts as rows
from engine.store.pool import Database
from engine.store.prompts import Prompt


class PromptBook:
    def __init__(self, db: Database, journal: Audit) -> None:
        self._db, self._journal = db, journal

    async def entries(self) -> list[PromptEntry]:
        async with self._db.connection() as connection:
            return [_entry(prompt) for prompt in await rows.load(connection)]

    async def one(self, name: str, language: str) -> PromptEntry:
        found = (entry for entry in await self.entries() if (entry.name, entry.language) == (name, language))
        entry = next(found, None)
        if entry is None:
            raise _unknown(name, language)
        return entry

    async def audio(self, name: str, language: str) -> bytes:
        async with self._db.connection() as connection:
            content = await rows.content(connection, name, language)
        if content is None:
            raise _unknown(name, language)
        return content

    async def put(self, name: str, language: str, upload: bytes, comment: str | None, actor: Actor) -> PromptEntry:
        checked, spoken = slug(name), _language(language)
        made = await asyncio.to_thread(convert, upload)
        prompt = Prompt(
            name=checked,
            language=spoken,
            comment=comment,
            seconds=round(made.seconds, 2),
            made_of=made.made_of,
            author=actor.name,
            changed_at=datetime.now(UTC),
        )
        async with self._db.connection() as connection:
            await rows.put(connection, prompt, made.wide)
        await note(self._journal, actor, f"prompts: put {name} {language}", f"{prompt.seconds} s of {made.made_of}")
        return _entry(prompt)

    async def remove(self, name: str, language: str, actor: Actor) -> None:
        async with self._db.connection() as connection:
            if not await rows.remove(connection, name, language):
                raise _unknown(name, language)
        await note(self._journal, actor, f"prompts: remove {name} {language}", "removed")


def _entry(prompt: Prompt) -> PromptEntry:
    return msgspec.convert(prompt, PromptEntry, from_attributes=True)


def _language(text: str) -> Language:
    try:
        language: Language = msgspec.convert(text, Language)
    except msgspec.ValidationError:
        raise InvalidValue(f"{text[:20]!r} is none of the languages: {', '.join(get_args(Language))}") from None
    return language


def _unknown(name: str, language: str) -> UnknownThing:
    return UnknownThing(f"there is no recording {name!r} in {language!r}")
