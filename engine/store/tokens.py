"""API tokens: made once and shown once, known by their hash, honoured while PostgreSQL is away.

A token is 32 random bytes, so a plain SHA-256 is as good as a slow hash: there is no dictionary to try. The lookup is
by hash, so its time says nothing about a token.
"""

import asyncio
import hashlib
import secrets
import uuid
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

import asyncpg
import msgspec
import structlog

from engine.domain.values import Slug
from engine.errors import BadFile, InvalidValue, UnknownThing
from engine.store import columns, local_file
from engine.store.pool import Connection

PREFIX = "std_"  # recognised by secret scanners, and by people
RANDOM_BYTES = 32

_log = structlog.get_logger(__name__)


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a token; `agent` when it is one agent's own."""

    id: str
    name: str
    scopes: frozenset[str]
    agent: Slug | None
    created_at: datetime
    revoked_at: datetime | None = None


class _Hashed(Token, frozen=True, kw_only=True):
    hash: bytes


async def create(
    connection: Connection, name: str, scopes: Collection[str], *, agent: Slug | None = None
) -> tuple[Token, str]:
    """A new token and its text, which is not kept anywhere. Raises InvalidValue: no scope, or a live token's name."""
    if not name.strip() or not scopes:
        raise InvalidValue("a token needs a name and at least one scope")
    plain = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    try:
        row = await connection.fetchrow(
            "INSERT INTO tokens (id, name, hash, scopes, agent) VALUES ($1, $2, $3, $4, $5) RETURNING *",
            uuid.uuid4(),
            name,
            _digest(plain),
            sorted(set(scopes)),
            agent,
        )
    except asyncpg.exceptions.UniqueViolationError as error:
        raise InvalidValue(f"there is a token {name!r} already", what_next="revoke it, or take another name") from error
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives one row or raises
    return columns.record(Token, row), plain


async def list_tokens(connection: Connection) -> list[Token]:
    """All of them, revoked ones too, oldest first."""
    return [columns.record(Token, row) for row in await connection.fetch("SELECT * FROM tokens ORDER BY created_at")]


async def revoke(connection: Connection, name: str) -> Token:
    """Ends a token; raises UnknownThing when no live one has this name."""
    row = await connection.fetchrow(
        "UPDATE tokens SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL RETURNING *", name
    )
    if row is None:
        raise UnknownThing(f"there is no live token {name!r}")
    return columns.record(Token, row)


async def revoke_of_agents(connection: Connection, agents: Collection[Slug]) -> int:
    """Ends every live token that is one of these agents' own; says how many."""
    done = await connection.fetch(
        "UPDATE tokens SET revoked_at = now() WHERE agent = ANY ($1::text[]) AND revoked_at IS NULL RETURNING id",
        list(agents),
    )
    return len(done)


class TokenBook:
    """The live tokens in memory and in a local file (hashes, 0600): requests are authenticated without a question to
    PostgreSQL, and while it is away. A revoked token is refused from the next `refresh` on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._by_hash: dict[bytes, Token] = {}
        self._copied: bytes | None = None

    def load(self) -> None:
        """Takes the local copy, if there is one. Blocks on the disk: before the event loop starts, or in a thread.
        Raises BadFile."""
        try:
            self._keep(msgspec.json.decode(self._path.read_bytes(), type=list[_Hashed]))
        except FileNotFoundError:
            return
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadFile(
                f"the local copy of the tokens {self._path} cannot be used: {error}",
                what_next="start PostgreSQL; the engine then writes a new copy",
            ) from error

    async def refresh(self, connection: Connection) -> None:
        """Takes the tokens as PostgreSQL has them, and renews the local copy when they changed."""
        rows = await connection.fetch("SELECT * FROM tokens WHERE revoked_at IS NULL ORDER BY id")
        tokens = [columns.record(_Hashed, row) for row in rows]
        self._keep(tokens)
        copy = msgspec.json.encode(tokens)
        if copy != self._copied:
            try:
                await asyncio.to_thread(local_file.replace, self._path, copy)
                self._copied = copy
            except OSError as error:  # a full disk must not keep a revoked token alive: memory is right already
                _log.error("tokens.copy_failed", path=str(self._path), error=str(error))

    def verify(self, plain: str) -> Token | None:
        """Whose token this is; None when it is no live one."""
        return self._by_hash.get(_digest(plain)) if plain.startswith(PREFIX) else None

    def _keep(self, tokens: list[_Hashed]) -> None:
        self._by_hash = {token.hash: _public(token) for token in tokens}


def _public(token: _Hashed) -> Token:
    return Token(**{name: getattr(token, name) for name in columns.names(Token)})


def _digest(plain: str) -> bytes:
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()
