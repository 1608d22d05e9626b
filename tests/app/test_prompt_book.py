"""The house's recordings in a real PostgreSQL, converted by the real program."""

import pytest

from engine.app.prompt_book import PromptBook
from engine.calls.contract import Actor
from engine.errors import InvalidValue, UnknownThing
from engine.store.pool import Database
from tests.app.test_contact_book import Audit
from tests.sounds.test_conditioning import heard
from tests.sounds.test_uploads import encoded, spoken

MARIE = Actor(token_id="t", name="marie", scopes=frozenset({"directory:write"}))


async def test_a_recording_is_kept_as_it_is_played_and_replaced(db: Database) -> None:
    audit = Audit()
    book = PromptBook(db, audit)
    upload = encoded(spoken(44_100), "MP3", "MPEG_LAYER_III", 44_100, 2)
    entry = await book.put("welcome", "fr", upload, "studio", MARIE)
    assert (entry.name, entry.language, entry.comment, entry.author) == ("welcome", "fr", "studio", "marie")
    assert entry.made_of == "MP3, 44100 Hz, 2 channels"
    assert await book.one("welcome", "fr") == entry
    first = await book.audio("welcome", "fr")
    rate_hz, samples = heard(first)
    assert rate_hz == 16_000
    assert len(samples) / rate_hz == pytest.approx(entry.seconds, abs=0.01)
    again = await book.put("welcome", "fr", encoded(spoken(8_000), "FLAC", "PCM_16", 8_000), None, MARIE)
    english = await book.put("welcome", "en", upload, None, MARIE)
    assert await book.entries() == [english, again]
    assert await book.audio("welcome", "en") == first
    await book.remove("welcome", "fr", MARIE)
    assert await book.entries() == [english]
    assert [action for action, *_ in audit.told()] == [
        "prompts: put welcome fr",
        "prompts: put welcome fr",
        "prompts: put welcome en",
        "prompts: remove welcome fr",
    ]


async def test_what_is_no_recording_changes_nothing(db: Database) -> None:
    book = PromptBook(db, Audit())
    for name, language, upload in (("welcome", "fr", b"noise"), ("Wel come", "fr", b""), ("welcome", "de", b"")):
        with pytest.raises(InvalidValue):
            await book.put(name, language, upload, None, MARIE)
    for asked in (book.one, book.audio):
        with pytest.raises(UnknownThing, match="no recording 'welcome' in 'fr'"):
            await asked("welcome", "fr")
    with pytest.raises(UnknownThing):
        await book.remove("welcome", "fr", MARIE)
    assert await book.entries() == []
