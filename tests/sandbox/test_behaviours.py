"""Numbers of the far end: made, taken apart, documented."""

import re
from pathlib import Path

import phonenumbers
import pytest

from engine.sandbox.behaviours import TABLE, behaviour_of, coded, key, mobile, tone_of

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "far-end.md"


def test_the_document_shows_the_table() -> None:
    rows = re.findall(r"^\| (\d\d) \| (.*) \|$", DOCUMENT.read_text(), re.MULTILINE)
    assert rows == [(behaviour.code, behaviour.says) for behaviour in TABLE]


@pytest.mark.parametrize("behaviour", TABLE, ids=lambda behaviour: behaviour.code)
def test_every_behaviour_is_a_valid_french_mobile_number(behaviour: object) -> None:
    code = behaviour.code  # type: ignore[attr-defined]
    number = mobile(code, ring_s=1.5, tone_hz=1000, serial=7)
    assert phonenumbers.is_valid_number(phonenumbers.parse(number))
    assert number == f"+336{code}153007"
    assert (behaviour_of(number), tone_of(number)) == (code, 1000)


@pytest.mark.parametrize("dialled", ["+33620153001", "0620153001", "33620153001", "00 33 6 20 15 30 01", "p20153001"])
def test_only_the_last_eight_digits_count(dialled: str) -> None:
    assert (key(dialled), behaviour_of(dialled)) == ("20153001", "20")


def test_short_numbers_and_unknown_codes_answer_like_a_telephone() -> None:
    assert [behaviour_of(number) for number in ("112", "2001", "+33699153001")] == ["10"] * 3
    assert tone_of("112") == 1000


@pytest.mark.parametrize("wrong", [{"ring_s": 9.9}, {"tone_hz": 410}, {"tone_hz": 380}, {"serial": 100}])
def test_what_has_no_digits_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no digits"):
        coded("10", **wrong)  # type: ignore[arg-type]


def test_until_told_is_99() -> None:
    assert coded("10", ring_s=None) == "10993001"
