"""Codes a call may be qualified with."""

import re

import msgspec
import pytest

from engine.domain.dispositions import check_disposition
from engine.domain.values import Code
from engine.errors import Refused
from tests.config.directories import SALE

OLD = msgspec.structs.replace(SALE, id=Code("old"), active=False, campaigns=())
ANY = msgspec.structs.replace(SALE, id=Code("callback"), campaigns=())
DECLARED = {found.id: found for found in (SALE, OLD, ANY)}


@pytest.mark.parametrize(("code", "campaign"), [("Sale.1", "spring"), ("callback", None), ("callback", "autumn")])
def test_codes_that_are_declared_for_the_call(code: str, campaign: str | None) -> None:
    check_disposition(code, campaign, DECLARED)


def test_any_code_passes_while_none_is_declared() -> None:
    check_disposition("whatever", None, {})


@pytest.mark.parametrize(
    ("code", "campaign", "why", "hint"),
    [
        ("CALLBACK", None, "'CALLBACK' is no disposition of the directory", "Did you mean 'callback'?"),
        ("sale-1", "spring", "'sale-1' is no disposition of the directory", "Did you mean 'Sale.1'?"),
        ("zzz", None, "'zzz' is no disposition of the directory", "GET /v1/dispositions lists them."),
        ("old", None, "'old' is a disposition no longer used", "GET /v1/dispositions lists them."),
        ("Sale.1", "autumn", "'Sale.1' is no disposition for calls of campaign 'autumn'", "GET"),
        ("Sale.1", None, "'Sale.1' is for calls of a campaign only", "GET"),
    ],
)
def test_codes_that_are_not(code: str, campaign: str | None, why: str, hint: str) -> None:
    with pytest.raises(Refused, match=re.escape(why)) as refused:
        check_disposition(code, campaign, DECLARED)
    assert (refused.value.rule, refused.value.status, refused.value.message) == ("unknown-disposition", 422, why)
    assert refused.value.what_next.startswith(hint)
