"""What scenarios may reach beyond the engine, and how long what callers leave is kept: section `[scenarios]`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]


class TableSettings(BaseModel):
    """A table of the business that scenarios may look into."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dsn: SecretStr | None = Field(
        default=None, description="postgresql://user:password@host/base. Unset: the engine's own PostgreSQL."
    )
    table: str = Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}\.[A-Za-z_][A-Za-z0-9_]{0,62}$", description="Its schema and name."
    )
    key: Identifier = Field(description="The column it is searched by; give it an index.")
    key_type: Literal["text", "number"] = Field(default="text", description="What that column holds.")
    columns: dict[Identifier, Literal["text", "number", "flag"]] = Field(
        min_length=1, description="The columns scenarios may read, and what each becomes."
    )


class ScenarioSettings(BaseModel):
    """What scenarios may ask of others: docs/scenario-answers.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    private_addresses: bool = Field(
        default=False,
        description="Let `fetch` nodes ask loopback and private addresses, and by plain http. Only where everybody who "
        "may publish a scenario may also reach whatever this machine reaches.",
    )
    web_hosts: tuple[str, ...] = Field(
        default=(), description="The only hosts that `fetch` nodes may ask. Empty: any public one."
    )
    voicemail_keep_days: Annotated[int, Field(ge=0, le=36_500)] = Field(
        default=90,
        description="Days a message of a caller is kept; 0 is for ever. It is somebody's voice: keep it no longer than "
        "it is needed.",
    )
    tables: dict[Name, TableSettings] = Field(
        default={},
        description="Tables that `lookup` nodes may search, each a section of its own: [scenarios.tables.customers] "
        'with dsn (unset: the engine\'s own), table = "crm.customers", key = "number", key_type ("text" or "number") '
        'and columns = { name = "text", orders = "number", vip = "flag" }. `contacts` is there already.',
    )

    @field_validator("web_hosts")
    @classmethod
    def _names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if (
                not host
                or host != host.lower()
                or any(character in "/:@?#*" or character.isspace() for character in host)
            ):
                raise ValueError(f"{host!r} is not a host's name in small letters, such as api.example.net")
        return hosts

    @field_validator("tables")
    @classmethod
    def _not_the_contacts(cls, tables: dict[str, TableSettings]) -> dict[str, TableSettings]:
        if "contacts" in tables:
            raise ValueError("`contacts` is the engine's own contact book: take another name")
        return tables
