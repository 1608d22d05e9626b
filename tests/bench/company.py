"""A company of any size beside the far end: every call has an agent, a mobile and a customer of its own."""

from collections.abc import Sequence
from typing import Any

import msgspec

from engine.domain.directory import Directory
from engine.domain.values import E164, Slug
from engine.sandbox.behaviours import mobile
from engine.sandbox.farend import FarEnd
from tests.crowd import Kind, Manner, Plan, directory

LEGS_PER_BLOCK = 240  # of ports: engine.sandbox.ports
NO_CAPS = {
    "token_calls_per_minute": 0,
    **{f"{kind}_spend_per_{span}": 0.0 for kind in ("house", "agent", "token", "trunk") for span in ("hour", "day")},
}
UNLIMITED: dict[str, dict[str, Any]] = {
    "fraud": NO_CAPS,
    "limits": {"setups_per_s": 10000.0, "live_calls": 10000, "calls_per_minute_per_agent": 10000, "loop_lag_s": 30.0},
}
"""The engine's own edge out of the way: the bench looks for Asterisk's and the machine's."""

TALKS = Kind("talks", Manner("10", 0.3), Manner("10", 0.3), "answered")
RINGS = Kind("agent rings", Manner("81"), Manner("10", 0.3), "agent_no_answer")
"""No audio: what is measured is the engine, not two Asterisks that mix tones and record them."""


def plans(kinds: Sequence[Kind], count: int) -> list[Plan]:
    """`count` calls, the kinds taken in turn, all numbers different; up to 1500 of them."""
    return [_plan(index, kinds[index % len(kinds)]) for index in range(count)]


def _plan(index: int, kind: Kind) -> Plan:
    hundred, serial = divmod(index, 100)

    def number(manner: Manner, tone_hz: int) -> str:
        return mobile(manner.behaviour, ring_s=manner.ring_s, tone_hz=tone_hz, serial=serial)

    return Plan(
        number=index,
        kind=kind,
        agent=Slug(f"agent-{index:04d}"),
        mobile=E164(number(kind.agent, 440 + 20 * hundred)),
        customer=number(kind.customer, 1000 + 20 * hundred),
    )


def roomy(farend: FarEnd, crowd: Sequence[Plan], **site: Any) -> Directory:
    """The crowd's directory, with trunks that are never full."""
    small = directory(farend, crowd, **site)
    trunks = {name: msgspec.structs.replace(trunk, channels=5000) for name, trunk in small.trunks.items()}
    sites = {name: msgspec.structs.replace(site, extensions=_extensions(name)) for name, site in small.sites.items()}
    return msgspec.structs.replace(small, trunks=trunks, sites=sites)


def _extensions(site: Slug) -> tuple[int, int]:
    return (2000, 7999) if site == "paris" else (8000, 8999)


def blocks(calls: int) -> int:
    """How many blocks of ports so many calls need at once."""
    return 1 + 2 * calls // LEGS_PER_BLOCK
