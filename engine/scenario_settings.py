"""What scenarios may reach beyond the engine, and how long what callers leave is kept: section `[scenarios]`."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine.sections import Label, Secret, Section, like

_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,62}"

_Column = Annotated[str, like(_NAME, "1 to 63 letters, digits and _, no digit first")]
_Table = Annotated[str, like(rf"{_NAME}\.{_NAME}", "a schema and a name, such as crm.customers")]


def _host(host: str) -> None:
    if not host or host != host.lower() or any(character in "/:@?#*" or character.isspace() for character in host):
        raise ValueError(f"{host!r} is not a host's name in small letters, such as api.example.net")


def _not_the_contacts(tables: Mapping[str, object]) -> None:
    if "contacts" in tables:
        raise ValueError("`contacts` is the engine's own contact book: take another name")


class TableSettings(Section, frozen=True, kw_only=True):
    """A table of the business that scenarios may look into."""

    dsn: Annotated[Secret | None, "postgresql://user:password@host/base. Unset: the engine's own PostgreSQL."] = None
    table: Annotated[_Table, "Its schema and name."]
    key: Annotated[_Column, "The column it is searched by; give it an index."]
    key_type: Annotated[Literal["text", "number"], "What that column holds."] = "text"
    columns: Annotated[
        dict[_Column, Literal["text", "number", "flag"]],
        Meta(min_length=1),
        "The columns scenarios may read, and what each becomes.",
    ]


class ScenarioSettings(Section, frozen=True, kw_only=True):
    """What scenarios may ask of others: docs/scenario-answers.md."""

    private_addresses: Annotated[
        bool,
        "Let `fetch` nodes ask loopback and private addresses, and by plain http. Only where everybody who "
        "may publish a scenario may also reach whatever this machine reaches.",
    ] = False
    web_hosts: Annotated[
        tuple[Annotated[str, _host], ...], "The only hosts that `fetch` nodes may ask. Empty: any public one."
    ] = ()
    voicemail_keep_days: Annotated[
        int,
        Meta(ge=0, le=36_500),
        "Days a message of a caller is kept; 0 is for ever. It is somebody's voice: keep it no longer than "
        "it is needed.",
    ] = 90
    callback_keep_days: Annotated[
        int,
        Meta(ge=0, le=36_500),
        "Days a request to be called back is kept once it is done or cancelled; 0 is for ever. It has somebody's "
        "number. One that waits stays until somebody says what became of it.",
    ] = 90
    tables: Annotated[
        dict[Label, TableSettings],
        _not_the_contacts,
        "Tables that `lookup` nodes may search, each a section of its own: [scenarios.tables.customers] "
        'with dsn (unset: the engine\'s own), table = "crm.customers", key = "number", key_type ("text" or "number") '
        'and columns = { name = "text", orders = "number", vip = "flag" }. `contacts` is there already.',
    ] = msgspec.field(default_factory=dict)
