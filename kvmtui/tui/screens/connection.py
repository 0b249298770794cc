"""What is sent to the terminal, and what is done to keep to the budget."""

from __future__ import annotations

from kvmtui.tui.budget import Budget
from kvmtui.tui.screens.pages import PagesScreen
from kvmtui.tui.spans import Line, Span

_LABEL = 16


def rate_text(bytes_per_s: float) -> str:
    """``0 B/s``, ``640 B/s``, ``1.4 kB/s``."""
    if bytes_per_s < 999.5:
        return f"{bytes_per_s:.0f} B/s"
    return f"{bytes_per_s / 1000:.1f} kB/s"


def connection_lines(
    budget: Budget, sent: int, skipped: int, size: tuple[int, int], theme: str
) -> list[Line]:
    """What is known of the line to the terminal."""
    now = budget.now
    limit = budget.bytes_per_s
    over = now is not None and limit is not None and now > limit
    pace = "every 2 s, as fast as they are sampled"
    if budget.slower > 1:
        pace = f"every {2 * budget.slower} s, to keep to the budget"
    elif limit is None:
        pace = "every 2 s"
    rows: list[tuple[str, str, bool]] = [
        ("Now", "" if now is None else f"{rate_text(now)}, mean of the last 10 s", over),
        ("Budget", "none" if limit is None else rate_text(limit), False),
        ("Graphs move", pace, budget.slower > 1),
        ("In all", f"{sent:,} bytes since the start".replace(",", " "), False),
        ("Not drawn", f"{skipped} pictures, while the line stood", False),
        ("Terminal", f"{size[0]}×{size[1]}, theme {theme}", False),
    ]
    return [
        (Span(label.ljust(_LABEL), "muted"), Span(text, "warn" if warned else "text"))
        for label, text, warned in rows
    ]


class ConnectionScreen(PagesScreen):
    """Bytes a second, in all, and the budget; as of each second."""

    WIDTH = 66

    def on_mount(self) -> None:
        """Follow what is sent; that is sent, too."""
        self.set_interval(1.0, self.draw)

    def heading(self) -> str:
        """In the upper edge."""
        return "Connection"

    def lines(self, width: int) -> list[Line]:
        """All figures, and how the budget is set."""
        app = self.kvmtui
        size = (app.size.width, app.size.height)
        lines = connection_lines(app.budget, app.bytes_sent, app.frames_skipped, size, app.theme)
        told = "This box itself is sent anew each second. A budget is set in"
        return [
            *lines,
            (),
            (Span(told, "muted"),),
            (Span("config.yaml, in bytes a second: ", "muted"), Span("budget: 1500")),
        ]

    def foot(self) -> Line:
        """What the keys do."""
        return self.key_foot(("Esc", "closes"))

    def key(self, key: str, character: str | None) -> None:
        """Leave."""
        if key in ("enter", "ctrl+b"):
            self.dismiss("")
        else:
            super().key(key, character)
