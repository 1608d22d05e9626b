"""Contacts as they are given, one or many at once."""

from collections.abc import Sequence
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from engine.domain.contact_batch import checked, resolved
from engine.domain.contacts import Contact, ContactId, GivenContact, GivenNumber, contact
from engine.errors import InvalidRows, InvalidValue, RowFault


def given(**fields: Any) -> GivenContact:
    numbers = tuple(GivenNumber(label="mobile", number=number) for number in fields.pop("numbers", ()))
    return GivenContact(**({"name": "Ada", "numbers": numbers} | fields))


def test_a_contact_as_it_is_kept() -> None:
    kept = contact(
        given(name=" Ada L. ", numbers=("+33 6 12 34 56 78", "01 40 00 00 00"), country="FR", source="crm",
              external_id="7", attributes={"city": "Paris"}), "c-1",
    )  # fmt: skip
    assert (kept.id, kept.name, kept.attributes) == ("c-1", "Ada L.", {"city": "Paris"})
    assert [one.number for one in kept.numbers] == ["+33612345678", "+33140000000"]
    assert kept.outside == ("crm", "7")
    assert contact(given(id="c-2"), "c-1") == Contact(id=ContactId("c-2"), name="Ada")
    assert contact(given(), "c-1").outside is None


@pytest.mark.parametrize(
    ("fields", "pointer", "why"),
    [
        ({"id": "a b"}, "/id", "not a contact's id"),
        ({"name": " "}, "/name", "1 to 200"),
        ({"name": "x" * 201}, "/name", "1 to 200"),
        ({"name": "a\nb"}, "/name", "of one line"),
        ({"source": "crm"}, "/external_id", "together"),
        ({"external_id": "7"}, "/source", "together"),
        ({"source": "", "external_id": "7"}, "/source", "of one line"),
        ({"source": "crm", "external_id": "\t"}, "/external_id", "of one line"),
        ({"numbers": ("+33612345678", "0612345678")}, "/numbers/1/number", "no plus sign"),
        ({"numbers": ("call me",), "country": "FR"}, "/numbers/0/number", "not a telephone number"),
        ({"numbers": ("+331",)}, "/numbers/0/number", "too short"),
        ({"numbers": ("112",), "country": "FR"}, "/numbers/0/number", "short number"),
        ({"numbers": ("0612345678",), "country": "XX"}, "/numbers/0/number", "not a country"),
        ({"numbers": ("+33612345678", "06 12 34 56 78"), "country": "FR"}, "/numbers/1/number", "named twice"),
        ({"numbers": ("+33612345678",) * 21}, "/numbers", "20 are the most"),
        ({"attributes": {str(n): "" for n in range(51)}}, "/attributes", "50 are the most"),
        ({"attributes": {"": "x"}}, "/attributes", "names of 1 to 64"),
        ({"attributes": {"x" * 65: "x"}}, "/attributes", "names of 1 to 64"),
        ({"attributes": {"a\n": "x"}}, "/attributes", "of one line"),
        ({"attributes": {"a": "x" * 501}}, "/attributes", "at most 500"),
    ],
)
def test_what_a_contact_may_not_be(fields: dict[str, Any], pointer: str, why: str) -> None:
    with pytest.raises(InvalidValue, match=why) as wrong:
        contact(given(**fields), "c-1")
    assert wrong.value.pointer == pointer


@pytest.mark.parametrize("name", ["Zoé\u00a0L.", "\U0001f469\u200d\U0001f680", "क्\u200dष", "O'Brien; DROP", "x" * 200])
def test_names_of_every_script(name: str) -> None:
    assert contact(given(name=name), "c-1").name == name


def crm(external_id: str, **fields: Any) -> GivenContact:
    return given(source="crm", external_id=external_id, **fields)


OWNERS = {("crm", "7"): ContactId("seven"), ("crm", "8"): ContactId("eight")}


def written(*rows: GivenContact) -> tuple[list[tuple[str, str | None]], list[RowFault]]:
    sound, faults = checked(rows, [f"new-{place}" for place in range(len(rows))])
    assert faults == []
    found, faults = resolved(sound, OWNERS)
    return [(one.id, one.external_id) for one in found], faults


def test_a_row_is_who_it_says_or_who_has_its_identifier_or_new() -> None:
    rows = (given(id="one"), crm("7"), crm("9"), crm("8", id="eight"))
    assert written(*rows) == ([("one", None), ("seven", "7"), ("new-2", "9"), ("eight", "8")], [])


def test_two_contacts_of_a_batch_may_swap_their_identifiers() -> None:
    assert written(crm("8", id="seven"), crm("7", id="eight"))[1] == []


@pytest.mark.parametrize(
    ("rows", "pointer", "detail"),
    [
        ((given(id="a"), given(id="a")), "/contacts/1/id", "contact 'a' stands in row 0 already"),
        ((given(id="seven"), crm("7")), "/contacts/1/id", "contact 'seven' stands in row 0 already"),
        ((crm("9"), crm("9")), "/contacts/1/external_id", "'9' of 'crm' stands in row 0 already"),
        ((crm("7", id="a"),), "/contacts/0/external_id", "'7' of 'crm' is contact seven's"),
    ],
)
def test_rows_that_cannot_be_written_together(rows: Sequence[GivenContact], pointer: str, detail: str) -> None:
    assert written(*rows)[1] == [RowFault(pointer, detail)]


IDS = st.sampled_from([None, "seven", "eight", "a", "b"])
OUTSIDE = st.sampled_from([None, "7", "8", "9"])


@hypothesis.given(st.lists(st.tuples(IDS, OUTSIDE), max_size=6))
def test_what_is_written_together_can_stand_together(rows: list[tuple[str | None, str | None]]) -> None:
    """Whatever is not refused leaves every id once, every outside identifier once, and takes none from outsiders."""
    wishes = [given(id=name, source=outside and "crm", external_id=outside) for name, outside in rows]
    sound, faults = checked(wishes, [f"new-{place}" for place in range(len(rows))])
    assert len(sound) + len(faults) == len(rows)
    found, faults = resolved(sound, OWNERS)
    assert len(found) == len(sound)
    if faults:
        return
    after = {owner: pair for pair, owner in OWNERS.items()} | {one.id: one.outside for one in found}
    assert len({one.id for one in found}) == len(found)
    held = [pair for pair in after.values() if pair]
    assert len(held) == len(set(held))
    assert all(one.id == row.contact.id for one, row in zip(found, sound, strict=True) if row.named)


def test_every_row_that_is_wrong_in_itself_is_told() -> None:
    rows, faults = checked([given(), given(id="ok"), crm("7", name="")], ["a", "b", "c"])
    assert [row.contact.id for row in rows] == ["ok"]
    assert faults[0] == RowFault("/contacts/0/id", "an id, or source and external_id, are needed")
    assert [fault.pointer for fault in faults] == ["/contacts/0/id", "/contacts/2/name"]
    told = InvalidRows(faults)
    assert (told.message, told.pointer, told.faults) == (
        "2 rows cannot be taken: an id, or source and external_id, are needed", "/contacts/0/id", faults,
    )  # fmt: skip
