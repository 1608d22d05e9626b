"""The route table: every address of the API, one module per resource."""

from engine.http.routes import (
    call_link,
    callbacks,
    calls,
    cdrs,
    changes,
    contacts,
    description,
    directory,
    directory_more,
    dispositions,
    events,
    incidents,
    journal,
    limits,
    prompts,
    scenarios,
    state,
    webhooks,
)
from engine.http.routing import Route

ROUTES: tuple[Route, ...] = (
    *calls.ROUTES,
    *dispositions.ROUTES,
    *journal.ROUTES,
    *cdrs.ROUTES,
    *directory.ROUTES,
    *directory_more.ROUTES,
    *changes.ROUTES,
    *contacts.ROUTES,
    *callbacks.ROUTES,
    *incidents.ROUTES,
    *scenarios.ROUTES,
    *prompts.ROUTES,
    *events.ROUTES,
    *limits.ROUTES,
    *webhooks.ROUTES,
    *call_link.ROUTES,
    *state.ROUTES,
    *description.ROUTES,
)
