"""Arrows run one way: the core knows no Streamlit, and TensorFlow comes only when needed."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mnist_core

ROOT = Path(__file__).resolve().parents[2]
CORE = sorted((ROOT / "mnist_core").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "mnist_core").rglob("*.py")
    if path.stem[0] != "_"
)
# What subclasses or composes Keras; only a training process, and building a recipe, loads them.
KERAS_MODULES = {
    f"mnist_core.training.{name}"
    for name in (
        "batches",
        "calibration",
        "card",
        "checkpoint",
        "distil",
        "fine_tuning",
        "fit",
        "learning",
        "moments",
        "networks",
        "polish",
        "reporter",
        "stages",
        "tell_apart",
        "widen",
    )
}


def imported_names(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "mnist_core").rglob("*.py")),
    ids=lambda path: str(path.relative_to(ROOT)),
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
    modules = ", ".join(sorted(set(MODULES) - KERAS_MODULES))
    code = f"import sys, {modules}; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False", "False"]


def test_public_names_load_without_tensorflow():
    code = """
import sys
import mnist_core
for name in mnist_core.__all__:
    assert getattr(mnist_core, name) is not None
    assert name in dir(mnist_core)
print("tensorflow" in sys.modules, "keras" in sys.modules)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False", "False"]


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Clasifier'"):
        mnist_core.Clasifier  # noqa: B018 - asking for it is the test
