"""`engine asterisk beside`: the settings, an administrator's directory and the machine's Asterisk put together."""

import os
import stat
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from engine import secret_file
from engine.app.control import asterisk_settings
from engine.config import beside, beside_files
from engine.config.asterisk import Ami, AsteriskSettings
from engine.config.beside import Plan, Remark
from engine.config.beside_files import Changes, Owner
from engine.errors import BadFile
from engine.sandbox.asterisk import MINIMUM, AsteriskInstall
from engine.sections import Secret
from engine.settings import Settings

NOT_YET = "the-secret-is-made-when-the-plan-is-carried-out"


class Wanted(msgspec.Struct, frozen=True):
    """A plan, and what of it is not there yet."""

    plan: Plan
    changes: Changes


def is_own(etc: Path) -> bool:
    """Whether the files are those of the engine's own Asterisk."""
    return beside.is_own(etc)


def is_beside(etc: Path) -> bool:
    """Whether the engine was put beside the Asterisk of these files."""
    return (etc / beside.FACTS).exists()


def unreadable(etc: Path) -> str | None:
    """A file that this account may not read."""
    return next((str(file) for file in sorted(etc.glob("*.conf")) if not os.access(file, os.R_OK)), None)


def look(settings: Settings, *, asterisk: Path | None, owner: Owner | None = None) -> Wanted:
    """What is to be done beside the Asterisk of `[asterisk] config_dir`; changes nothing.

    `asterisk`: its program, where it is not the machine's own. `owner`: whose the secrets are to be that are not there
    yet; without, none is made.
    """
    etc = _directory(settings)
    planned = beside.plan(etc, _its_settings(settings, owner), _ari_host(settings))
    old = _too_old(asterisk)
    planned = msgspec.structs.replace(
        planned,
        conflicts=(*old, *planned.conflicts),
        notes=(*planned.notes, *_who_reads(etc), *_hangup_log(settings)),
    )
    return Wanted(planned, beside_files.changes(etc, planned))


def carry_out(settings: Settings, *, asterisk: Path | None) -> Wanted:
    """Do it, unless something stands in the way: then nothing is done. Makes the secrets there are not."""
    found = look(settings, asterisk=asterisk)
    if found.plan.conflicts:
        return found
    _check_writable(settings)
    owner = _owner(settings)
    found = look(settings, asterisk=asterisk, owner=owner)
    beside_files.apply(_directory(settings), found.plan, owner)
    return found


def take_away(settings: Settings) -> tuple[str, ...]:
    """Undo it; returns what was changed."""
    _check_writable(settings)
    return beside_files.remove(_directory(settings))


def _directory(settings: Settings) -> Path:
    etc = settings.asterisk.config_dir.absolute()
    if not etc.is_dir():
        raise BadFile(
            f"{etc} is not there", what_next="Set [asterisk] config_dir to the directory of Asterisk's files."
        )
    return etc


def _check_writable(settings: Settings) -> None:
    closed = beside_files.unwritable(_directory(settings))
    if closed is not None:
        raise BadFile(
            f"{closed} cannot be written by this account, so nothing was changed",
            what_next="Do it as root, or as the account that owns Asterisk's files.",
        )


def _its_settings(settings: Settings, owner: Owner | None) -> AsteriskSettings:
    ami = settings.ami
    return msgspec.structs.replace(
        asterisk_settings(settings, _secret(settings.ari.secret, settings.ari_secret_path, owner)),
        ari_port=urlsplit(settings.ari.url).port or 8088,
        ari_user=settings.ari.user,
        ami=Ami(port=ami.port, user=ami.user, secret=_secret(ami.secret, settings.ami_secret_path, owner))
        if ami.enabled
        else None,
    )


def _ari_host(settings: Settings) -> str:
    host = urlsplit(settings.ari.url).hostname or "127.0.0.1"
    return "127.0.0.1" if host == "localhost" else host


def _secret(given: Secret | None, kept: Path, owner: Owner | None) -> str:
    """The password that is set, or kept; one that is neither is made for this owner, a placeholder without one."""
    if given is not None:
        return given.get_secret_value()
    if owner is None and not kept.exists():
        return NOT_YET
    made = not kept.exists()
    secret = secret_file.read_or_make(kept)
    if made and owner is not None and os.geteuid() == 0:
        os.chown(kept, owner.uid, -1)
        secret_file.read(kept)
    return secret


def _owner(settings: Settings) -> Owner:
    """The engine's account writes (for root: whose the state directory is), the group of the directory reads."""
    group = settings.asterisk.config_dir.stat().st_gid
    if os.geteuid() != 0:
        return Owner(os.geteuid(), group)
    if not settings.state_dir.is_dir():
        raise BadFile(
            f"{settings.state_dir} is not there, so root cannot know which account the engine runs as",
            what_next=f"install -d -m 700 -o ACCOUNT {settings.state_dir}",
        )
    return Owner(settings.state_dir.stat().st_uid, group)


def _too_old(asterisk: Path | None) -> tuple[Remark, ...]:
    found = AsteriskInstall.find(asterisk)
    least = ".".join(map(str, MINIMUM))
    if found is None:
        if asterisk is None:
            return ()  # it may run elsewhere, in a container say; the doctor asks it once it runs
        return (Remark(str(asterisk), "no Asterisk", f"{least} or newer is needed", "name its program"),)
    if found.version >= MINIMUM:
        return ()
    told = ".".join(map(str, found.version))
    why = "older ones lack security fixes, hang-up causes and bridge variables"
    return (Remark("Asterisk", f"{told}, {least} or newer is needed", why, "upgrade it, or --asterisk PATH"),)


def _who_reads(etc: Path) -> list[Remark]:
    if stat.S_IMODE(etc.stat().st_mode) & 0o050:
        return []
    return [Remark(str(etc), "closed to its group", "Asterisk and the engine must run as one account then")]


def _hangup_log(settings: Settings) -> list[Remark]:
    path = settings.asterisk.cel_path
    if path.parent.is_dir():
        return []
    why = "Asterisk writes how calls end there, and says nothing when it cannot"
    return [Remark(str(path.parent), "not there", why, "make it, for Asterisk's account; or set [asterisk] cel_path")]
