"""A site with an external address of its own: its port is needed, and nobody else's."""

from typing import Any

import msgspec
import pytest

from engine.domain.directory import Directory, Site
from engine.domain.directory_check import problems
from engine.domain.values import Slug

PARIS = Site(id=Slug("paris"), name="Paris")
LYON = Site(id=Slug("lyon"), name="Lyon", external_address="198.51.100.7", sip_port=5062)


@pytest.mark.parametrize(
    ("own", "faults"),
    [
        ({}, []),
        ({"external_address": "198.51.100.8", "sip_port": 5063}, []),
        ({"external_address": "198.51.100.7", "sip_port": 5063}, []),
        ({"external_address": "198.51.100.8"}, ["sip_port"]),
        ({"sip_port": 5063}, ["external_address"]),
        ({"external_address": "198.51.100.8", "sip_port": 5062}, ["sip_port"]),
    ],
)
def test_each_fault_names_its_field(own: dict[str, Any], faults: list[str]) -> None:
    sites = {LYON.id: LYON, PARIS.id: msgspec.structs.replace(PARIS, **own)}
    found = problems(Directory(revision=1, sites=sites, trunks={}, agents={}))
    assert [(problem.id, problem.field) for problem in found] == [(PARIS.id, field) for field in faults]
