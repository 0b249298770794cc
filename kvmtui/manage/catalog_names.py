"""What the catalogue's files are called in ``images/``: the standard library alone."""

from __future__ import annotations

RECORD = ".catalog.json"
"""Instead of an image's suffix: the record of what it is."""
DOWNLOAD = ".download"
"""Behind an image's name, which is hidden then: what of it came so far."""
