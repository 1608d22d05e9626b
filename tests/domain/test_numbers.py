"""Numbers as people type them, and what they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.numbers import as_dialled_in, parse_dialled
from engine.domain.values import E164
from engine.errors import InvalidValue

TYPED_IN_FRANCE = """
06 12 34 56 78          +33612345678     mobile         FR
06.12.34.56.78          +33612345678     mobile         FR
+33 (0)6 12 34 56 78    +33612345678     mobile         FR
0033 6-12/34.56.78      +33612345678     mobile         FR
01 42 68 53 00          +33142685300     local          FR
09 72 39 00 00          +33972390000     local          FR
0899 12 34 56           +33899123456     premium        FR
0810 12 34 56           +33810123456     shared_cost    FR
0800 12 34 56           +33800123456     toll_free      FR
+44 20 7946 0018        +442079460018    international  GB
+44 7400 123456         +447400123456    international  GB
+262 692 12 34 56       +262692123456    international  RE
+1 900 234 5678         +19002345678     premium        US
+881 612 345 678        +881612345678    satellite      -
+979 123 456 789        +979123456789    premium        -
+808 1234 5678          +80812345678     shared_cost    -
+800 1234 5678          +80012345678     toll_free      -
+870 773 111 632        +870773111632    satellite      -
+882 13 000 000         +88213000000     satellite      -
+883 100 000 000 000    +883100000000000 satellite      -
+878 10 1234567890      +878101234567890 personal       -
0891 12 34 56           +33891123456     premium        FR
0892 12 34 56           +33892123456     premium        FR
0890 12 34 56           +33890123456     premium        FR
0820 12 34 56           +33820123456     shared_cost    FR
0826 12 34 56           +33826123456     shared_cost    FR
0805 12 34 56           +33805123456     toll_free      FR
0806 12 34 56           +33806123456     local          FR
+33 690 12 34 56        +33690123456     unknown        FR
06 90 12 34 56          +590690123456    international  GP
02 62 12 34 56          +262262123456    international  RE
06 39 01 23 45          +262639012345    international  YT
05 96 30 12 34          +596596301234    international  MQ
05 94 12 34 56          +594594123456    international  GF
+590 690 12 34 56       +590690123456    international  GP
+1 876 234 5678         +18762345678     international  JM
001 809 234 5678        +18092345678     international  DO
+1 242 365 1234         +12423651234     international  BS
+44 906 123 4567        +449061234567    premium        GB
+44 70 1234 5678        +447012345678    personal       GB
07 00 12 34 56          +33700123456     unknown        FR
"""


@pytest.mark.parametrize("row", [line for line in TYPED_IN_FRANCE.splitlines() if line])
def test_a_number_typed_in_france(row: str) -> None:
    typed, canonical, klass, country = row[:24].strip(), *row[24:].split()
    dialled = parse_dialled(typed, "FR")
    assert (canonical, klass, canonical[1:]) == (dialled.e164, dialled.klass, dialled.digits)
    assert country == (dialled.country or "-")


@pytest.mark.parametrize(
    ("typed", "country", "klass"),
    [
        ("112", "FR", "emergency"),
        ("1 5", "FR", "emergency"),
        ("911", "US", "emergency"),
        ("118 712", "FR", "premium"),
        ("118 218", "FR", "premium"),
        ("3615", "FR", "premium"),
        ("3949", "FR", "premium"),
        ("3117", "FR", "service"),
        ("611", "FR", "service"),
    ],
)
def test_short_numbers_exist_in_their_country_only(typed: str, country: str, klass: str) -> None:
    dialled = parse_dialled(typed, country)
    assert (klass, country, None, typed.replace(" ", "")) == (
        dialled.klass,
        dialled.country,
        dialled.e164,
        dialled.digits,
    )


@pytest.mark.parametrize(
    ("typed", "klass"),
    [("2000", "internal"), ("2 999", "internal"), ("3615", "premium"), ("3117", "service"), ("112", "emergency")],
)
def test_extensions_of_the_site(typed: str, klass: str) -> None:
    assert parse_dialled(typed, "FR", (2000, 2999)).klass == klass


def test_an_extension_hides_a_service_number_and_never_an_emergency_number() -> None:
    assert parse_dialled("3117", "FR", (3000, 3999)).klass == "internal"
    assert parse_dialled("112", "FR", (100, 199)).klass == "emergency"
    assert parse_dialled("+33612345678", "FR", (100, 199)).klass == "mobile"


def test_the_french_plan_reaches_the_mainland_from_overseas() -> None:
    dialled = parse_dialled("01 42 68 53 00", "RE")
    assert (dialled.klass, dialled.country, dialled.e164) == ("international", "FR", "+33142685300")


def test_blanks_and_hyphens_of_web_pages_are_read() -> None:
    assert parse_dialled("06\u00a012\u202f34\u201156 78", "FR").e164 == "+33612345678"


@pytest.mark.parametrize(
    ("typed", "because"),
    [
        ("", "digits, blanks"),
        ("+", "digits, blanks"),
        ("٠٦١٢٣٤٥٦٧٨", "digits, blanks"),
        ("0612345678&Local/1@default", "digits, blanks"),
        ("0612345678,30,g", "digits, blanks"),
        ("06123\n45678", "digits, blanks"),
        ("0800 FLOWERS", "digits, blanks"),
        ("${SHELL(id)}", "digits, blanks"),
        ("0" * 300, "300 characters"),
        ("01", "too short"),
        ("0", "not a telephone number"),
        ("+33 6 12 34 56 78 90", "too long"),
        ("+999 123 456 78", "not a telephone number"),
        ("+210 123 456 78", "not a telephone number"),
    ],
)
def test_what_no_network_could_take_is_refused_with_the_reason(typed: str, because: str) -> None:
    with pytest.raises(InvalidValue, match=because):
        parse_dialled(typed, "FR")


def test_an_unknown_country_is_refused() -> None:
    with pytest.raises(InvalidValue, match="numbering plan"):
        parse_dialled("0612345678", "ZZ")
    with pytest.raises(InvalidValue, match="numbering plan"):
        as_dialled_in(E164("+33612345678"), "fr")


def test_the_national_form() -> None:
    number = E164("+33612345678")
    there = {country: as_dialled_in(number, country) for country in ("FR", "DE", "US", "BR")}
    assert there == {"FR": "0612345678", "DE": "0033612345678", "US": "01133612345678", "BR": "+33612345678"}


def test_a_number_of_no_country_code_has_no_national_form() -> None:
    with pytest.raises(InvalidValue, match="national form"):
        as_dialled_in(E164("+99912345678"), "FR")


@given(st.text(max_size=60), st.sampled_from(["FR", "US", "BR", "IT"]))
def test_whatever_is_typed_only_ascii_digits_come_out(text: str, country: str) -> None:
    try:
        dialled = parse_dialled(text, country)
    except InvalidValue:
        return
    assert dialled.digits.isascii()
    assert dialled.digits.isdigit()
    assert dialled.e164 in (None, f"+{dialled.digits}")


@given(st.text(alphabet="0123456789+ ().-/\u00a0", max_size=40))
def test_what_comes_out_means_the_same_when_typed_again(text: str) -> None:
    try:
        dialled = parse_dialled(text, "FR")
    except InvalidValue:
        return
    assert dialled == parse_dialled(dialled.e164 or dialled.digits, "FR")
