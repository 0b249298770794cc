"""Rounds of a watch, as many as it takes."""

from __future__ import annotations

import os
import time


def until(watch, condition, limit_s=20.0):
    """Rounds until something is so."""
    deadline = time.monotonic() + limit_s
    while True:
        found = watch.round()
        if condition(found):
            return found
        assert time.monotonic() < deadline, found
        os.sched_yield()
