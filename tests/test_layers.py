"""The architecture as a test: a folder imports only what docs/architecture.md allows it to."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "glassgrad"

# folder -> the folders it may import when it is loaded; `errors` is open to all
ALLOWED = {
    "expr": set(),
    "graph": set(),
    "tensor": {"graph"},
    "ops": {"expr", "graph", "tensor"},
    "autodiff": {"expr", "graph", "tensor", "ops", "random"},
    "operators": {"graph", "tensor", "ops", "autodiff"},
    "imported": set(),
    "compiler": {"expr", "graph", "tensor", "ops", "imported"},
    "random": {"graph", "tensor", "ops"},
    "info": set(),
    "io": set(),
    "nn": {"graph", "tensor", "ops", "autodiff", "random"},
    "optim": {"graph", "tensor", "ops", "nn"},
    "data": {"tensor", "io"},
    "train": {"graph", "tensor", "ops", "autodiff", "nn", "optim", "data", "io", "random"},
    "cli": {"tensor", "ops", "nn", "optim", "data", "train", "info", "io", "random"},
}


def imported_folders(path: Path) -> set[str]:
    """The glassgrad folders that a file imports while it is loaded (not inside functions, not for types only)."""
    depth = len(path.relative_to(PACKAGE).parts)
    found = set()
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        for node in ast.walk(statement) if isinstance(statement, ast.Import | ast.ImportFrom) else ():
            if isinstance(node, ast.ImportFrom) and node.level == depth and node.module:
                found.add(node.module.split(".")[0])
            elif isinstance(node, ast.ImportFrom) and node.level == depth:
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("glassgrad"):
                parts = (node.module or "").split(".")
                found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return found - {"errors", "__version__"}


def folder_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


FILES = sorted(path for path in PACKAGE.rglob("*.py") if folder_of(path) in ALLOWED)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path: Path) -> None:
    folder = folder_of(path)
    assert imported_folders(path) <= ALLOWED[folder] | {folder}


def test_every_folder_has_its_place() -> None:
    found = {folder_of(path) for path in PACKAGE.rglob("*.py")}
    assert found - {"__init__", "__main__", "errors"} == set(ALLOWED)


def test_a_forbidden_import_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "expr").mkdir()
    culprit = tmp_path / "expr" / "culprit.py"
    culprit.write_text(
        "from ..tensor import Tensor\nfrom .. import nn\nfrom glassgrad.ops.shape import pad\n"
    )
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    assert imported_folders(culprit) == {"tensor", "nn", "ops"}
