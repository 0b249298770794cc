"""The generated pages are current, and no page speaks of what is not there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from kvmtui.cli.verbs import VERBS
from tools.drawn_glyphs import with_shapes

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
    for page in (ROOT / "README.md", ROOT / "docs" / "interface.md"):
        for name in re.findall(r"\(([^)]*\.svg)\)", page.read_text()):
            assert (page.parent / name).read_text().startswith("<svg"), name


def test_pictures_draw_what_fonts_lack_and_still_tell_it():
    text = '<text class="r1" x="12.2" y="20" textLength="61">a⣿│ b</text>'
    drawn = with_shapes(f"<svg>{text}<text>plain</text></svg>")
    path, words = ElementTree.fromstring(drawn)[:2]
    assert path.get("class") == "r1" and path.get("d").count("M") == 8 + 2
    assert path.get("d").startswith("M25.1 2.2h4.6"), "the first dot of the second cell"
    assert path[0].text == "⣿│"
    assert words.text == "a\xa0\xa0 b" and words.get("textLength") == "61"
