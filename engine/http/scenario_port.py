"""What the HTTP API needs of published scenarios."""

from datetime import datetime
from typing import Protocol

import msgspec

from engine.calls.contract import Actor
from engine.domain.directory import Alias
from engine.domain.values import Slug
from engine.scenarios.bundles import Bundle, Judged
from engine.scenarios.findings import Finding
from engine.scenarios.trying import Attempt, Tried


class ScenarioLead(msgspec.Struct, frozen=True, kw_only=True):
    """Where an alias leads, who made it lead there, and when."""

    version: str
    author: str
    at: datetime


class ScenarioEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario by its aliases: what callers meet, what they met before, what test callers meet."""

    name: str
    live: ScenarioLead | None
    previous: ScenarioLead | None
    test: ScenarioLead | None


class ScenarioMove(msgspec.Struct, frozen=True, kw_only=True):
    """An alias began to lead to a version."""

    alias: Alias
    version: str
    author: str
    at: datetime


class ScenarioPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A version drawn: Mermaid text, and Graphviz's."""

    version: str
    mermaid: str
    dot: str


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force now. `changed` is no when the alias led there already; `findings` are warnings."""

    name: str
    alias: Alias
    version: str
    changed: bool
    findings: list[Finding]
    proof: list[str]


class Scenarios(Protocol):
    """The published scenarios. Changes raise DatabaseAway while PostgreSQL does not answer."""

    def entries(self) -> list[ScenarioEntry]: ...
    async def history(self, name: Slug) -> list[ScenarioMove]:
        """Newest first; raises UnknownThing."""

    async def check(self, name: Slug, bundle: Bundle) -> Judged: ...
    async def publish(self, name: Slug, bundle: Bundle, alias: Alias, actor: Actor) -> Published:
        """Raises FaultyScenario with everything that forbids it."""

    async def attempt(self, name: Slug, what: Bundle | Alias, wish: Attempt) -> Tried:
        """Raises FaultyScenario for files that are no scenario, UnknownThing where none is published."""

    async def rollback(self, name: Slug, actor: Actor) -> ScenarioEntry:
        """`live` and `previous` change places; raises Refused when nothing was there before."""

    async def picture(self, name: Slug, alias: Alias, *, heat: bool) -> ScenarioPicture:
        """`heat`: each edge as callers went along it since the engine began. Raises UnknownThing."""
