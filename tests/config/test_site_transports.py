"""A site's external address as transports of its own, which its trunks use."""

from pathlib import Path

import msgspec
import pytest

from engine.config.asterisk import AsteriskPaths, AsteriskSettings
from engine.config.ini import Section, parse
from engine.config.render import PJSIP, directory_files
from engine.domain.directory import Directory
from engine.domain.values import Slug
from engine.errors import InvalidValue
from tests.config.directories import BOTH, LYON, PARIS, PEER

PATHS = AsteriskPaths.under(Path("/srv/x"), modules=Path("/modules"), data=Path("/data"))
SETTINGS = AsteriskSettings(
    paths=PATHS, ari_port=8088, ari_secret="a-generated-secret", tls_port=5061, local_networks=("10.0.0.0/8",)
)
OUTSIDE = {"external_address": "198.51.100.7", "sip_port": 5062}


def with_paris(**changes: object) -> Directory:
    return msgspec.structs.replace(BOTH, sites={**BOTH.sites, PARIS.id: msgspec.structs.replace(PARIS, **changes)})


def sections(directory: Directory) -> dict[str, Section]:
    """By kind and name."""
    found = parse(directory_files(directory, SETTINGS)[PJSIP]).sections
    return {f"{s.options[0].value} {s.name}": s for s in found}


def told(found: Section, key: str) -> list[str]:
    return [option.value for option in found.options if option.key == key]


@pytest.mark.parametrize(
    ("networks", "local"), [((), ["10.0.0.0/8"]), (("192.168.7.0/24", "fd00::/8"), ["192.168.7.0/24", "fd00::/8"])]
)
def test_a_site_with_an_address_of_its_own_has_transports_of_its_own(
    networks: tuple[str, ...], local: list[str]
) -> None:
    found = sections(with_paris(**OUTSIDE, local_networks=networks))
    for protocol in ("udp", "tcp"):
        made = found[f"transport transport-{protocol}-paris-5062"]
        assert (told(made, "protocol"), told(made, "bind")) == ([protocol], ["127.0.0.1:5062"])
        assert told(made, "external_media_address") == told(made, "external_signaling_address") == ["198.51.100.7"]
        assert told(made, "local_net") == local


def test_its_trunks_use_them_and_nobody_elses_do() -> None:
    tls = msgspec.structs.replace(PEER, id=Slug("paris-2"), host="127.0.0.9", transport="tls")
    directory = msgspec.structs.replace(with_paris(**OUTSIDE), trunks={**BOTH.trunks, tls.id: tls})
    found = sections(directory)
    used = {name: told(found[f"endpoint trunk-{name}"], "transport") for name in directory.trunks}
    assert used == {"paris-1": ["transport-udp-paris-5062"], "gsm": ["transport-tcp"], "paris-2": ["transport-tls"]}
    assert not any(LYON.id in key for key in found if key.startswith("transport "))


def test_without_one_there_is_none() -> None:
    assert not any(key.startswith("transport ") for key in sections(BOTH))


@pytest.mark.parametrize("port", [5060, 5061])
def test_the_machines_ports_are_taken(port: int) -> None:
    with pytest.raises(InvalidValue, match=f"{port} is the machine's own"):
        directory_files(with_paris(external_address="198.51.100.7", sip_port=port), SETTINGS)


def test_without_a_network_of_our_own_address_sound_would_be_told_a_private_one() -> None:
    settings = msgspec.structs.replace(SETTINGS, local_networks=())
    with pytest.raises(InvalidValue, match="local_networks"):
        directory_files(with_paris(**OUTSIDE), settings)
