"""Messages that callers leave: taken over from Asterisk, kept as files of this node, heard and deleted by applications.

The files are no part of PostgreSQL: a message must be safe before its caller is told so, PostgreSQL there or not, and a
minute takes a megabyte, too much for the journal.
"""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import structlog

from engine.app.asked_once import Asked, AskedOnce
from engine.app.auditing import Audit, note
from engine.calls import rows
from engine.calls.contract import Actor
from engine.calls.ports import Answer
from engine.domain import ids, public_events
from engine.domain import voicemails as domain
from engine.domain.public_events import MessageLeft
from engine.domain.scenario.talk import StoreMessage
from engine.domain.values import RecordingId
from engine.domain.voicemails import Voicemail
from engine.errors import JournalUnwritable, StandardisteError, UnknownThing
from engine.http.voicemail_port import VoicemailPage
from engine.store import forgetting, voicemails
from engine.store.message_files import MessageFiles
from engine.store.pool import Database

log = structlog.get_logger(__name__)


class Spool(Protocol):
    """What Asterisk recorded; both raise when it cannot be asked."""

    async def stored_recording(self, name: str) -> bytes: ...

    async def remove_recording(self, name: str) -> bool: ...


class MessageAnswers:
    """`files` are where the messages are kept, `spool` where Asterisk recorded them."""

    def __init__(self, spool: Spool, files: MessageFiles, once: AskedOnce, node: str) -> None:
        self._spool, self._files, self._once, self._node = spool, files, once, node

    async def answer(self, asked: Asked, said: StoreMessage) -> Answer:
        """left, once message and journal are on the disk; error when there is nothing, or no room. Whoever is asked
        again finds it kept, or else where Asterisk recorded it. Raises JournalUnwritable, or what Asterisk says."""
        name, recording = ids.question_id(asked.call.id, asked.number), ids.message_recording(asked.call.id, said.name)
        try:
            seconds = await self._kept(name, recording)
        except OSError as full:
            log.error("voicemail.not_kept", mailbox=said.mailbox, why=str(full), next="Free some space on its disk.")
            return Answer("error")
        if not seconds:
            log.warning("voicemail.empty", mailbox=said.mailbox, recording=recording)
            return Answer("error")
        at = self._once.now()
        left = domain.left(asked.call, asked.number, mailbox=said.mailbox, seconds=seconds, at=at, node=self._node)
        told = MessageLeft(id=left.id, mailbox=left.mailbox, seconds=seconds)
        try:
            await self._once.keep(
                asked, rows.voicemail(left), rows.public(public_events.of_scenario(told, asked.call, at))
            )
        except JournalUnwritable:
            await asyncio.to_thread(self._files.drop, name)  # Asterisk has it still
            raise
        await self._remove(recording)
        return Answer("left")

    async def _kept(self, name: str, recording: RecordingId) -> float:
        seconds = await asyncio.to_thread(self._files.seconds, name)
        if seconds is not None:
            return seconds
        samples = await self._spool.stored_recording(recording)
        return await asyncio.to_thread(self._files.keep, name, samples) if samples else 0.0

    async def _remove(self, recording: RecordingId) -> None:
        try:
            await self._spool.remove_recording(recording)
        except StandardisteError as failed:  # two files of it are better than none
            log.warning("voicemail.not_removed", recording=recording, why=failed.message)


class VoicemailBox:
    """Implements `http.voicemail_port.Voicemails`, for the messages of every node; their sound is on the one that
    took them. `keep_days`: how long; 0: for ever."""

    def __init__(self, db: Database, files: MessageFiles, journal: Audit, *, node: str, keep_days: int) -> None:
        self._db, self._files, self._journal, self._node = db, files, journal, node
        self._keep = timedelta(days=keep_days) if keep_days else None

    async def page(self, mailbox: str | None, heard: bool | None, after: int, limit: int) -> VoicemailPage:
        async with self._db.connection() as connection:
            found, more = await voicemails.page(connection, mailbox=mailbox, heard=heard, after=after, limit=limit)
        return VoicemailPage(found, more)

    async def sound(self, name: str) -> Path:
        async with self._db.connection() as connection:
            message = await voicemails.one(connection, name)
        path = self._files.path(message.id)
        if not await asyncio.to_thread(path.is_file):
            raise UnknownThing(f"the sound of voicemail {message.id} is on node {message.node}, not here")
        return path

    async def hear(self, name: str, heard: bool, actor: Actor) -> Voicemail:
        async with self._db.connection() as connection:
            message = await voicemails.hear(connection, name, heard)
        await note(self._journal, actor, f"voicemails: {'heard' if heard else 'unheard'} {message.id}", "changed")
        return message

    async def delete(self, name: str, actor: Actor) -> None:
        async with self._db.connection() as connection:
            message = await voicemails.delete(connection, name)
        await asyncio.to_thread(self._files.drop, message.id)
        await note(self._journal, actor, f"voicemails: delete {message.id}", "deleted")

    async def forget_old(self) -> None:
        """Take away what this node has kept long enough, sound first. Raises DatabaseAway."""
        while True:
            async with self._db.connection() as connection:
                names = await voicemails.over(connection, self._node, self._keep, forgetting.BATCH)
            for name in names:
                await asyncio.to_thread(self._files.drop, name)
            async with self._db.connection() as connection:
                await voicemails.forget(connection, names)
            if len(names) < forgetting.BATCH:
                return
