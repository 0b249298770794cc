"""The generated pages are current, and no page speaks of what is not there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from kvmtui.cli.verbs import VERBS

ROOT = Path(__file__).parent.parent


def test_generated_pages_are_current():
    done = subprocess.run(
        [sys.executable, "-m", "tools.docs", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_names_only_verbs_that_exist():
    for line in (ROOT / "README.md").read_text().splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "kvmtui" and not words[1].startswith("-"):
            assert words[1] in VERBS, line


def test_the_pictures_of_the_readme_are_there():
    for page in (ROOT / "README.md",):
        for name in re.findall(r"\(([^)]*\.svg)\)", page.read_text()):
            assert (ROOT / name).read_text().startswith("<svg"), name
