"""The doctor before a real Asterisk and a real PostgreSQL."""

import pytest
from pydantic import SecretStr

from engine.commands import doctor
from engine.observe.doctor import examine
from engine.sandbox.sandbox import Sandbox
from engine.settings import Settings

pytestmark = pytest.mark.live


async def test_all_is_well_in_a_box(box: Sandbox) -> None:
    ari = {"url": f"http://127.0.0.1:{box.asterisk_settings.ari_port}", "user": box.asterisk_settings.ari_user}
    base = Settings()
    settings = base.model_copy(
        update={
            "ari": base.ari.model_copy(update={**ari, "secret": SecretStr(box.asterisk_settings.ari_secret)}),
            "postgres": base.postgres.model_copy(update={"dsn": SecretStr(box.postgres.dsn)}),
        }
    )
    found = dict(await examine(doctor.checks(settings, None)))
    assert (found["Asterisk"].state, found["PostgreSQL"].state) == ("well", "well"), found
