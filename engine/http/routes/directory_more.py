"""Groups, applications, our numbers, dispositions and calendars: what is built on sites, trunks and agents."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from engine.http.ports import E164_PATTERN
from engine.http.routes.common import Code
from engine.http.routes.directory import Body, Count, Flag, Language, Name, Text, Texts, resource
from engine.http.routing import Route

OurNumber = Annotated[str, msgspec.Meta(pattern=E164_PATTERN, examples=["+33140000001"])]
Day = Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", examples=["2026-11-30"])]


class GroupBody(Body, frozen=True, kw_only=True):
    """Agents who are rung together or one by one; `extension` is the site's next free one unless asked for."""

    name: str
    site: Name
    extension: Text = UNSET
    strategy: Literal["ring_all", "one_by_one"] | UnsetType | None = UNSET
    members: Texts = UNSET
    ring_s: Count = UNSET
    language: Language = UNSET


class ApplicationBody(Body, frozen=True, kw_only=True):
    """What callers are led through: a scenario by name, in the version of its `alias` when they come; `test_callers`
    meet that of `test`. `any_number_of`: trunks whose numbers that nobody declared lead here."""

    name: str
    site: Name
    scenario: Name
    alias: Literal["live", "previous", "test"] | UnsetType | None = UNSET
    extension: Text = UNSET
    active: Flag = UNSET
    valid_from: Day | UnsetType | None = UNSET
    valid_until: Day | UnsetType | None = UNSET
    language: Language = UNSET
    test_callers: Texts = UNSET
    any_number_of: Texts = UNSET


class TargetBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where callers are led: `{"agent": id}`, `{"group": id}` or `{"application": id}`, one of them."""

    agent: Name | UnsetType = UNSET
    group: Name | UnsetType = UNSET
    application: Name | UnsetType = UNSET


class NumberBody(Body, frozen=True, kw_only=True):
    """A number of ours that the outside calls. `campaign` and `service` go into the call record."""

    id: OurNumber | UnsetType = UNSET
    trunk: Name
    target: TargetBody
    active: Flag = UNSET
    valid_from: Day | UnsetType | None = UNSET
    valid_until: Day | UnsetType | None = UNSET
    campaign: Text = UNSET
    service: Text = UNSET
    language: Language = UNSET


class DispositionCodeBody(Body, frozen=True, kw_only=True):
    """A way to qualify calls, in the words people see; `campaigns` restricts it to those."""

    id: Code | UnsetType = UNSET
    label_fr: str
    label_en: str
    active: Flag = UNSET
    campaigns: Texts = UNSET


class CalendarBody(Body, frozen=True, kw_only=True):
    """When a place is open: `hours` in the syntax of OpenStreetMap, `holidays` as `05-02 Pont` or
    `2026-12-24 08:00-12:00 Réveillon`."""

    name: str
    site: Name | UnsetType | None = UNSET
    time_zone: Text = UNSET
    hours: str
    country: Text = UNSET
    public_holidays: Flag = UNSET
    holidays: Texts = UNSET


ROUTES: tuple[Route, ...] = (
    *resource("group", GroupBody, "group", "groupe"),
    *resource("application", ApplicationBody, "application", "application", un="une"),
    *resource("number", NumberBody, "number", "numéro", key="number"),
    *resource(
        "disposition", DispositionCodeBody, "disposition", "code de qualification",
        mots="codes de qualification", title="DispositionCode", key="code",
    ),
    *resource("calendar", CalendarBody, "calendar", "calendrier"),
)  # fmt: skip
