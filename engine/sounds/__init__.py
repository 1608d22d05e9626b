"""What agents and callers hear: short spoken prompts in French and English, and a soft tone for waiting.

The texts are in `texts.toml`, the recordings beside it (8 kHz, 16 bit, mono WAV), made by `engine.sounds.render`.
"""

from pathlib import Path
from typing import Literal, get_args

from engine.domain.directory import Language as Language

Prompt = Literal[
    "press-one",
    "connecting",
    "customer-busy",
    "customer-no-answer",
    "customer-invalid",
    "customer-rejected",
    "customer-unreachable",
    "congestion",
    "no-key",
    "ends-soon",
    "all-busy",
    "nobody-answers",
    "call-ended",
    "service-unavailable",
    "not-permitted",
    "please-wait",
    "leave-message",
    "enter-number",
    "call-you-back-at",
    "confirm-number",
]

LANGUAGES: tuple[Language, ...] = get_args(Language)
PROMPTS: tuple[Prompt, ...] = get_args(Prompt)
MOST_UPLOAD_BYTES = 30 * 1024 * 1024
"""Of a recording somebody uploads: five minutes of 16 bit, 44.1 kHz, mono are 26 MB."""
FOLDER = Path(__file__).resolve().parent


def prompt(name: Prompt, language: Language, folder: Path = FOLDER) -> Path:
    """The recording of a prompt as Asterisk wants it in `sound:<path>`: absolute, without extension.

    `folder` is where the recordings are from Asterisk's point of view, when that is not this package.
    """
    return folder / language / name


def comfort(folder: Path = FOLDER) -> Path:
    """Two seconds of a quiet double beep each second, for an agent who waits; absolute, without extension."""
    return folder / "comfort"


def lead(folder: Path = FOLDER) -> Path:
    """Four tenths of a second of silence, absolute, without extension: what is sent before the far end has opened its
    way for the voice is lost, and it shall not be the first word."""
    return folder / "lead"


def playable(spare: Path, folder: Path = FOLDER) -> Path:
    """`folder`, or a link to it made in `spare` when its path has a comma, which ARI takes for the end of a sound.

    Every other character of a path, blanks included, is fine. `spare` is a directory of ours that Asterisk can read.
    """
    if "," not in str(folder):
        return folder
    link = spare / "sounds"
    if not link.is_symlink() or link.readlink() != folder:
        link.unlink(missing_ok=True)
        link.symlink_to(folder)
    return link
