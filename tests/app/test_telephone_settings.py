"""What `POST /v1/agents` tells of the telephones and browsers of an agent."""

import msgspec
import pytest
from msgspec import UNSET

from engine.app import telephone_settings
from engine.app.telephone_settings import of_telephone
from engine.sections import Secret
from engine.settings import AsteriskSettings
from tests.config.directories import MARIE

BROWSING = msgspec.structs.replace(MARIE, webrtc=True)
URL = "wss://phone.example.net:8443/ws"


@pytest.mark.parametrize(("phones_host", "server"), [(None, "10.0.0.7"), ("phone.example.net", "phone.example.net")])
def test_a_telephone_is_told_where_to_register(phones_host: str | None, server: str) -> None:
    told = of_telephone(BROWSING, AsteriskSettings(sip_host="10.0.0.7", phones_host=phones_host))
    assert (told.server, told.port, told.transport) == (server, 5060, "udp")
    assert (told.user, told.secret, told.codecs) == (MARIE.sip_user, MARIE.secret, ["alaw", "ulaw"])


def test_a_browser_is_told_its_own_account_the_websocket_and_the_ice_servers() -> None:
    settings = AsteriskSettings(
        webrtc_url=URL,
        ice_servers=("stun:stun.example.net", "turns:turn.example.net:443?transport=tcp"),
        turn_user="house",
        turn_secret=Secret("of cards"),
    )
    told = telephone_settings.of_browser(BROWSING, settings)
    assert told is not None
    assert (told.url, told.uri) == (URL, "sip:marie-k7f3qz.web@phone.example.net")
    assert (told.user, told.secret) == ("marie-k7f3qz.web", MARIE.secret)
    stun, turn = told.ice_servers
    assert (stun.urls, stun.username, stun.credential) == (["stun:stun.example.net"], UNSET, UNSET)
    assert (turn.urls, turn.username) == (["turns:turn.example.net:443?transport=tcp"], "house")
    assert turn.credential == "of cards"


def test_without_a_websocket_or_the_agents_permission_there_is_nothing_to_tell() -> None:
    assert telephone_settings.of_browser(BROWSING, AsteriskSettings()) is None
    assert telephone_settings.of_browser(MARIE, AsteriskSettings(webrtc_url=URL)) is None
