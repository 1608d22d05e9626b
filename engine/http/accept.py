"""Choosing what to answer from the Accept and Accept-Language headers (RFC 9110, 12.5)."""

from collections.abc import Iterator, Sequence

from aiohttp import web

from engine.http.problems import HttpRefusal


def _wishes(header: str) -> Iterator[tuple[str, float]]:
    for wish in header.split(","):
        name, *parameters = (part.strip().lower() for part in wish.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        if name:
            yield name, quality


def chosen(request: web.Request, offered: Sequence[str]) -> str:
    """The offered media type the asker likes best; the first on a tie. Raises HttpRefusal `not-acceptable`."""
    wishes = dict(_wishes(",".join(request.headers.getall("Accept", []))))
    if not wishes:
        return offered[0]

    def liking(media: str) -> float:
        return wishes.get(media, wishes.get(f"{media.partition('/')[0]}/*", wishes.get("*/*", 0.0)))

    best = max(offered, key=liking)
    if not liking(best) > 0:
        raise HttpRefusal("not-acceptable", f"This is offered as {' or '.join(offered)}")
    return best


def language(request: web.Request) -> str:
    """`fr` when the asker prefers French to English, else `en`."""
    best = {"fr": 0.0, "en": 0.0}
    for name, quality in _wishes(request.headers.get("Accept-Language", "")):
        short = name.partition("-")[0]
        if short in best:
            best[short] = max(best[short], quality)
    return "fr" if best["fr"] > best["en"] else "en"
