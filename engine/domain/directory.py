"""The directory as the engine uses it: all values typed, all cross references resolved.

A `Directory` is immutable; a change makes a new revision. It is loaded from PostgreSQL, kept locally as the last good
one, and rendered into Asterisk's files.
"""

from datetime import date
from typing import Literal

import msgspec

from engine.domain.numbers import NumberClass
from engine.domain.values import E164, Code, Extension, Slug

Language = Literal["fr", "en"]
Mode = Literal["sip", "mobile"]
Strategy = Literal["ring_all", "one_by_one"]
Alias = Literal["live", "previous", "test"]
"""Which published version of a scenario is meant: the one of today, the one before, or the one that is tried."""
TrunkKind = Literal["peer", "register", "account"]  # by address; we register to it; it registers to us
Transport = Literal["udp", "tcp", "tls"]
DEFAULT_RIGHTS: tuple[NumberClass, ...] = ("internal", "local", "mobile", "toll_free")
"""What a new agent may call: ordinary numbers of the site's own country."""
Notice = Literal["message", "tone", "music"]  # what the agent hears between answering and the customer's ringing


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A place with its own Yeastar.

    `allow_other_sites`: its calls may leave by another site's trunk when its own are full. `emergency_numbers`: besides
    those of its country. `outside_prefix`: what people there dial for an outside line. `external_address`: where its
    trunks reach us when that is not where others do, at our port `sip_port`, which is this site's alone; not those in
    `local_networks` (empty: the machine's).
    """

    id: Slug
    name: str
    country: str = "FR"  # ISO 3166, for numbers typed in national form
    time_zone: str = "Europe/Paris"
    language: Language = "fr"
    notice: Notice = "message"
    confirm: bool | None = None  # None: the default of the mode (mobile yes, sip no)
    allow_other_sites: bool = False
    ring_agent_s: int = 25  # four to five rings, shorter than most GSM voicemails
    ring_customer_s: int = 45
    extensions: tuple[int, int] = (2000, 2999)
    dialable_countries: tuple[str, ...] = ()  # besides `country`, for agents with the right `international`
    dialable_classes: tuple[
        NumberClass, ...
    ] = ()  # costly ones that a right alone does not open: premium, satellite...
    open_hours: tuple[str, ...] = ()  # as `opening.window` reads them; outside, limits are stricter. None: always open
    emergency_numbers: tuple[str, ...] = ()
    outside_prefix: str = ""
    switchboard: Extension | None = None  # where a scenario sends callers who want a person
    external_address: str | None = None  # IP address or DNS name, validated
    sip_port: int | None = None
    local_networks: tuple[str, ...] = ()


class Trunk(msgspec.Struct, frozen=True, kw_only=True):
    """A SIP trunk to a Yeastar or an operator. `channels` is how many calls it carries at once, both directions.

    An account trunk signs in to us as `trunk-<id>` with `secret`, from wherever it is, so it has no host.
    `allow_external`: calls leave by it. `receive`: calls that come by it are taken; otherwise they ring unanswered.
    `withhold`: it shows no number. `pai`: it is told the number in P-Asserted-Identity too.
    Towards it, `dial_strip` digits are taken off the front of the number, then `dial_prefix` is put there; of the
    numbers it calls, `did_strip` characters are taken off, then `did_prefix` is put there.
    """

    id: Slug
    site: Slug
    kind: TrunkKind
    host: str = ""  # IP address or DNS name, validated
    port: int = 5060
    transport: Transport = "udp"
    username: str | None = None  # register trunks
    secret: str | None = None
    channels: int = 30
    priority: int = 100  # lower is tried first
    caller_ids: tuple[E164, ...] = ()  # numbers this trunk owns; the first is its default
    answers_early: bool = False  # answers before the called party does, as GSM gateways do
    allow_external: bool = True
    receive: bool = True
    codecs: tuple[str, ...] = ("alaw", "ulaw")
    media_encryption: Literal["none", "sdes"] = "none"
    dtmf: Literal["rfc4733", "info", "inband"] = "rfc4733"
    from_user: str | None = None  # instead of the caller's number in From, which then stands in PAI only
    from_domain: str | None = None
    withhold: bool = False
    pai: bool = True
    dial_strip: int = 0
    dial_prefix: str = ""
    number_format: Literal["e164", "digits", "national"] = "e164"
    did_strip: int = 0
    did_prefix: str = ""
    qualify_s: int = 30
    rtp_timeout_s: int = 120  # 0: never; longer than any gateway with silence suppression is silent
    rtp_timeout_hold_s: int = 1800
    session_timers: Literal["no", "yes", "required", "always"] = "yes"  # RFC 4028
    session_expires_s: int = 1800
    enabled: bool = True


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """A person who takes and makes calls; `mobile_permitted` is given by a supervisor (feature E2)."""

    id: Slug
    name: str
    site: Slug
    extension: Extension
    secret: str  # SIP password, generated
    sip_user: str  # differs from the extension, so that knowing the one does not help guessing the other
    mode: Mode = "sip"
    mobile: E164 | None = None
    mobile_permitted: bool = False
    language: Language | None = None  # None: the site's
    confirm: bool | None = None
    notice: Notice | None = None
    rights: tuple[NumberClass, ...] = DEFAULT_RIGHTS  # classes of numbers this agent may call
    devices: int = 3  # phones that may register at once, and as many browsers
    incidents: bool = False  # may set and clear incidents from a telephone
    webrtc: bool = False  # may telephone in a browser
    enabled: bool = True


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Agents who are rung for one another's calls: all at once, or one after another in the order given."""

    id: Slug
    name: str
    site: Slug
    extension: Extension  # no agent's
    strategy: Strategy = "ring_all"
    members: tuple[Slug, ...] = ()
    ring_s: int = 20  # each time a member is rung: four rings
    language: Language | None = None  # None: the site's


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """What callers are led through: a published scenario, found by its name and alias when each of them comes.

    Numbers lead to it (`Number.target`), and every other number that is called by the trunks `any_number_of`; agents
    dial its `extension`. `test_callers`, numbers and extensions, meet the version under the alias `test`. `valid_from`
    and `valid_until` are its first and last day, both included, at its site.
    """

    id: Slug
    name: str
    site: Slug
    scenario: Slug
    alias: Alias = "live"
    extension: Extension | None = None  # nobody else's
    active: bool = True
    valid_from: date | None = None
    valid_until: date | None = None
    language: Language | None = None  # None: the site's
    test_callers: tuple[str, ...] = ()
    any_number_of: tuple[Slug, ...] = ()


class ToAgent(msgspec.Struct, frozen=True, tag="agent"):
    """Calls to a number ring this agent."""

    id: Slug


class ToGroup(msgspec.Struct, frozen=True, tag="group"):
    """Calls to a number ring this group."""

    id: Slug


class ToApplication(msgspec.Struct, frozen=True, tag="application"):
    """Calls to a number are led through this application's scenario."""

    id: Slug


Target = ToAgent | ToGroup | ToApplication


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A number of ours that the outside calls (a DID). Its id is the number.

    `valid_from` and `valid_until` are its first and last day, both included, at the site of its trunk. `campaign` and
    `service` are labels for the call record.
    """

    id: E164
    trunk: Slug  # where its calls come in
    target: Target
    active: bool = True
    valid_from: date | None = None
    valid_until: date | None = None
    campaign: str | None = None
    service: str | None = None
    language: Language | None = None  # what its callers hear; None: the target's


class DispositionCode(msgspec.Struct, frozen=True, kw_only=True):
    """One way to qualify a call. Its id is the code. No `campaigns`: for the calls of all of them, and of none."""

    id: Code
    label_fr: str
    label_en: str
    active: bool = True
    campaigns: tuple[str, ...] = ()


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """When a place is open: `hours` in the syntax of OpenStreetMap, at its own time zone or its site's.

    `holidays` are the house's own, as `calendar.holiday` reads them. Those of the country (its own or its site's) close
    it too, unless `hours` names PH or `public_holidays` is no.
    """

    id: Slug
    name: str
    site: Slug | None = None
    time_zone: str | None = None
    hours: str
    country: str | None = None
    public_holidays: bool = True
    holidays: tuple[str, ...] = ()


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of everything, by id."""

    revision: int
    sites: dict[Slug, Site]
    trunks: dict[Slug, Trunk]
    agents: dict[Slug, Agent]
    groups: dict[Slug, Group] = {}
    applications: dict[Slug, Application] = {}
    numbers: dict[E164, Number] = {}
    dispositions: dict[Code, DispositionCode] = {}
    calendars: dict[Slug, Calendar] = {}


EMPTY = Directory(revision=0, sites={}, trunks={}, agents={})
