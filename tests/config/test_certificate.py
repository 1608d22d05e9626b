"""The end of a certificate, as openssl says it, and files that hold none."""

import contextlib
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import certificate
from engine.config.certificate import not_after
from engine.errors import BadFile
from tests.config.pems import UNTIL_2027, UNTIL_2081

END_2027 = datetime(2027, 2, 19, 14, 49, 47, tzinfo=UTC)
END_2081 = datetime(2081, 8, 24, 14, 49, 47, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (UNTIL_2027, END_2027), (UNTIL_2081, END_2081), (UNTIL_2081 + UNTIL_2027, END_2027),
        (f"subject=CN = sip.example\n{UNTIL_2081}\n-----BEGIN PRIVATE KEY-----\nAA==\n", END_2081),
    ],
)  # fmt: skip
def test_a_file_is_good_until_its_first_certificate_ends(tmp_path: Path, text: str, end: datetime) -> None:
    file = tmp_path / "sip.pem"
    file.write_text(text)
    assert end == not_after(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no certificate"),
        ("-----BEGIN PRIVATE KEY-----\nAA==\n", "holds no certificate"),
        (UNTIL_2027.replace("MII", "AII", 1), "cannot be read"),
        (UNTIL_2027[:200], "cannot be read"),
        ("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "cannot be read"),
    ],
)
def test_what_is_no_certificate_is_said(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "sip.pem"
    file.write_text(text)
    with pytest.raises(BadFile, match=said):
        not_after(file)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="No such file"):
        not_after(tmp_path / "none.pem")


@given(st.data())
def test_a_damaged_certificate_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    der = bytearray(ssl.PEM_cert_to_DER_cert(UNTIL_2027))
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError, IndexError):  # what `not_after` makes a BadFile of
        assert certificate._end_of(bytes(der[: data.draw(st.integers(0, len(der)))])).tzinfo is UTC
