"""The list of licences is that of the versions that are pinned: `make licences` writes it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PINS = re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)


@pytest.mark.parametrize(("name", "version"), PINS)
def test_every_pin_has_its_licence_listed(name, version):
    listed = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    spelt = name.replace("-", "[-_]")  # alike to Python's packagers, as are capitals
    row = re.search(
        rf"^\| {spelt} +\| {re.escape(version)} +\| (.*\S) +\|$",
        listed,
        re.MULTILINE | re.IGNORECASE,
    )
    assert row, f"{name} {version} is missing in docs/licences.md; write it with: make licences"
    assert row[1] != "UNKNOWN"
