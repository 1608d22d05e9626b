"""The doctor before a real Asterisk and a real PostgreSQL."""

import pytest

from engine.commands import doctor
from engine.observe.doctor import examine
from engine.sandbox.sandbox import Sandbox
from engine.sections import Secret
from engine.settings import AriSettings, PostgresSettings, Settings

pytestmark = pytest.mark.live


async def test_all_is_well_in_a_box(box: Sandbox) -> None:
    account = box.asterisk_settings
    settings = Settings(
        ari=AriSettings(
            url=f"http://127.0.0.1:{account.ari_port}", user=account.ari_user, secret=Secret(account.ari_secret)
        ),
        postgres=PostgresSettings(dsn=Secret(box.postgres.dsn)),
    )
    found = dict(await examine(doctor.checks(settings, None)))
    assert (found["Asterisk"].state, found["PostgreSQL"].state) == ("well", "well"), found
