"""The app on a real pty, on a home of its own."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

import pytest
from tui.terminal import Terminal


@pytest.fixture
def open_app(kvmtui) -> Iterator[Callable[..., Terminal]]:
    """Opens kvmtui in a terminal of some size; all are closed at the end."""
    with contextlib.ExitStack() as stack:

        def open_one(
            columns: int = 80,
            rows: int = 24,
            *,
            answers: dict[bytes, bytes] | None = None,
            cell: tuple[int, int] = (0, 0),
            **environment: str | None,
        ) -> Terminal:
            terminal = Terminal(
                [*kvmtui.prefix, sys.executable, "-m", "kvmtui"],
                columns=columns,
                rows=rows,
                answers=answers,
                cell=cell,
                environment={**kvmtui.environment, **environment},
            )
            return stack.enter_context(terminal)

        yield open_one
