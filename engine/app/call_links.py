"""Calls by a link: `GET /CALL&user&extension&number`, as the switchboards before this one took them, without a token.

The one proof of who asks is the address they ask from, so nobody is let in by default. What is asked goes the way of
every other order: the agent's rights, limits, record and audit.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from engine.app.auditing import Audit, note
from engine.app.directories import CurrentDirectory
from engine.calls.contract import Accepted, Actor, Calls, ConnectOrder
from engine.domain.values import Slug
from engine.errors import UnknownThing


class CallLinks:
    """Implements `http.ports.CallLinks`; `sources` are the addresses and networks of the settings."""

    def __init__(self, calls: Calls, directory: CurrentDirectory, audit: Audit, sources: Sequence[str]) -> None:
        self._calls, self._directory, self._audit = calls, directory, audit
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(source, strict=False) for source in sources]

    def let_in(self, address: str) -> bool:
        """Whether links are taken from this address."""
        asking = ip_address(address.partition("%")[0])
        if isinstance(asking, IPv6Address) and asking.ipv4_mapped is not None:
            asking = asking.ipv4_mapped
        return any(asking in network for network in self._networks)

    async def place(self, user: str, extension: str, number: str, address: str) -> Accepted:
        """The call of an agent who is named by id and extension; raises as every order does."""
        actor = Actor(
            token_id=f"link:{address}", name=f"link from {address}", scopes=frozenset({"calls:create"}), agent=user
        )
        agent = self._directory.directory.agents.get(Slug(user))
        if agent is None or agent.extension != extension:
            unknown = UnknownThing(f"there is no agent {user!r} at extension {extension!r}", code="unknown-agent")
            asked = {"agent": user, "extension": extension, "to": number}
            await note(self._audit, actor, "call.originate", unknown.message, rule=unknown.stable_code, request=asked)
            raise unknown
        return await self._calls.originate(ConnectOrder(agent=user, to=number), actor, None)
