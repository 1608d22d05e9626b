"""Messages of callers: from Asterisk's spool to a file and a row, once, whatever dies, is away or full on the way."""

import errno
import io
import stat
import wave
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.app.asked_once import Asked, AskedOnce
from engine.app.voicemail_box import MessageAnswers, VoicemailBox
from engine.ari.errors import NotFound, Unreachable
from engine.calls.clock import Clock
from engine.calls.ports import Answer
from engine.domain.ids import question_id, recording_id
from engine.domain.scenario.talk import StoreMessage
from engine.domain.values import CallId, Slug
from engine.domain.voicemails import Voicemail
from engine.errors import DatabaseAway, JournalUnwritable, UnknownThing
from engine.journal import Journal
from engine.store import local_file
from engine.store.message_files import MessageFiles
from engine.store.pool import Database
from engine.store.shipper import Shipper
from tests.app.test_contact_book import Audit
from tests.app.test_scenario_answers import CALL, CRM, NOWHERE, journal, opened, told
from tests.domain.calls import CUSTOMER
from tests.store.records import call_id

__all__ = ["journal"]

NODE = "node-1"
SAID = StoreMessage(mailbox=Slug("alice"), name="message-3", seconds=2.0)
SAMPLES = bytes(range(250)) * 128  # 2 s
ANYBODY: dict[str, Any] = {"mailbox": None, "heard": None, "after": 0, "limit": 100}


class Asterisk:
    """Its spool: files by name."""

    def __init__(self, *calls: str, samples: bytes = SAMPLES) -> None:
        self.files: dict[str, bytes] = {recording_id(CallId(call), 3): samples for call in calls or (CALL.id,)}
        self.away = False

    async def stored_recording(self, name: str) -> bytes:
        if name not in self.files:
            raise NotFound("GET", "there is none", 404)
        return self.files[name]

    async def remove_recording(self, name: str) -> bool:
        if self.away:
            raise Unreachable("DELETE", "it does not listen")
        return self.files.pop(name, None) is not None


@pytest.fixture
def files(tmp_path: Path) -> MessageFiles:
    return MessageFiles(tmp_path / "voicemail")


def answers(asterisk: Asterisk, files: MessageFiles, journal: Journal) -> MessageAnswers:
    return MessageAnswers(asterisk, files, AskedOnce(journal, Clock()), NODE)


def box(db: Database, files: MessageFiles, audit: Audit | None = None, **more: Any) -> VoicemailBox:
    return VoicemailBox(db, files, audit or Audit(), **{"node": NODE, "keep_days": 90, **more})


async def kept(db: Database, files: MessageFiles, **wanted: Any) -> list[Voicemail]:
    return (await box(db, files).page(**{**ANYBODY, **wanted})).items


async def test_a_message_is_kept_and_told(journal: Journal, db: Database, files: MessageFiles) -> None:
    asterisk = Asterisk()
    assert await answers(asterisk, files, journal).answer(Asked(CALL, 4), SAID) == Answer("left")
    assert asterisk.files == {}
    await Shipper(journal, db).ship()
    (one,) = await kept(db, files)
    assert (one.mailbox, one.caller, one.call_id, one.seconds, one.heard) == ("alice", CUSTOMER, CALL.id, 2.0, False)
    path = await box(db, files).sound(one.id)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with wave.open(io.BytesIO(path.read_bytes())) as sound:
        assert (sound.getframerate(), sound.getsampwidth(), sound.getnchannels()) == (8000, 2, 1)
        assert sound.readframes(99_999) == SAMPLES
    (event,) = await told(journal)
    assert event.type == "voicemail.left"
    assert event.data.voicemail is not None
    assert (event.data.voicemail.id, event.data.voicemail.mailbox) == (one.id, "alice")


@pytest.mark.parametrize("killed", ["before it was taken over", "before the journal", "before the answer"])
async def test_killed_on_the_way_it_is_asked_again_and_left_once(
    killed: str, db: Database, files: MessageFiles, tmp_path: Path
) -> None:
    asterisk = Asterisk()
    async with opened(tmp_path) as journal:
        if killed == "before the journal":
            files.keep(question_id(CALL.id, 4), SAMPLES)
        if killed == "before the answer":
            await answers(asterisk, files, journal).answer(Asked(CALL, 4), SAID)
    async with opened(tmp_path) as journal:
        assert await answers(asterisk, files, journal).answer(Asked(CALL, 4), SAID) == Answer("left")
        assert len(await told(journal)) == 1
        await Shipper(journal, db).ship()
    (one,) = await kept(db, files)
    assert one.seconds == 2.0
    assert [path.name for path in (await box(db, files).sound(one.id)).parent.iterdir()] == [f"{one.id}.wav"]


async def test_without_postgresql_it_is_left_all_the_same(db: Database, files: MessageFiles, tmp_path: Path) -> None:
    async with opened(tmp_path) as journal, Database(NOWHERE) as away:
        assert await answers(Asterisk(), files, journal).answer(Asked(CALL, 4), SAID) == Answer("left")
        with pytest.raises(DatabaseAway):
            await kept(away, files)
    async with opened(tmp_path) as journal:
        await Shipper(journal, db).ship()
    assert len(await kept(db, files)) == 1


async def test_a_full_disk_is_an_error_and_asterisk_keeps_it(
    journal: Journal, files: MessageFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    asterisk = Asterisk()
    with monkeypatch.context() as patched:
        patched.setattr(local_file, "replace", full)
        assert await answers(asterisk, files, journal).answer(Asked(CALL, 4), SAID) == Answer("error")
    assert len(asterisk.files) == 1
    assert await told(journal) == []
    assert await answers(asterisk, files, journal).answer(Asked(CALL, 5), SAID) == Answer("left")


async def test_a_journal_that_takes_nothing_leaves_no_file(
    journal: Journal, files: MessageFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **__: object) -> None:
        raise JournalUnwritable("the disk is full")

    asterisk = Asterisk()
    monkeypatch.setattr(journal, "report", full)
    with pytest.raises(JournalUnwritable):
        await answers(asterisk, files, journal).answer(Asked(CALL, 4), SAID)
    assert list((tmp_path / "voicemail").iterdir()) == []
    assert len(asterisk.files) == 1


async def test_nothing_recorded_is_no_message(journal: Journal, files: MessageFiles) -> None:
    assert await answers(Asterisk(samples=b""), files, journal).answer(Asked(CALL, 4), SAID) == Answer("error")
    with pytest.raises(NotFound):
        await answers(Asterisk(call_id()), files, journal).answer(Asked(CALL, 4), SAID)


async def test_a_recording_that_stays_with_asterisk_does_not_matter(journal: Journal, files: MessageFiles) -> None:
    asterisk = Asterisk()
    asterisk.away = True
    assert await answers(asterisk, files, journal).answer(Asked(CALL, 4), SAID) == Answer("left")


@pytest.fixture
async def many(journal: Journal, db: Database, files: MessageFiles) -> list[Voicemail]:
    """Five, of two mailboxes."""
    asterisk = Asterisk(*map(call_id, range(5)))
    for number in range(5):
        call = msgspec.structs.replace(CALL, id=CallId(call_id(number)))
        said = msgspec.structs.replace(SAID, mailbox=Slug("alice" if number % 2 else "sales"))
        assert await answers(asterisk, files, journal).answer(Asked(call, 4), said) == Answer("left")
    await Shipper(journal, db).ship()
    return await kept(db, files)


async def test_pages_the_oldest_first(db: Database, files: MessageFiles, many: list[Voicemail]) -> None:
    first = await box(db, files).page(None, None, 0, 3)
    assert first.next is not None
    rest = await box(db, files).page(None, None, first.next, 3)
    assert ([*first.items, *rest.items], rest.next) == (many, None)
    assert await kept(db, files, mailbox="alice") == [many[1], many[3]]


async def test_heard_and_deleted(db: Database, files: MessageFiles, many: list[Voicemail]) -> None:
    audit = Audit()
    ours = box(db, files, audit)
    assert (await ours.hear(many[0].id, True, CRM)).heard
    assert await kept(db, files, heard=False) == many[1:]
    await ours.delete(many[0].id, CRM)
    assert await kept(db, files) == many[1:]
    assert not files.path(many[0].id).exists()
    assert [row[0] for row in audit.told()] == [f"voicemails: {what} {many[0].id}" for what in ("heard", "delete")]
    for gone in (many[0].id, call_id(77), "../x"):
        for order in (ours.sound(gone), ours.hear(gone, True, CRM), ours.delete(gone, CRM)):
            with pytest.raises(UnknownThing):
                await order


async def test_the_sound_is_on_the_node_that_took_it(db: Database, tmp_path: Path, many: list[Voicemail]) -> None:
    with pytest.raises(UnknownThing, match=f"on node {NODE}"):
        await box(db, MessageFiles(tmp_path / "other"), node="other").sound(many[0].id)


async def test_old_messages_are_forgotten_by_their_node(
    db: Database, files: MessageFiles, many: list[Voicemail]
) -> None:
    async with db.connection() as connection:
        await connection.execute("UPDATE voicemails SET at = now() - interval '91 days' WHERE id = $1", many[0].id)
        await connection.execute(
            "UPDATE voicemails SET deleted_at = now() - interval '2 days' WHERE id = $1", many[1].id
        )
    await box(db, files, node="other").forget_old()
    assert files.path(many[0].id).exists()
    await box(db, files, keep_days=0).forget_old()  # for ever, but for what was deleted
    assert [files.path(one.id).exists() for one in many] == [True, False, True, True, True]
    await box(db, files).forget_old()
    assert [files.path(one.id).exists() for one in many] == [False, False, True, True, True]
    assert await kept(db, files) == many[2:]


def test_what_a_killed_engine_had_begun_to_write_is_swept(files: MessageFiles, tmp_path: Path) -> None:
    files.sweep()
    files.keep("a", SAMPLES)
    (tmp_path / "voicemail" / ".b.wav.x1").write_bytes(b"half")
    files.sweep()
    assert [path.name for path in (tmp_path / "voicemail").iterdir()] == ["a.wav"]
    assert (files.seconds("a"), files.seconds("b")) == (2.0, None)
