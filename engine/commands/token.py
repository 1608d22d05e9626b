"""`engine token create|list|revoke`: who may ask the API what."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import get_args

from engine.commands import Subparsers, command, group, settings_of

_TEACH = """\
  engine token create crm --scope calls:create --scope calls:read --scope calls:control --scope cdr:read
  engine token list
  engine token revoke crm
The token is shown once. It is stored as a hash.
"""


def register(subparsers: Subparsers) -> None:
    from engine.http.ports import Scope

    parser = command(subparsers, "token", None, summary="make, list and revoke API tokens", teach=_TEACH, config=False)
    words = group(parser)
    create = command(words, "create", _create, summary="make a token, shown once")
    create.add_argument("name", help="whose it is: crm, dialler, marie")
    create.add_argument("--scope", action="append", required=True, choices=get_args(Scope), help="may be repeated")
    create.add_argument("--agent", help="an agent's own token: acts for that agent only")
    command(words, "list", _list, summary="list the tokens")
    revoke = command(words, "revoke", _revoke, summary="end a token at once")
    revoke.add_argument("name")


def _create(asked: argparse.Namespace) -> int:
    from engine.domain.values import slug
    from engine.errors import UnknownThing
    from engine.store import directory, tokens
    from engine.store.pool import Connection

    async def work(connection: Connection) -> None:
        agent = slug(asked.agent) if asked.agent else None
        if agent is not None and agent not in (await directory.load(connection)).agents:
            raise UnknownThing(f"there is no agent {agent!r}", what_next="Enrol or import the agent first.")
        token, plain = await tokens.create(connection, asked.name, asked.scope, agent=agent)
        print(f"token {token.name} ({', '.join(sorted(token.scopes))}), shown this once:")
        print(plain)

    return _with_database(asked, work, make=True)  # the first token is made before the first start


def _list(asked: argparse.Namespace) -> int:
    from engine.store import tokens
    from engine.store.pool import Connection

    async def work(connection: Connection) -> None:
        for token in await tokens.list_tokens(connection):
            state = f"revoked {token.revoked_at:%Y-%m-%d %H:%M}" if token.revoked_at else "live"
            owner = f" agent={token.agent}" if token.agent else ""
            print(f"{token.name:20} {state:25} {','.join(sorted(token.scopes))}{owner}")

    return _with_database(asked, work)


def _revoke(asked: argparse.Namespace) -> int:
    from engine.store import tokens
    from engine.store.pool import Connection

    async def work(connection: Connection) -> None:
        token = await tokens.revoke(connection, asked.name)
        print(f"token {token.name} is revoked")

    return _with_database(asked, work)


def _with_database(asked: argparse.Namespace, work: "Callable[..., Awaitable[None]]", *, make: bool = False) -> int:
    from engine.app.database import database
    from engine.store import migrate
    from engine.store.pool import Database

    async def inside() -> None:
        async with database(settings_of(asked), print, make=make) as dsn, Database(dsn, size=1) as db:
            await migrate.migrate(db)
            async with db.connection() as connection:
                await work(connection)

    asyncio.run(inside())
    return 0
