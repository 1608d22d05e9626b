"""Signatures as the specification has them."""

import base64
from datetime import UTC, datetime

import pytest

from engine.errors import InvalidValue
from engine.webhooks import signing


def test_the_example_of_the_specification() -> None:
    """From the reference implementation's own test."""
    headers = signing.headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        b'{"test": 2432232314}',
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_new_secret_is_long_and_never_the_same() -> None:
    first, second = signing.new_secret(), signing.new_secret()
    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32


def test_what_is_no_secret() -> None:
    with pytest.raises(InvalidValue):
        signing.headers("whsec_?", "x", datetime.now(UTC), b"")
