"""Tokens: shown once, kept as hashes, honoured without PostgreSQL, refused once revoked."""

import os
import stat
from pathlib import Path

import pytest

from engine.domain.values import slug
from engine.errors import BadFile, InvalidValue, UnknownThing
from engine.store.pool import Connection
from engine.store.tokens import TokenBook, create, list_tokens, revoke


async def test_a_token_is_known_by_its_text_alone(connection: Connection, tmp_path: Path) -> None:
    token, plain = await create(connection, "crm", ["calls:create", "calls:read"], agent=slug("claire"))
    other, _ = await create(connection, "wallboard", {"calls:read"})
    book = TokenBook(tmp_path / "tokens.json")
    await book.refresh(connection)
    assert book.verify(plain) == token
    assert (token.scopes, token.agent) == (frozenset({"calls:create", "calls:read"}), slug("claire"))
    assert plain.startswith("std_")
    assert len(plain) == 47
    for wrong in ("", "std_", plain[:-1], plain + "x", plain.upper(), "std_\x00", "std_\ud800", plain[4:]):
        assert book.verify(wrong) is None
    assert await list_tokens(connection) == [token, other]


async def test_the_text_is_nowhere_to_be_read(connection: Connection, tmp_path: Path) -> None:
    _, plain = await create(connection, "crm", ["admin"])
    path = tmp_path / "tokens.json"
    await TokenBook(path).refresh(connection)
    assert plain[4:].encode() not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = await connection.fetch("SELECT tokens::text AS everything FROM tokens")
    assert all(plain[4:] not in row["everything"] for row in rows)


async def test_tokens_are_honoured_while_postgresql_is_away(connection: Connection, tmp_path: Path) -> None:
    token, plain = await create(connection, "crm", ["calls:create"])
    await TokenBook(tmp_path / "tokens.json").refresh(connection)
    later = TokenBook(tmp_path / "tokens.json")
    assert later.verify(plain) is None
    later.load()
    assert later.verify(plain) == token


async def test_a_revoked_token_is_refused_here_and_in_the_copy(connection: Connection, tmp_path: Path) -> None:
    _, plain = await create(connection, "crm", ["admin"])
    book = TokenBook(tmp_path / "tokens.json")
    await book.refresh(connection)
    revoked = await revoke(connection, "crm")
    assert revoked.revoked_at is not None
    await book.refresh(connection)
    assert book.verify(plain) is None
    copy = TokenBook(tmp_path / "tokens.json")
    copy.load()
    assert copy.verify(plain) is None
    with pytest.raises(UnknownThing, match="crm"):
        await revoke(connection, "crm")
    _, again = await create(connection, "crm", ["admin"])  # the name is free again
    assert again != plain


async def test_what_a_token_must_have(connection: Connection) -> None:
    await create(connection, "crm", ["admin"])
    for name, scopes in (("crm", ["admin"]), ("", ["admin"]), ("x", [])):
        with pytest.raises(InvalidValue):
            await create(connection, name, scopes)


async def test_a_full_disk_does_not_keep_a_revoked_token_alive(connection: Connection, tmp_path: Path) -> None:
    _, plain = await create(connection, "crm", ["admin"])
    folder = tmp_path / "state"
    book = TokenBook(folder / "tokens.json")
    await book.refresh(connection)
    os.rename(folder, tmp_path / "gone")
    folder.write_text("no folder any more")
    await revoke(connection, "crm")
    await book.refresh(connection)
    assert book.verify(plain) is None


def test_no_copy_is_no_tokens_and_a_damaged_one_says_so(tmp_path: Path) -> None:
    book = TokenBook(tmp_path / "tokens.json")
    book.load()
    (tmp_path / "tokens.json").write_bytes(b"{")
    with pytest.raises(BadFile, match="cannot be used"):
        book.load()
