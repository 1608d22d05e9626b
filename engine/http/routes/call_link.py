"""`GET /CALL&user&extension&number`: click-to-call as a link in a page, for applications that know nothing newer.

Off unless the settings name addresses that may use it. A page of another site must not dial by showing an image, and a
browser must not by looking ahead: what says that no person followed the link places no call.
"""

from html import escape

from aiohttp import web

from engine.errors import StandardisteError
from engine.http import json_text, problems
from engine.http.accept import language
from engine.http.problems import HttpRefusal
from engine.http.routing import Answer, Asked, Route

_PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p>{text}</p></body></html>
"""
_PLACED = {
    "en": ("Call placed", "Your telephone rings first, then {number} is called."),
    "fr": ("Appel lancé", "Votre téléphone sonne d'abord, puis le {number} est appelé."),
}
_NOT_PLACED = {"en": "The call was not placed", "fr": "L'appel n'a pas été lancé"}
_FRENCH = {
    "unknown-agent": "Aucun agent ne porte cet identifiant à ce poste.",
    "agent-disabled": "Le compte de l'agent est désactivé.",
    "agent-busy": "L'agent est déjà en ligne : attendez la fin de son appel.",
    "no-phone-registered": "Aucun téléphone de l'agent n'est connecté : ouvrez le softphone.",
    "number-not-dialable": "Ce numéro n'est pas composable : corrigez-le.",
    "destination": "L'agent n'a pas le droit d'appeler ce genre de numéro.",
    "limit": "Une limite contre la fraude est atteinte : voyez votre administrateur.",
    "credit": "Le contrôle de crédit n'a pas accepté l'appel.",
    "trunk-full": "Toutes les lignes sont occupées : réessayez dans un instant.",
    "calls-per-minute": "Trop d'appels en une minute : réessayez dans un instant.",
    "rate-limited": "Trop d'appels en peu de temps : réessayez dans un instant.",
    "link-not-followed": "Seul un lien suivi par une personne lance un appel : ouvrez le lien lui-même.",
}
_FRENCH_ELSE = "Le standard ne peut pas passer cet appel maintenant."


async def call(asked: Asked) -> web.Response:
    links, address = asked.services.call_links, asked.request.remote or ""
    if links is None or not address or not links.let_in(address):
        raise HttpRefusal("not-found", "No such address")
    if asked.request.method != "GET":  # HEAD asks what would be answered, and must not dial
        raise HttpRefusal("method-not-allowed", "Only GET is possible here", headers={"Allow": "GET"})
    parts = [asked.request.match_info[name] for name in ("user", "extension", "dialled")]
    try:
        asked.services.pace.take(f"link:{address}")
        _check_followed(asked.request)
        json_text.check_texts(parts)
        accepted = await links.place(parts[0], parts[1], parts[2], address)
    except StandardisteError as refused:
        return _refused(asked.request, refused)
    title, text = _PLACED[language(asked.request)]
    page = _page(asked.request, 202, title, text.format(number=parts[2]))
    page.headers["Location"] = f"/v1/calls/{accepted.id}"
    return page


def _check_followed(request: web.Request) -> None:
    """Browsers say for what they fetch (Fetch Metadata, W3C); programs that say nothing are no browsers."""
    ahead = "prefetch" in (request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")).lower()
    if ahead or request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        raise HttpRefusal("link-not-followed", "No person followed the link")


def _refused(request: web.Request, refused: StandardisteError) -> web.Response:
    problem, headers = problems.problem_of(refused, "")
    if problem.code == "internal":
        raise refused
    code = problem.code
    french = _FRENCH.get(code) or _FRENCH.get(code.partition("-")[0], _FRENCH_ELSE)
    words = {"en": f"{problem.detail}. {problem.what_next}", "fr": f"{french} ({code})"}
    page = _page(request, problem.status, _NOT_PLACED[language(request)], words[language(request)])
    page.headers.update(headers)
    return page


def _page(request: web.Request, status: int, title: str, text: str) -> web.Response:
    body = _PAGE.format(lang=language(request), title=escape(title), text=escape(text))
    return web.Response(text=body, status=status, content_type="text/html", headers={"Vary": "Accept-Language"})


_HTML = ("text/html",)
_REFUSED = {
    403: "The agent, the number or a limit forbids it",
    404: "No such agent, or no links are taken from here",
    409: "The agent is in a call, or has no telephone",
    422: "Not a number",
    429: "Too many",
    503: "Not now",
}

ROUTES = (
    Route(
        method="GET",
        path="/CALL&{user}&{extension}&{dialled}",
        operation="callByLink",
        tag="calls",
        summary="Connect an agent to a customer, by a link and without a token",
        summary_fr="Relier un agent à un client, par un lien et sans jeton",
        description="Off unless `[http] call_links` names the asker's address. `user` is an agent's id, `extension` "
        "that agent's. The same rights, limits and records as POST /v1/calls; answers a page in French or English.",
        description_fr="Désactivé tant que `[http] call_links` ne nomme pas l'adresse du demandeur. `user` est "
        "l'identifiant d'un agent, `extension` son poste. Mêmes droits, limites et enregistrements que POST "
        "/v1/calls ; répond par une page en français ou en anglais.",
        handle=call,
        answers=(
            Answer(status=202, what="The agent is rung", media=_HTML, headers={"Location": "Where to look at it"}),
            *(Answer(status=status, what=what, media=_HTML) for status, what in _REFUSED.items()),
        ),
        problems=("not-found", "method-not-allowed", "link-not-followed"),
    ),
)
