"""The description: complete, valid, and the same as what serves."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from engine.http import openapi
from engine.http.problems import KINDS, RULES
from engine.http.routes import ROUTES
from tests.http.conftest import Api
from tests.http.contract import DOCUMENT


async def test_every_served_route_is_described_and_every_described_one_is_served(api: Api) -> None:
    served = {
        (route.method.lower(), route.resource.canonical)
        for route in api.app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    described = {(verb, path) for path, verbs in DOCUMENT["paths"].items() for verb in verbs}
    assert served == described


async def test_the_description_is_what_is_served(api: Api) -> None:
    answer = await api.ask("GET", "/openapi.json", token=None)
    assert await answer.json() == json.loads(openapi.encoded(ROUTES))


def test_operation_ids_are_unique() -> None:
    names = [route.operation for route in ROUTES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation)
def test_a_route_names_only_known_problems(route: Any) -> None:
    assert set(route.every_problem()) <= {*KINDS, *RULES}


def test_every_schema_is_a_valid_json_schema() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(_references, value.values()))
    if isinstance(value, list):
        return set[str]().union(*map(_references, value))
    return set()


def test_no_reference_leads_nowhere() -> None:
    names = {reference.removeprefix("#/components/schemas/") for reference in _references(DOCUMENT)}
    assert names <= set(DOCUMENT["components"]["schemas"])


def test_french_words_are_there_for_every_operation() -> None:
    for route in ROUTES:
        assert route.summary_fr
        assert bool(route.description_fr) == bool(route.description)
