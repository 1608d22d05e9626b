"""When an X.509 certificate ends: enough of DER to find one date (RFC 5280, 4.1).

    Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version?, serial, algorithm, issuer, validity ... } ... }
    validity    ::= SEQUENCE { notBefore Time, notAfter Time }

Python's ssl reads certificates only of peers it is connected to, and nothing else here needs a library for them.
"""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import BadFile

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
_BEFORE_VALIDITY = 3  # serial number, algorithm, issuer
_CENTURY_OF_UTC_TIME = 50  # years below it are 20xx (RFC 5280, 4.1.2.5.1)
_LARGEST = 1_000_000  # bytes of a file that is taken for certificates


def not_after(path: Path) -> datetime:
    """When the first of the file's certificates ends, UTC: a chain is worth as much as its shortest link.

    Raises BadFile for a file that cannot be read or holds no certificate.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST).decode("ascii", "replace")
    except OSError as unreadable:
        raise BadFile(f"{path} cannot be read: {unreadable.strerror}") from unreadable
    try:
        ends = [_end_of(ssl.PEM_cert_to_DER_cert(pem)) for pem in _each(text)]
    except (ValueError, IndexError) as wrong:
        raise BadFile(f"{path} holds a certificate that cannot be read") from wrong
    if not ends:
        raise BadFile(f"{path} holds no certificate")
    return min(ends)


def _each(text: str) -> Iterator[str]:
    for part in text.split(_BEGIN)[1:]:
        yield f"{_BEGIN}{part.partition(_END)[0]}{_END}\n"


def _end_of(der: bytes) -> datetime:
    certificate = _content(der, 0, _SEQUENCE)
    fields = _content(certificate, 0, _SEQUENCE)
    at = _behind(fields, 0) if fields[0] == _VERSION else 0
    for _ in range(_BEFORE_VALIDITY):
        at = _behind(fields, at)
    validity = _content(fields, at, _SEQUENCE)
    end = _behind(validity, 0)
    return _moment(validity[end], _content(validity, end, validity[end]).decode("ascii"))


def _moment(tag: int, text: str) -> datetime:
    if tag == _UTC_TIME:
        text = ("20" if int(text[:2]) < _CENTURY_OF_UTC_TIME else "19") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError(f"no time has the tag {tag:#x}")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _content(data: bytes, at: int, tag: int) -> bytes:
    if data[at] != tag:
        raise ValueError(f"{data[at]:#x} where {tag:#x} belongs")
    start, length = _extent(data, at)
    if start + length > len(data):
        raise ValueError("cut off")
    return data[start : start + length]


def _behind(data: bytes, at: int) -> int:
    start, length = _extent(data, at)
    return start + length


def _extent(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at `at` starts, and its length (X.690, 8.1.3)."""
    first = data[at + 1]
    if first < 0x80:
        return at + 2, first
    size = first & 0x7F
    return at + 2 + size, int.from_bytes(data[at + 2 : at + 2 + size], "big")
