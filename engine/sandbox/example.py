"""A small company that fits the far end: two sites with a Yeastar each, a GSM gateway, four agents.

For the demo, the tests and the bench.
"""

from collections.abc import Mapping

import msgspec

from engine.domain.directory import Agent, Directory, Site, Trunk
from engine.domain.values import E164, Extension, Slug
from engine.sandbox.behaviours import coded, mobile
from engine.sandbox.farend import FarEnd
from engine.sandbox.farend_files import LYON, OPERATOR, PARIS
from engine.sandbox.parties import Phone


def unwatched(trunks: Mapping[Slug, Trunk]) -> dict[Slug, Trunk]:
    """These trunks, asked only when told to whether they are there.

    For tests in which one falls silent: an OPTIONS of Asterisk's own accord that meets the silence is counted three
    seconds later, when the trunk has long been back.
    """
    return {name: msgspec.structs.replace(trunk, qualify_s=3600) for name, trunk in trunks.items()}


def example_directory(farend: FarEnd, *, revision: int = 1) -> Directory:
    """Trunks that lead to `farend`; agents whose mobiles ring 0.5 s, answer and press 1 after 1 s."""
    sites = (
        Site(id=Slug("paris"), name="Paris", allow_other_sites=True),
        Site(id=Slug("lyon"), name="Lyon", language="en", extensions=(3000, 3999)),
    )
    port = farend.sip_port
    account = farend.account
    trunks = (
        Trunk(
            id=Slug("paris-1"),
            site=Slug("paris"),
            kind="peer",
            host=PARIS,
            port=port,
            caller_ids=(E164("+33140000001"),),
        ),
        Trunk(
            id=Slug("lyon-1"), site=Slug("lyon"), kind="peer", host=LYON, port=port, caller_ids=(E164("+33472000001"),)
        ),
        Trunk(
            id=Slug("gsm-1"),
            site=Slug("lyon"),
            kind="register",
            host=OPERATOR,
            port=port,
            username=account.user,
            secret=account.secret,
            priority=200,
            answers_early=True,
            caller_ids=(E164("+33600000001"),),
        ),
    )
    agents = (
        _agent("anne", "Anne Martin", "paris", "2001", mode="mobile", number=mobile("20", tone_hz=600, serial=1)),
        _agent("bruno", "Bruno Petit", "paris", "2002", mode="sip", number=mobile("20", tone_hz=640, serial=2)),
        _agent("claire", "Claire Moreau", "lyon", "3001", mode="mobile", number=mobile("20", tone_hz=680, serial=3)),
        _agent("david", "David Roux", "lyon", "3002", mode="sip", number=mobile("20", tone_hz=720, serial=4)),
    )
    return Directory(
        revision=revision,
        sites={site.id: site for site in sites},
        trunks={trunk.id: trunk for trunk in trunks},
        agents={agent.id: agent for agent in agents},
    )


def _agent(slug: str, name: str, site: str, extension: str, *, mode: str, number: str) -> Agent:
    return Agent(
        id=Slug(slug),
        name=name,
        site=Slug(site),
        extension=Extension(extension),
        secret=f"{slug}-example-secret",
        sip_user=f"{slug}-4f7a",
        mode="mobile" if mode == "mobile" else "sip",
        mobile=E164(number),
        mobile_permitted=True,
    )


async def switch_on_phone(farend: FarEnd, agent: Agent, *, device: int = 1, behaviour: str = "10") -> Phone:
    """Register one of an agent's telephones: it rings 0.5 s, answers, and sends a tone of its own."""
    digits = coded(behaviour, ring_s=0.5, tone_hz=800 + 20 * device, serial=int(agent.extension) % 100)
    return await farend.phone(agent.sip_user, agent.secret, digits)
