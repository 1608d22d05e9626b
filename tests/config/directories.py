"""Small directories, and hypothesis strategies for hostile ones."""

from datetime import date

import msgspec
from hypothesis import strategies as st

from engine.domain.directory import (
    Agent,
    Application,
    Calendar,
    Directory,
    DispositionCode,
    Group,
    Number,
    Site,
    ToAgent,
    ToGroup,
    Trunk,
)
from engine.domain.values import E164, Code, Extension, Slug

PARIS = Site(id=Slug("paris"), name="Paris", extensions=(2000, 2099))
LYON = Site(id=Slug("lyon"), name="Lyon", extensions=(2100, 2199), language="en")
PEER = Trunk(id=Slug("paris-1"), site=PARIS.id, kind="peer", host="127.0.0.2")
GSM = Trunk(
    id=Slug("gsm"), site=LYON.id, kind="register", host="127.0.0.4", username="gsm-1", secret="p;w", transport="tcp"
)
ACCOUNT = Trunk(
    id=Slug("home"),
    site=PARIS.id,
    kind="account",
    secret="the-yeastar's-own",
    media_encryption="sdes",
    dtmf="inband",
    did_strip=1,
    did_prefix="+33",
    receive=False,
    pai=False,
    rtp_timeout_s=60,
    session_timers="always",
    session_expires_s=90,
)
MARIE = Agent(
    id=Slug("marie"),
    name="Marie Dupont",
    site=PARIS.id,
    extension=Extension("2000"),
    secret="abcdefgh2345",
    sip_user="marie-k7f3qz",
    mobile=E164("+33612345678"),
)
BOTH = Directory(
    revision=7,
    sites={PARIS.id: PARIS, LYON.id: LYON},
    trunks={PEER.id: PEER, GSM.id: GSM},
    agents={MARIE.id: MARIE},
)
SALES = Group(
    id=Slug("sales"), name="Sales", site=PARIS.id, extension=Extension("2090"), strategy="one_by_one",
    members=(MARIE.id,), ring_s=15, language="en",
)  # fmt: skip
HOTLINE = Application(
    id=Slug("hotline"), name="Hotline", site=PARIS.id, scenario=Slug("standard"), extension=Extension("2095"),
    valid_until=date(2027, 12, 31), language="en", test_callers=("+33612345678", "2000"), any_number_of=(GSM.id,),
)  # fmt: skip
MAIN = Number(
    id=E164("+33140000001"), trunk=PEER.id, target=ToGroup(SALES.id), valid_from=date(2026, 12, 1), campaign="spring"
)
DIRECT = Number(id=E164("+33140000002"), trunk=PEER.id, target=ToAgent(MARIE.id), active=False)
SALE = DispositionCode(id=Code("Sale.1"), label_fr="Vente", label_en="Sale", campaigns=("spring",))
WEEK = Calendar(
    id=Slug("week"), name="Semaine", site=PARIS.id, hours="Mo-Fr 08:00-12:00,14:00-18:00; Sa 09:00-12:00",
    holidays=("05-02 Pont", "2026-12-24 08:00-12:00 Réveillon"),
)  # fmt: skip
FULL = msgspec.structs.replace(
    BOTH,
    groups={SALES.id: SALES},
    applications={HOTLINE.id: HOTLINE},
    numbers={MAIN.id: MAIN, DIRECT.id: DIRECT},
    dispositions={SALE.id: SALE},
    calendars={WEEK.id: WEEK},
)

HOSTILE = st.sampled_from(
    [
        "a\nb",
        "a\r\n[x]",
        "x\n[evil](!)\ntype=endpoint",
        ";--",
        "--;",
        "a;b",
        "\\;",
        "\\",
        "=>",
        "&Local/1@default",
        "${SHELL(id)}",
        "a,b",
        '"',
        "<2000>",
        "#exec /bin/sh",
        "#include x",
        "[x]",
        "٠٦١٢",
        "é" * 300,
        "\x00",
        "\u2028",
        " ",
        "",
    ]
)
ANY_TEXT = (
    st.text(max_size=40) | HOSTILE | st.builds("{}{}{}".format, st.text(max_size=5), HOSTILE, st.text(max_size=5))
)


def with_agent(agent: Agent) -> Directory:
    """BOTH with this agent instead of Marie."""
    return msgspec.structs.replace(BOTH, agents={agent.id: agent})


def with_trunk(trunk: Trunk) -> Directory:
    """BOTH with this trunk alone."""
    return msgspec.structs.replace(BOTH, trunks={trunk.id: trunk})
