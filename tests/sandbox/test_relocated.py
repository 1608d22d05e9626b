"""Programs of an unpacked tree run from wherever the tree is."""

import shutil
import subprocess
from pathlib import Path

import pytest

from engine.sandbox.relocated import find_loader, wrap, wrap_in_place


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A whole tree with one program, made of this machine's own `env`."""
    program = Path(shutil.which("env") or "/usr/bin/env")
    used = [line.split("=>")[-1].split()[0] for line in _ldd(program) if "/" in line]
    tree = tmp_path / "a tree"
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/lib/any-linux-gnu").mkdir(parents=True)
    shutil.copy(program, tree / "usr/bin/env")
    for library in used:
        shutil.copy(library, tree / "usr/lib/any-linux-gnu")
    return tree


def _ldd(program: Path) -> list[str]:
    return subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_wrapped_program_runs_with_its_environment(tree: Path) -> None:
    wrap(tree, "usr/bin/env", "bin/env", {"PLACE": "$tree/share"})
    printed = subprocess.run([tree / "bin/env"], capture_output=True, text=True, check=True).stdout
    assert f"PLACE={tree}/share" in printed.splitlines()


def test_a_tree_may_be_renamed(tree: Path) -> None:
    wrap_in_place(tree, "usr/bin/env")
    elsewhere = tree.rename(tree.with_name("else where"))
    assert subprocess.run([elsewhere / "usr/bin/env", "true"], check=True).returncode == 0


def test_a_loader_that_is_the_machines_own_is_not_taken(tree: Path) -> None:
    loader = find_loader(tree)
    assert loader is not None
    loader.unlink()
    (tree / "lib64").mkdir()
    (tree / "lib64" / loader.name).symlink_to(f"/lib64/{loader.name}")
    assert find_loader(tree) is None
