"""Arrows run one way: the core knows no Streamlit, and TensorFlow comes only when needed."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "pages").rglob("*.py"))
MODULES = sorted(path.stem for path in (ROOT / "mnist_core").glob("*.py") if path.stem[0] != "_")


def imported_names(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize(
    "path", sorted((ROOT / "mnist_core").glob("*.py")), ids=lambda path: path.stem
)
def test_the_core_never_imports_streamlit(path):
    assert "streamlit" not in imported_names(path)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_import_neither_tensorflow_nor_each_other(path):
    """They share what is in pages/__init__.py, and each may have parts in pages/parts."""
    assert not imported_names(path) & {"tensorflow", "keras"}
    own = re.findall(r"^(?:from|import) pages\b.*", path.read_text(encoding="utf-8"), re.MULTILINE)
    others = [line for line in own if not re.match(r"from pages(\.parts\b\S*)? import ", line)]
    assert not others


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_takes_nothing_from_another_page_by_its_name(path):
    pages = {page.stem for page in (ROOT / "pages").glob("*.py")} - {"__init__"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "pages":
            assert not {alias.name for alias in node.names} & pages


def test_importing_the_core_does_not_import_tensorflow():
    # batches.py subclasses Keras's PyDataset; only the training process imports it.
    modules = ", ".join(f"mnist_core.{name}" for name in MODULES if name != "batches")
    code = f"import sys, {modules}; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False", "False"]
