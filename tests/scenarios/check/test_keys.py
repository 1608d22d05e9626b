"""What words say about keys, in both languages."""

import pytest

from engine.scenarios.check.keys import announced


@pytest.mark.parametrize(
    ("language", "text", "keys"),
    [
        ("fr", "Pour les ventes, tapez 1.", ["1"]),
        ("fr", "Appuyez sur la touche 2 ou 3", ["2", "3"]),
        ("fr", "TAPEZ LE UN, puis faites le deux", ["1", "2"]),
        ("fr", "tapez 1, 2, 3 ou le 4", ["1", "2", "3", "4"]),
        ("fr", "Appuyez sur étoile, ou appuyez sur dièse", ["*", "#"]),
        ("fr", "Tapez 33 pour la Gironde", ["33"]),
        ("fr", "Votre numéro de dossier a 8 chiffres", []),
        ("fr", "Tapez 12345678 caractères", []),
        ("fr", "tapez une phrase", []),
        ("fr", "Faites un choix. Pour les ventes, tapez deux pour finir", ["2"]),
        ("fr", "Tapez un chiffre, ou tapez 2 fois sur étoile", []),
        ("fr", "En cas d'urgence, composez le 15 ou le 01 42 68 53 00. Sinon, tapez 3.", ["3"]),
        ("fr", "Tapez zéro à tout moment", ["0"]),
        ("en", "Press one of these keys: press two", ["2"]),
        ("en", "In an emergency, hang up and dial 911. Press one.", ["1"]),
        ("en", "Dial five digits", []),
        ("en", "For sales, press 1; for support, press two.", ["1", "2"]),
        ("en", "Press the star key, or the pound key", ["*"]),
        ("en", "Press 1, 2, or 3", ["1", "2", "3"]),
        ("en", "Press hash or #", ["#", "#"]),
        ("en", "press oneself", []),
        ("en", "We have 3 offices", []),
    ],
)
def test_keys_that_words_ask_for(language: str, text: str, keys: list[str]) -> None:
    assert announced(text, language) == keys
