"""`/v1/sites`, `/v1/trunks`, `/v1/agents` and the directory's revisions; `directory_more.py` has the other kinds.

A change is in force in PostgreSQL and in Asterisk before it is answered; what Asterisk refuses changes nothing.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from engine.http.deferred import PREFERENCE, ChangePending
from engine.http.ports import NAME_PATTERN, DirectoryBook, DirectoryChange, DirectoryRevision, Enrolled, EntryKind
from engine.http.routes.common import IF_MATCH_PATTERN, base_of, check_id, etag, for_applications
from engine.http.routing import Answer, Asked, Handler, Header, Route, json_answer

Name = Annotated[str, msgspec.Meta(pattern=NAME_PATTERN, examples=["paris"])]
Text = str | UnsetType | None
Flag = bool | UnsetType | None
Count = int | UnsetType | None
Texts = list[str] | UnsetType | None
Language = Literal["fr", "en"] | UnsetType | None
Notice = Literal["message", "tone", "music"] | UnsetType | None
Right = Literal[
    "internal", "service", "local", "mobile", "international", "premium", "shared_cost", "toll_free", "satellite",
    "personal", "unknown",
]  # fmt: skip


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out or null has its default; what the engine generated (secret, SIP user, extension) stays.

    `id`, if given, is the address's: what was read may be sent back.
    """

    id: Name | UnsetType = UNSET


class SiteBody(Body, frozen=True, kw_only=True):
    """A place with its own trunks; `extensions` is a range such as 2000-2099."""

    name: str
    country: Text = UNSET
    time_zone: Text = UNSET
    language: Language = UNSET
    notice: Notice = UNSET
    confirm: Flag = UNSET
    allow_other_sites: Flag = UNSET
    ring_agent_s: Count = UNSET
    ring_customer_s: Count = UNSET
    extensions: Text = UNSET
    dialable_countries: Texts = UNSET
    dialable_classes: list[Literal["premium", "satellite", "personal", "unknown"]] | UnsetType | None = UNSET
    open_hours: Texts = UNSET
    emergency_numbers: Texts = UNSET
    outside_prefix: Text = UNSET
    switchboard: Text = UNSET
    external_address: Text = UNSET
    sip_port: Count = UNSET
    local_networks: Texts = UNSET


class TrunkBody(Body, frozen=True, kw_only=True):
    """A SIP trunk to a Yeastar or an operator: a `peer` is known by address, at a `register` trunk we sign in, and an
    `account` trunk signs in to us as `trunk-<id>`."""

    site: Name
    kind: Literal["peer", "register", "account"]
    host: Text = UNSET
    port: Count = UNSET
    transport: Literal["udp", "tcp", "tls"] | UnsetType | None = UNSET
    username: Text = UNSET
    secret: Text = UNSET
    channels: Count = UNSET
    priority: Count = UNSET
    caller_ids: Texts = UNSET
    answers_early: Flag = UNSET
    allow_external: Flag = UNSET
    receive: Flag = UNSET
    codecs: Texts = UNSET
    media_encryption: Literal["none", "sdes"] | UnsetType | None = UNSET
    dtmf: Literal["rfc4733", "info", "inband"] | UnsetType | None = UNSET
    from_user: Text = UNSET
    from_domain: Text = UNSET
    withhold: Flag = UNSET
    pai: Flag = UNSET
    dial_strip: Count = UNSET
    dial_prefix: Text = UNSET
    number_format: Literal["e164", "digits", "national"] | UnsetType | None = UNSET
    did_strip: Count = UNSET
    did_prefix: Text = UNSET
    qualify_s: Count = UNSET
    rtp_timeout_s: Count = UNSET
    rtp_timeout_hold_s: Count = UNSET
    session_timers: Literal["no", "yes", "required", "always"] | UnsetType | None = UNSET
    session_expires_s: Count = UNSET
    enabled: Flag = UNSET


class AgentBody(Body, frozen=True, kw_only=True):
    """A person who takes and makes calls; numbers as people type them in the site's country."""

    name: str
    site: Name
    extension: Text = UNSET
    secret: Text = UNSET
    sip_user: Text = UNSET
    mode: Literal["sip", "mobile"] | UnsetType | None = UNSET
    mobile: Text = UNSET
    mobile_permitted: Flag = UNSET
    language: Language = UNSET
    confirm: Flag = UNSET
    notice: Notice = UNSET
    rights: list[Right] | UnsetType | None = UNSET
    devices: Count = UNSET
    incidents: Flag = UNSET
    webrtc: Flag = UNSET
    enabled: Flag = UNSET


class EnrolBody(AgentBody, frozen=True, kw_only=True):
    """A new agent: `id` names it for ever; the extension is the next free one of the site unless asked for."""

    id: Name


class Entries(msgspec.Struct, frozen=True):
    """All entries of one kind, by id; secrets are never shown."""

    items: list[dict[str, Any]]


class Revisions(msgspec.Struct, frozen=True):
    """Who changed the directory, newest first."""

    items: list[DirectoryRevision]


class RollbackBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The revision to go back to; it becomes a new one."""

    revision: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


def _book(asked: Asked) -> DirectoryBook:
    return for_applications(asked, asked.services.directory, "directory")


def _name(asked: Asked) -> str:
    """The entry of the address: its `{name}`, `{number}` or `{code}`."""
    (name,) = asked.request.match_info.values()
    return name


def _fields(body: Body) -> Mapping[str, Any]:
    given = {name: getattr(body, name) for name in body.__struct_fields__ if name != "id"}
    return {name: _plain(value) for name, value in given.items() if value is not UNSET}


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value) if isinstance(value, msgspec.Struct) else value


def _listing(kind: EntryKind) -> Handler:
    async def handle(asked: Asked) -> web.Response:
        book = _book(asked)
        return json_answer(Entries(book.entries(kind)), headers=etag(book.revision))

    return handle


def _one(kind: EntryKind) -> Handler:
    async def handle(asked: Asked) -> web.Response:
        book = _book(asked)
        return json_answer(book.entry(kind, _name(asked)), headers=etag(book.revision))

    return handle


def _put(kind: EntryKind) -> Handler:
    async def handle(asked: Asked) -> web.Response:
        body = asked.body_as(Body)
        check_id(body.id, _name(asked))
        change = await _book(asked).put(kind, _name(asked), _fields(body), asked.who, base_of(asked))
        return json_answer(change, headers=etag(change.revision))

    return handle


def _remove(kind: EntryKind) -> Handler:
    async def handle(asked: Asked) -> web.Response:
        change = await _book(asked).remove(kind, _name(asked), asked.who, base_of(asked))
        return json_answer(change, headers=etag(change.revision))

    return handle


async def enrol(asked: Asked) -> web.Response:
    body = asked.body_as(EnrolBody)
    enrolled = await _book(asked).enrol(body.id, _fields(body), asked.who)
    headers = {"Location": f"/v1/agents/{body.id}", **etag(enrolled.revision)}
    return json_answer(enrolled, status=201, headers=headers)


async def revisions(asked: Asked) -> web.Response:
    return json_answer(Revisions(await _book(asked).revisions(100)))


async def rollback(asked: Asked) -> web.Response:
    return json_answer(await _book(asked).rollback(asked.body_as(RollbackBody).revision, asked.who))


_REFUSED = (
    *("config-rejected", "config-busy", "directory-changed", "database-away", "asterisk-unreachable"),
    *("invalid-value", "not-for-agents"),
)
_IN_USE = ("site-in-use", "trunk-in-use", "agent-in-use", "group-in-use", "application-in-use")
_SEEN = {"ETag": "The directory's revision, for If-Match"}
_CHANGED = (
    Answer(status=200, what="In force", body=DirectoryChange, headers=_SEEN),
    Answer(
        status=202,
        what="Taken, and being carried out",
        body=ChangePending,
        headers={"Location": "Where to see what came of it", "Preference-Applied": f"`{PREFERENCE}`"},
    ),
)
_PREFER = {"Prefer": Header(f"`{PREFERENCE}`: answer 202 at once; what came of it is at the link.", "^[ -~]*$")}
_IF_MATCH = {
    "If-Match": Header("The ETag you were given: refused if anybody changed the directory since.", IF_MATCH_PATTERN)
}


def resource(
    kind: EntryKind,
    body: type[Body],
    word: str,
    mot: str,
    *,
    un: str = "un",
    mots: str = "",
    title: str = "",
    key: str = "name",
) -> tuple[Route, ...]:
    """The four routes of a kind. `un` and `mots` are the French article and plural, `title` names the operations, `key`
    is the address's."""
    les = "tous les" if un == "un" else "toutes les"
    a_word = f"an {word}" if word[0] in "aeiou" else f"a {word}"
    many, one = f"/v1/{kind}s", f"/v1/{kind}s/{{{key}}}"
    title = title or kind.capitalize()
    return (
        Route(
            method="GET", path=many, operation=f"list{title}s", tag="directory", scope="directory:read",
            summary=f"All {word}s", summary_fr=f"{les.capitalize()} {mots or f'{mot}s'}", handle=_listing(kind),
            answers=(Answer(status=200, what="By id", body=Entries, headers=_SEEN),), problems=("not-for-agents",),
        ),
        Route(
            method="GET", path=one, operation=f"get{title}", tag="directory", scope="directory:read",
            summary=f"One {word}", summary_fr=f"{un.capitalize()} {mot}", handle=_one(kind),
            answers=(Answer(status=200, what="Without its secret", body=dict[str, Any], headers=_SEEN),),
            problems=("not-for-agents",),
        ),
        Route(
            method="PUT", path=one, operation=f"put{title}", tag="directory", scope="directory:write",
            summary=f"Create or replace {a_word}", summary_fr=f"Créer ou remplacer {un} {mot}", handle=_put(kind),
            body=body, headers=_IF_MATCH | _PREFER, defers=True, answers=_CHANGED,
            problems=(*_REFUSED, "invalid-if-match", "seats-taken"),
        ),
        Route(
            method="DELETE", path=one, operation=f"delete{title}", tag="directory", scope="directory:write",
            summary=f"Remove {a_word}", summary_fr=f"Supprimer {un} {mot}", handle=_remove(kind),
            headers=_IF_MATCH | _PREFER, defers=True, answers=_CHANGED,
            problems=(*_REFUSED, "invalid-if-match", "agent-busy", *_IN_USE),
        ),
    )  # fmt: skip


ROUTES: tuple[Route, ...] = (
    *resource("site", SiteBody, "site", "site"),
    *resource("trunk", TrunkBody, "trunk", "faisceau"),
    *resource("agent", AgentBody, "agent", "agent"),
    Route(
        method="POST",
        path="/v1/agents",
        operation="enrolAgent",
        tag="directory",
        scope="agents:write",
        summary="Enrol an agent",
        summary_fr="Enrôler un agent",
        description="Allots a free extension and a secret, told this once with the settings of a softphone, and of a "
        "browser (`webrtc`) for an agent who may use one.",
        description_fr="Attribue un poste libre et un secret, donné cette seule fois avec les réglages du softphone, "
        "et du navigateur (`webrtc`) pour un agent qui peut s'en servir.",
        handle=enrol,
        body=EnrolBody,
        answers=(
            Answer(
                status=201,
                what="Enrolled and known to Asterisk",
                body=Enrolled,
                headers={"Location": "The new agent", **_SEEN},
            ),
        ),
        problems=(*_REFUSED, "agent-exists", "seats-taken"),
    ),
    Route(
        method="GET",
        path="/v1/directory/revisions",
        operation="listRevisions",
        tag="directory",
        scope="directory:read",
        summary="Who changed the directory",
        summary_fr="Qui a modifié l'annuaire",
        handle=revisions,
        answers=(Answer(status=200, what="Newest first", body=Revisions),),
        problems=("database-away", "not-for-agents"),
    ),
    Route(
        method="POST",
        path="/v1/directory/rollback",
        operation="rollbackDirectory",
        tag="directory",
        scope="directory:write",
        summary="Go back to a revision",
        summary_fr="Revenir à une révision",
        description="As a new revision. Old secrets and disabled accounts do not come back.",
        description_fr="Sous forme de nouvelle révision. Anciens secrets et comptes désactivés ne reviennent pas.",
        handle=rollback,
        body=RollbackBody,
        headers=_PREFER,
        defers=True,
        answers=_CHANGED,
        problems=(*_REFUSED, "unknown", "seats-taken", "agent-busy"),
    ),
)
