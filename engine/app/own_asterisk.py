"""An Asterisk for the engine alone: all of its files follow from the settings, so nobody has to write any.

Its home is the directory above `asterisk.config_dir`. What belongs to the machine (ports, secrets, modules) is written
anew at each start; what follows from the directory is left as the last import made it.
"""

import socket
from contextlib import suppress
from pathlib import Path

from engine.app.engine import ari_secret
from engine.app.manager_side import manager_account
from engine.config.asterisk import AsteriskPaths, AsteriskSettings
from engine.config.render import FOLDER, Files, base_files
from engine.config.values import NOTICE
from engine.errors import BadFile
from engine.sandbox.asterisk import AsteriskInstall, AsteriskServer
from engine.settings import Settings

DEFAULT_ETC = Path("/etc/asterisk")
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to
_DISCARD = 9  # a port; any would do


def prepare(settings: Settings, install: AsteriskInstall) -> list[str]:
    """Write its files; the command that runs it in the foreground. Raises BadFile when files of others are there."""
    etc = settings.asterisk.config_dir.absolute()
    if etc == DEFAULT_ETC:
        raise BadFile(
            f"{etc} belongs to the machine's own Asterisk",
            what_next="Set [asterisk] config_dir to a place of its own: /var/lib/standardiste/asterisk/etc",
        )
    paths = AsteriskPaths.under(etc.parent, modules=install.modules, data=install.data)
    paths = AsteriskPaths(**{name: getattr(paths, name) for name in paths.__struct_fields__ if name != "etc"}, etc=etc)
    files = base_files(_its_settings(settings, paths, install))
    _check_ours(etc, files)
    kept = {name: text for name, text in files.items() if not (name.startswith(f"{FOLDER}/") and (etc / name).exists())}
    AsteriskServer(install, paths).write(kept)
    return [*install.program, "-f", "-C", str(etc / "asterisk.conf")]


def _its_settings(settings: Settings, paths: AsteriskPaths, install: AsteriskInstall) -> AsteriskSettings:
    return AsteriskSettings(
        paths=paths,
        ari_port=int(settings.ari.url.rpartition(":")[2]),
        ari_user=settings.ari.user,
        ari_secret=ari_secret(settings),
        ami=manager_account(settings),
        app=settings.ari.app,
        sip_address=settings.asterisk.sip_host,
        sip_port=settings.asterisk.sip_port,
        tls_port=settings.asterisk.tls_port,
        tls_certificate=settings.asterisk.tls_certificate,
        tls_key=settings.asterisk.tls_key,
        tls_authorities=settings.asterisk.tls_authorities,
        tls_verify=settings.asterisk.tls_verify,
        webrtc=settings.asterisk.webrtc_url is not None,
        wss_port=settings.asterisk.webrtc_port,
        own_address=_own_address(settings),
        external_address=settings.asterisk.rtp_host,
        local_networks=settings.asterisk.local_networks,
        rtp_ports=(settings.asterisk.rtp_first, settings.asterisk.rtp_last),
        music=install.music,
    )


def _own_address(settings: Settings) -> str | None:
    """The address that `rtp_host` leads to: the one SIP is bound to, else the one that packets to outside leave by."""
    bound, outside = settings.asterisk.sip_host, settings.asterisk.rtp_host
    if outside is None or bound not in _EVERYWHERE:
        return bound
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((outside, _DISCARD))  # nothing is sent: the route is looked up
        return str(probe.getsockname()[0])
    return None


def _check_ours(etc: Path, files: Files) -> None:
    for file in (etc / name for name in files if not name.startswith(f"{FOLDER}/")):
        if file.exists() and NOTICE not in file.read_text(encoding="utf-8", errors="replace")[:500]:
            raise BadFile(f"{file} was not written by the engine", what_next="Choose an empty [asterisk] config_dir.")
