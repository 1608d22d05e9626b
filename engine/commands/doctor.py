"""`engine doctor`: looks at what the engine stands on, says what it saw and how to mend what is ill."""

import argparse
import asyncio
import base64
import os
import re
import shutil
import sys
from asyncio import to_thread
from datetime import UTC, datetime
from pathlib import Path

from engine.commands import Subparsers, command, settings_of
from engine.observe.doctor import Check, Finding, care, examine, ill, report, well
from engine.secret_file import read
from engine.settings import Settings, config_file

ASTERISK_LEAST = (22, 10, 1)  # security fixes, causes and bridge variables the engine relies on
_TEACH = """\
Exit code 0 when nothing is ill, 1 otherwise. It changes nothing.
"""


def register(subparsers: Subparsers) -> None:
    command(
        subparsers, "doctor", run, summary="look at what the engine stands on, and say how to mend it", teach=_TEACH
    )


def run(asked: argparse.Namespace) -> int:
    settings = settings_of(asked)
    findings = asyncio.run(examine(checks(settings, config_file(asked.config))))
    print(report(findings))
    return 1 if any(finding.state == "ill" for _, finding in findings) else 0


def checks(settings: Settings, file: Path | None) -> list[Check]:
    """Everything that is looked at, in the order a person would mend it."""
    return [
        Check("Python", lambda: to_thread(_python)),
        Check("settings", lambda: to_thread(_settings, file)),
        Check("state directory", lambda: to_thread(_state_dir, settings.state_dir)),
        Check("disk", lambda: to_thread(_disk, settings)),
        Check("API address", lambda: to_thread(_address, settings)),
        Check("Asterisk", lambda: _asterisk(settings)),
        Check("certificates", lambda: to_thread(_certificates, settings)),
        Check("Asterisk's files", lambda: to_thread(asterisk_files, settings)),
        Check("hang-up log", lambda: to_thread(_hangups, settings.asterisk.cel_path)),
        Check("PostgreSQL", lambda: _postgres(settings)),
        Check("engine", lambda: _engine(settings)),
    ]


def _python() -> Finding:
    return well(f"{sys.version.split()[0]} at {sys.executable}")


def _settings(file: Path | None) -> Finding:
    if file is None:
        return well("no file: defaults and the environment")
    if file.stat().st_mode & 0o004:
        return care(f"{file}, which everybody can read", f"It may hold secrets: chmod 640 {file}")
    return well(str(file))


def _nearest(path: Path) -> Path:
    """The path, or the first directory above it that exists."""
    return next(place for place in (path, *path.absolute().parents) if place.exists())


def _state_dir(path: Path) -> Finding:
    if not path.exists():
        if os.access(_nearest(path), os.W_OK):
            return well(f"{path}, made at first start")
        return ill(f"{path} is not there and cannot be made", f"mkdir -m 700 -p {path} && chown USER {path}")
    if not path.is_dir():
        return ill(f"{path} is a file, not a directory", "Name another as state_dir, or move the file away.")
    if not os.access(path, os.W_OK | os.X_OK):
        return ill(f"{path} cannot be written by this user", f"chown USER {path}")
    if path.stat().st_mode & 0o077:
        return care(f"{path} is open to others", f"chmod 700 {path}")
    return well(str(path))


def _disk(settings: Settings) -> Finding:
    place = _nearest(settings.journal_path.parent)
    free_mb = shutil.disk_usage(place).free // 2**20
    needed_mb = settings.journal.ballast_mb * 2
    if free_mb < needed_mb:
        return ill(f"{free_mb} MB free at {place}", f"Free at least {needed_mb} MB: the journal reserves half of it.")
    return well(f"{free_mb} MB free at {place}")


def _address(settings: Settings) -> Finding:
    where = f"{settings.http.host}:{settings.http.port}"
    if settings.listens_beyond_loopback:
        return care(f"{where}, reachable by other machines without TLS", "Listen on 127.0.0.1 behind a TLS proxy.")
    return well(f"{where}, this machine only")


async def _asterisk(settings: Settings) -> Finding:
    import aiohttp  # heavy, and not needed for --help

    given = settings.ari.secret
    if given is None and not settings.ari_secret_path.exists():
        return care("no secret yet", "engine run makes one and writes it into ari.conf.")
    secret = given.get_secret_value() if given else read(settings.ari_secret_path)
    basic = base64.b64encode(f"{settings.ari.user}:{secret}".encode()).decode()
    session = aiohttp.ClientSession(headers={"Authorization": f"Basic {basic}"})
    url = settings.ari.url
    try:
        async with session as client, client.get(f"{url}/ari/asterisk/info") as answer:
            if answer.status in (401, 403):
                return ill(f"{url} refuses user {settings.ari.user}", "Give ari.conf and [ari] the same secret.")
            if answer.status != 200:
                return ill(f"{url} answers {answer.status}", "Enable http.conf and ari.conf, load res_ari.")
            version = str((await answer.json())["system"]["version"])
    except aiohttp.ClientConnectionError as away:
        return ill(f"{url}: {away}", "Start Asterisk, and enable http.conf.")
    except (aiohttp.ClientError, ValueError, KeyError, TypeError):
        return ill(f"{url} is no Asterisk", "Correct [ari] url.")
    return _new_enough(version, url)


def _new_enough(version: str, url: str) -> Finding:
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    numbers = tuple(map(int, found.groups())) if found else (0, 0, 0)
    least = ".".join(map(str, ASTERISK_LEAST))
    if numbers < ASTERISK_LEAST:
        return ill(
            f"Asterisk {version}", f"Install {least} or newer: older ones lack security fixes and hang-up causes."
        )
    return well(f"Asterisk {version} at {url}")


def _certificates(settings: Settings) -> Finding:
    from engine.app.certificates import named, state  # heavy, and not needed for --help

    now = datetime.now(UTC)
    files = named(settings.asterisk)
    seen = [(use, *state(use, path, now)) for use, path in files.items()]
    if not seen:
        return well("none: SIP is not encrypted here")
    if any(end <= now if end else not path.exists() for path, (_, end, _) in zip(files.values(), seen, strict=True)):
        return ill(
            "; ".join(why for _, _, why in seen if why), "Renew it, name it in tls_certificate, reload Asterisk."
        )
    if any(why for _, _, why in seen):
        return care("; ".join(why for _, _, why in seen if why), "Renew it in time, and reload Asterisk.")
    return well(", ".join(f"{use} until {end:%Y-%m-%d}" for use, end, _ in seen))


def asterisk_files(settings: Settings) -> Finding:
    """The engine's own Asterisk, or one that it was put beside: whether what it needs is still there."""
    from engine.app import beside

    etc = settings.asterisk.config_dir
    if not etc.is_dir():
        return care(f"{etc} is not there", "engine asterisk, or engine asterisk beside")
    if beside.is_own(etc):
        return well(f"{etc}: of the engine's own Asterisk")
    if not beside.is_beside(etc):
        return care(f"{etc} has nothing of the engine's", "engine asterisk beside")
    return _beside(settings, etc)


def _beside(settings: Settings, etc: Path) -> Finding:
    from engine.app import beside

    if closed := beside.unreadable(etc):
        return care(f"{closed} cannot be read by this user, so it was not looked at", "Look again as root.")
    found = beside.look(settings, asterisk=None)
    if found.plan.conflicts:
        return ill("; ".join(map(str, found.plan.conflicts)), "engine asterisk beside shows all of it.")
    if found.changes:
        names = (*found.changes.files, *found.changes.lines, *found.changes.superfluous)
        return care(f"{', '.join(names)}: not as the engine needs it", "engine asterisk beside --apply")
    return well(f"{etc}: beside an administrator's")


def _hangups(path: Path) -> Finding:
    """Asterisk's own log of hang-ups; it writes nothing, and says nothing, while the directory is missing."""
    if not path.parent.is_dir():
        return care(
            f"{path.parent} is not there: causes of calls that end while the engine is away stay unknown",
            f"mkdir -p {path.parent} && chown asterisk: {path.parent}",
        )
    if path.exists() and not os.access(path, os.R_OK):
        return ill(f"{path} cannot be read by this user", f"Let the engine's user read {path}.")
    return well(f"{path}{'' if path.exists() else ', not written yet'}")


async def _postgres(settings: Settings) -> Finding:
    if settings.postgres.dsn is None:
        return well("private one, started by the engine")
    import asyncpg  # heavy, and not needed for --help

    from engine.store.migrate import migrations

    try:
        connection = await asyncpg.connect(settings.postgres.dsn.get_secret_value(), timeout=5)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as wrong:
        return ill(str(wrong), "Correct [postgres] dsn, or leave it out for a private one.")
    try:
        version = connection.get_server_version()
        made = await connection.fetchval("SELECT to_regclass('schema_migrations')", timeout=5)
        schema = await connection.fetchval("SELECT count(*) FROM schema_migrations", timeout=5) if made else 0
    finally:
        await connection.close(timeout=5)
    if schema > (known := len(migrations())):
        return ill(
            f"schema {schema}, this engine knows {known}", "Install the engine version that made it, or a newer one."
        )
    return well(f"PostgreSQL {version.major}.{version.minor}")


async def _engine(settings: Settings) -> Finding:
    import aiohttp  # heavy, and not needed for --help

    url = f"http://{settings.http.host}:{settings.http.port}/readyz"
    try:
        async with aiohttp.ClientSession() as client, client.get(url) as answer:
            parts = (await answer.json(content_type="application/json"))["parts"]
    except aiohttp.ClientConnectionError:
        return care("not running", "engine run")
    except (aiohttp.ContentTypeError, ValueError, KeyError, TypeError):
        return ill(f"{url} is somebody else's", "Choose another [http] port.")
    away = [f"{name}: {part['why'] or 'not well'}" for name, part in parts.items() if not part["ok"]]
    return ill("; ".join(away), "See the checks above, and the engine's log.") if away else well("running and ready")
