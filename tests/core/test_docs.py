"""The README fits on two screens, and no page of the docs points at something that is gone."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_readme_has_at_most_1200_words():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 1200


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, heading = target.partition("#")
        there = page.parent / path if path else page
        assert there.exists(), f"{page.name} links to {target}"
        if heading:
            titles = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_the_docs_name_is_there(page):
    for name in re.findall(r"python\s-m\sbenchmarks\.([a-z_]+)", page.read_text(encoding="utf-8")):
        module = ROOT / "benchmarks" / name
        assert module.with_suffix(".py").is_file() or (module / "__main__.py").is_file(), name


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "mnist_core/__init__.py"])
def test_every_room_of_the_core_is_named(page):
    """Regression: rooms that came later, or the modules beside them, were missing."""
    told = (ROOT / page).read_text(encoding="utf-8").split("from __future__")[0]
    rooms = [path.parent.name for path in (ROOT / "mnist_core").glob("*/__init__.py")]
    beside = [path.stem for path in (ROOT / "mnist_core").glob("[a-z]*.py")]
    wanted = [*rooms, *(beside if page == "CONTRIBUTING.md" else [])]
    assert not [name for name in wanted if not re.search(rf"\b{name}\b", told)]


def test_the_index_lists_every_page():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert not [page.name for page in PAGES[2:] if page.name != "README.md"
                and f"({page.name})" not in index]  # fmt: skip
