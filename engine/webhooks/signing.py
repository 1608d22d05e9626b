"""Standard Webhooks signatures (specification 1.0, www.standardwebhooks.com): HMAC-SHA256 over id, time and body."""

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import datetime

from engine.errors import InvalidValue

PREFIX = "whsec_"
KEY_BYTES = 32  # the specification asks for 24 to 64


def new_secret() -> str:
    """A secret to be shown once."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def headers(secret: str, event_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of one try. `event_id` is the same in every try: receivers know a repetition by it."""
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{_signature(secret, event_id, timestamp, body)}",
    }


def _signature(secret: str, event_id: str, timestamp: str, body: bytes) -> str:
    signed = b"%s.%s.%s" % (event_id.encode(), timestamp.encode(), body)
    return base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as wrong:
        raise InvalidValue("this is no webhook secret: whsec_ and base64 expected") from wrong
