"""What an agent's telephones are told to register with: `POST /v1/agents` answers it once."""

from urllib.parse import urlsplit

from engine.config.pjsip import AGENT_CODECS
from engine.domain.dialstring import web_account
from engine.domain.directory import Agent
from engine.http.ports import AgentSettings, BrowserSettings, IceServer
from engine.settings import AsteriskSettings


def of_telephone(agent: Agent, asterisk: AsteriskSettings) -> AgentSettings:
    """For softphones and desk phones."""
    return AgentSettings(
        user=agent.sip_user,
        secret=agent.secret,
        server=asterisk.phones_host or asterisk.sip_host,
        port=asterisk.sip_port,
        transport="udp",
        codecs=list(AGENT_CODECS),
    )


def of_browser(agent: Agent, asterisk: AsteriskSettings) -> BrowserSettings | None:
    """For browsers, where both the agent and this Asterisk have them."""
    if not agent.webrtc or asterisk.webrtc_url is None:
        return None
    user = web_account(agent)
    return BrowserSettings(
        url=asterisk.webrtc_url,
        uri=f"sip:{user}@{urlsplit(asterisk.webrtc_url).hostname}",
        user=user,
        secret=agent.secret,
        ice_servers=[_ice_server(address, asterisk) for address in asterisk.ice_servers],
        codecs=list(AGENT_CODECS),
    )


def _ice_server(address: str, asterisk: AsteriskSettings) -> IceServer:
    if address.startswith("stun") or asterisk.turn_user is None or asterisk.turn_secret is None:
        return IceServer(urls=[address])
    return IceServer(urls=[address], username=asterisk.turn_user, credential=asterisk.turn_secret.get_secret_value())
