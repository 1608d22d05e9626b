"""Asterisk's manager interface as the settings say: our account there, and the connection."""

from engine import secret_file
from engine.ami.connection import AmiConnection, AmiSettings
from engine.config.asterisk import Ami
from engine.settings import Settings


def manager_account(settings: Settings) -> Ami | None:
    """The account that manager.conf gives us; its password is the one set, else the one kept in the state directory,
    made at the first start. None: the interface is not spoken to."""
    ami = settings.ami
    if not ami.enabled:
        return None
    kept = ami.secret.get_secret_value() if ami.secret else secret_file.read_or_make(settings.ami_secret_path)
    return Ami(port=ami.port, user=ami.user, secret=kept)


def manager_connection(settings: Settings) -> AmiConnection | None:
    """Not open yet: whoever owns it runs it."""
    account = manager_account(settings)
    if account is None:
        return None
    return AmiConnection(AmiSettings(port=account.port, user=account.user, secret=account.secret))
