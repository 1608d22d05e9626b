"""What the engine does by the manager interface: this, and nothing else. ARI has no word for it."""

import re

import msgspec

from engine.errors import InvalidValue

_FAMILY = re.compile(r"[a-z][a-z-]{0,39}", re.ASCII)
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_VALUE = re.compile(r"[A-Za-z0-9 ._-]{0,80}", re.ASCII)


class DbPut(msgspec.Struct, frozen=True):
    """Write into Asterisk's own database, which outlives its restart: `${DB(family/key)}` of any dialplan."""

    family: str
    key: str
    value: str

    def lines(self) -> list[tuple[str, str]]:
        """As the protocol has it; raises InvalidValue for what cannot stand in a dialplan harmlessly."""
        for pattern, text in ((_FAMILY, self.family), (_KEY, self.key), (_VALUE, self.value)):
            if not pattern.fullmatch(text):
                raise InvalidValue(f"{text[:80]!r} cannot stand in Asterisk's database")
        return [("Action", "DBPut"), ("Family", self.family), ("Key", self.key), ("Val", self.value)]


class Ping(msgspec.Struct, frozen=True):
    """Whether the connection is alive at both ends."""

    def lines(self) -> list[tuple[str, str]]:
        return [("Action", "Ping")]


class Login(msgspec.Struct, frozen=True):
    """The first of each connection."""

    user: str
    secret: str

    def lines(self) -> list[tuple[str, str]]:
        return [("Action", "Login"), ("Username", self.user), ("Secret", self.secret), ("Events", "off")]


Action = DbPut | Ping | Login
