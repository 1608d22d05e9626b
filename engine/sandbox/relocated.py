"""Make programs of an unpacked tree runnable where they are: a small script starts each with its own C library.

The script finds the tree by its own place, so that a tree can be renamed and can have blanks in its path.
"""

from collections.abc import Mapping
from pathlib import Path

_SCRIPT = """\
#!/bin/sh
# Starts {program} with the C library it was unpacked with.
here=$(readlink -f "$0")
tree=${{here%/{script}}}
{exports}exec "$tree/{loader}" --argv0 "$0" --library-path "{libraries}" "$tree/{program}" "$@"
"""


def find_loader(tree: Path) -> Path | None:
    """The dynamic loader of a tree that was unpacked whole."""
    places = ("lib/*-linux-*", "usr/lib/*-linux-*", "usr/lib64", "usr/lib", "lib64", "lib")
    found = (file for place in places for file in sorted(tree.glob(f"{place}/ld-linux*.so*")))
    return next((file for file in found if file.resolve().is_relative_to(tree.resolve())), None)  # not the machine's


def wrap(tree: Path, program: str, script: str, environment: Mapping[str, str] | None = None) -> None:
    """Write `script` (a path in the tree), which runs `program` (another); `$tree` may stand in the environment."""
    loader = find_loader(tree)
    if loader is None:
        return  # not a whole tree: the machine's own C library serves
    exports = "".join(f'export {name}="{value}"\n' for name, value in (environment or {}).items())
    found = [*tree.glob("usr/lib/*-linux-*"), *tree.glob("lib/*-linux-*")]
    libraries = ":".join(f"$tree/{d.relative_to(tree)}" for d in (*found, *_nested(found)))
    file = tree / script
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        _SCRIPT.format(
            program=program,
            script=script,
            exports=exports,
            loader=loader.relative_to(tree),
            libraries=libraries,
        )
    )
    file.chmod(0o755)


def _nested(libraries: list[Path]) -> list[Path]:
    """Libraries that their packages keep in a directory of their own."""
    return [found for d in libraries for name in ("pulseaudio", "blas", "lapack") if (found := d / name).is_dir()]


def wrap_in_place(tree: Path, program: str) -> None:
    """Put a script where the program is (which moves beside it): for programs that look for each other."""
    real = tree / f"{program}.real"
    (tree / program).rename(real)
    wrap(tree, f"{program}.real", program)
