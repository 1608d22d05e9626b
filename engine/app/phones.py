"""The registrations of accounts that ended: Asterisk keeps them, and would ring those telephones again.

Tested on 22.10: an address of record that is taken out of pjsip.conf leaves its contacts in Asterisk's own database,
and they count again if it comes back within the hour they were registered for.
"""

from collections.abc import Collection
from typing import Protocol

import structlog

from engine.ari.requests import AriRequests
from engine.errors import StandardisteError

log = structlog.get_logger(__name__)


class Phones(Protocol):
    """The telephones that registered at Asterisk."""

    async def registrations(self, accounts: Collection[str]) -> list[str]:
        """Asterisk's names for them; asked while the accounts are still there."""

    async def drop(self, registrations: Collection[str]) -> None:
        """Forget them."""


class AsteriskPhones:
    """`Phones` by ARI. What cannot be asked or dropped is logged: the account's end does not depend on it."""

    def __init__(self, ari: AriRequests) -> None:
        self._ari = ari

    async def registrations(self, accounts: Collection[str]) -> list[str]:
        found: list[str] = []
        for account in accounts:
            try:
                found += await self._ari.registrations(account)
            except StandardisteError as failed:
                log.warning("phones.unknown", account=account, why=failed.message)
        return found

    async def drop(self, registrations: Collection[str]) -> None:
        for name in registrations:
            try:
                await self._ari.drop_registration(name)
            except StandardisteError as failed:
                log.warning("phones.not_dropped", registration=name, why=failed.message)
