"""Calls that a scenario leads: which one, in which version, and the request such a call lives by.

Nobody is rung yet: whom the caller reaches, if anybody, the scenario says when it comes to it.
"""

from datetime import datetime

import msgspec

from engine.calls import arriving
from engine.calls.acceptance import House
from engine.calls.arriving import Came
from engine.calls.ports import Programs
from engine.domain.directory import Agent, Alias, Application, Number, Site, Trunk
from engine.domain.request import ConnectRequest, ScenarioCall
from engine.domain.scenario.graph import Program
from engine.domain.values import Slug, is_e164
from engine.errors import Refused


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An application that a caller enters now; `site` is its own. `at` is in UTC."""

    application: Application
    site: Site
    at: datetime
    programs: Programs | None
    house: House


def called_in(came: Came, number: Number, trunk: Trunk, entry: Entry) -> ConnectRequest:
    """A customer called a number of ours that leads to the application."""
    language = number.language or entry.application.language or entry.site.language
    request = arriving.from_outside(came, number, entry.site, entry.house, trunk=trunk, routes=(), language=language)
    return _led(request, came, number.id, entry)


def dialled_inside(came: Came, agent: Agent, entry: Entry) -> ConnectRequest:
    """An agent dialled the application's extension, and is led as a customer is."""
    request = arriving.waiting(
        came,
        entry.site,
        entry.house,
        caller=agent.extension,
        routes=(),
        language=entry.application.language or entry.site.language,
        asked_by=f"phone {agent.id}",
    )
    return _led(msgspec.structs.replace(request, direction="internal"), came, came.dialled, entry, by=agent.id)


def _led(request: ConnectRequest, came: Came, called: str, entry: Entry, *, by: Slug | None = None) -> ConnectRequest:
    """The same request with the scenario in force; raises Refused where none is."""
    application = entry.application
    today = arriving.day_at(entry.site, entry.at)
    if not arriving.in_use(application, today):
        raise Refused(f"application {application.id} is not in use", rule="number-not-in-use", status=404)
    caller = request.customer_number
    program = _program(application, entry.programs, tried=caller in application.test_callers)
    scenario = ScenarioCall(
        name=application.scenario,
        version=program.version,
        application=application.id,
        longest_s=program.start.limits.duration_s,
        facts={
            "caller": caller if is_e164(caller) else "",
            "called": called,
            "redirected_from": arriving.in_full(came.redirected_from, entry.site.country),
            "day": today.isoformat(),
        },
        by=by,
    )
    return msgspec.structs.replace(request, scenario=scenario)


def _program(application: Application, programs: Programs | None, *, tried: bool) -> Program:
    """What its callers meet now. A test caller meets what is tried, if anything is; raises Refused where there is
    nothing at all."""
    aliases: tuple[Alias, ...] = ("test", application.alias) if tried else (application.alias,)
    found = [programs.published(application.scenario, alias) for alias in aliases] if programs is not None else []
    program = next(filter(None, found), None)
    if program is not None:
        return program
    raise Refused(
        f"scenario {application.scenario} has no version {application.alias}",
        rule="scenario-not-published",
        status=503,
    )
