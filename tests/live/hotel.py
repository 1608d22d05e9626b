"""An Asterisk that somebody else set up by hand and works with: what the engine is put beside."""

from engine.config.modules import MODULES, WEBRTC
from engine.config.render import Files, base_files
from engine.sandbox.asterisk import AsteriskServer
from engine.sandbox.farend_files import LYON
from engine.sandbox.sandbox import Sandbox

HIS_SECRET = "his-own-secret"
HIS_PJSIP = """\
; pjsip.conf of the hotel, kept by hand since 2014 \xe9t\xe9
[main]
type=global
user_agent=hotel

[udp-main](!)
type=transport
protocol=udp

[hotel-udp](udp-main)
bind=127.0.0.1:{port}

[phone](!)
type=endpoint
context=hotel
disallow=all
allow=alaw,ulaw

[accueil](phone)
auth=accueil
aors=accueil

[accueil]
type=auth
auth_type=userpass
username=accueil
password={secret}

[accueil]
type=aor
max_contacts=1

[operator](phone)
context=hotel-inbound
aors=operator

[operator]
type=aor
contact=sip:{lyon}:{far}

[operator]
type=identify
endpoint=operator
match={lyon}"""
HIS_DIALPLAN = """\
[general]
static=yes
;-- the old night
   service --;
[globals]
DESK=PJSIP/accueil
#include "hotel/*.conf"
"""
HIS_ROOMS = "[hotel]\r\nexten => 600,1,Dial(${DESK},20)\r\n[hotel-inbound]\r\ninclude => hotel\r\n"


class HisAsterisk(AsteriskServer):
    """Has the files he wrote, whatever else is to be written."""

    own: dict[str, bytes]

    def write(self, files: Files) -> None:
        kept = ("asterisk.conf", "logger.conf", "indications.conf", "rtp.conf")
        super().write({name: files[name].partition("\n")[2] for name in kept})  # without the notice that they are ours
        for name, content in self.own.items():
            file = self.paths.etc / name
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)


class Hotel(Sandbox):
    """A box with the Asterisk of somebody who knows nothing of the engine."""

    def _build(self, *parts: object) -> None:
        super()._build(*parts)  # type: ignore[arg-type]  # handed on
        settings = self.asterisk_settings
        his = HisAsterisk(self.asterisk.install, self.asterisk.paths)
        pjsip = HIS_PJSIP.format(port=settings.sip_port, secret=HIS_SECRET, lyon=LYON, far=self.farend.sip_port)
        loaded = MODULES + WEBRTC
        his.own = {
            "pjsip.conf": pjsip.encode("latin-1"),
            "extensions.conf": HIS_DIALPLAN.encode(),
            "hotel/rooms.conf": HIS_ROOMS.encode(),
            "http.conf": f"[general]\r\nenabled=yes\r\nbindaddr=127.0.0.1\r\nbindport={settings.ari_port}\r\n".encode(),
            "modules.conf": b"[modules]\nautoload=no\n" + b"".join(f"load => {m}\n".encode() for m in loaded),
            "ari.conf": b"[general]\nenabled=yes\n[hotel]\ntype=user\npassword=his\n",
            "musiconhold.conf": base_files(settings)["musiconhold.conf"].split("; What")[0].encode(),
        }
        self.asterisk = his
