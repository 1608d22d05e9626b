"""docs/settings.md is what `engine settings example` prints; run as a module, this writes it anew."""

import contextlib
import io
from pathlib import Path

from engine import cli
from tests.docs.tables import DOCS

PAGE = DOCS / "settings.md"
_PAGE = """\
# Settings

A TOML file: the one named by `--config`, else `./standardiste.toml`, else `/etc/standardiste/standardiste.toml`. The
environment wins over the file: `STANDARDISTE_HTTP__PORT=8090` is `port` of `[http]`. Unknown names are refused.
`engine settings show` prints what is in force.

<!-- From engine/settings.py, by: python -m tests.docs.test_settings_page -->

```toml
{example}```
"""


def page() -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        cli.main(["settings", "example"])
    return _PAGE.format(example=printed.getvalue())


def test_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    Path(PAGE).write_text(page(), encoding="utf-8")
