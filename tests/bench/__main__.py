"""Measure kvmtui against the plain tools, in one run on one machine.

    ./dev bench            all of it, with 100 guests
    ./dev bench 20         with 20
    ./dev bench 20 screen  only what the text interface costs
    ./dev bench stats      only what a round of the figures costs
    ./dev bench 500 many   only the app with hundreds of guests, most of them paused
    ./dev bench console    only what a guest's console and screen cost
    ./dev bench images     only what work on images costs, and a list of 1,000
    ./dev bench media      only what it costs to recognise 200 installation media

Each figure is a median of runs that take turns, so that a machine whose speed drifts
changes both sides alike. Every guest here is real: a QEMU of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kvmtui.qemu.process import lock_holder
from tests.bench import console, images, many, media, rounds, screen
from tests.bench.libvirt import Domains, NoDomains

KVMTUI = [sys.executable, "-c", "import sys; from kvmtui.__main__ import main; sys.exit(main())"]
"""What the script does that pip, pipx and uv install today; those of old pips import re first."""
TINY = ["--memory", "16M", "--network", "none", "--set", "usb=false", "--set", "balloon=false"]
PARALLEL = 8
_PARTS = {"screen", "stats", "many", "console", "images", "media"}


class Bench:
    """A home full of small guests, and the ways to start them."""

    def __init__(self, home: Path, count: int) -> None:
        self.home = home
        self.environment = {**os.environ, "KVMTUI_HOME": str(home)}
        # An installed program has its bytecode.
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.names = [f"g{index:03}" for index in range(count)]

    def call(self, *words: str) -> str:
        done = subprocess.run(
            [*KVMTUI, *words], env=self.environment, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"kvmtui {' '.join(words)}: {done.stderr}")
        return done.stdout

    def create(self) -> None:
        """One guest by its verb, the others as copies with a UUID of their own."""
        first = self.names[0]
        self.call("create", first, *TINY)
        text = (self.home / "guests" / first / "guest.yaml").read_text()
        uuid = next(line.split()[1] for line in text.splitlines() if line.startswith("uuid:"))
        for index, name in enumerate(self.names[1:], start=1):
            folder = self.home / "guests" / name
            folder.mkdir(mode=0o700)
            fresh = f"{index:08x}{uuid[8:]}"
            (folder / "guest.yaml").write_text(text.replace(uuid, fresh))

    def argv(self, name: str) -> list[str]:
        argv: list[str] = json.loads(self.call("show", name, "--json"))["argv"]
        return argv

    def raw_start(self, argv: list[str]) -> None:
        """The same line, as a shell would start it."""
        run = Path(argv[argv.index("-pidfile") + 1]).parent
        shutil.rmtree(run, ignore_errors=True)
        run.mkdir()
        os.mkfifo(run / "events.in")
        (run / "events.out").touch()
        subprocess.run(argv, cwd=run, check=True, capture_output=True, stdin=subprocess.DEVNULL)

    def end(self) -> None:
        """End every guest, by the lock on its pid file."""
        for name in self.names:
            pid = lock_holder(self.home / "guests" / name / "run" / "pid")
            if pid:
                pidfd = os.pidfd_open(pid)
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                select.select([pidfd], [], [], 10)
                os.close(pidfd)


def seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def compare(title: str, ours: list[float], theirs: list[float], against: str, goal: str) -> None:
    one, two = statistics.median(ours), statistics.median(theirs)
    print(
        f"{title}: {one * 1000:.0f} ms, {against} {two * 1000:.0f} ms, "
        f"ratio {one / two:.2f} (goal {goal}; n={len(ours)})",
        flush=True,
    )


def one_start(bench: Bench, rounds: int = 25) -> None:
    """From the command to monitors that are ready, against the same line by hand."""
    name = bench.names[0]
    argv = bench.argv(name)
    ours, theirs, python = [], [], []
    for _ in range(rounds):
        python.append(seconds(lambda: quiet([sys.executable, "-c", "pass"])))
        theirs.append(seconds(lambda: bench.raw_start(argv)))
        bench.end()
        ours.append(seconds(lambda: bench.call("start", name)))
        bench.end()
    compare("start of one guest", ours, theirs, "qemu -daemonize", "1.3 + the interpreter's start")
    bare = statistics.median(python)
    ratio = (statistics.median(ours) - bare) / statistics.median(theirs)
    print(
        f"  the interpreter's start: {bare * 1000:.0f} ms; ratio without it {ratio:.2f}",
        flush=True,
    )


def many_starts(bench: Bench) -> None:
    """`start --all` against the same lines by hand, as many at once."""
    lines = [bench.argv(name) for name in bench.names]
    ours, theirs = [], []
    for _ in range(2):
        with ThreadPoolExecutor(PARALLEL) as pool:
            theirs.append(seconds(lambda: list(pool.map(bench.raw_start, lines))))
        bench.end()
        ours.append(seconds(lambda: bench.call("start", "--all")))
        bench.end()
    title = f"start --all of {len(bench.names)}"
    compare(title, ours, theirs, f"the same by hand, {PARALLEL} at once", "1.3")


def listing(bench: Bench, rounds: int = 25) -> None:
    """`list` of all running guests, against `virsh list --all` of as many of libvirt's."""
    bench.call("start", "--all")
    bench.call("list")
    title = f"list of {len(bench.names)} running guests"
    ours: list[float] = []
    theirs: list[float] = []
    try:
        with Domains(len(bench.names)) as domains:
            for _ in range(rounds):
                ours.append(seconds(lambda: bench.call("list")))
                theirs.append(seconds(lambda: quiet(domains.listing)))
        compare(title, ours, theirs, "virsh list --all of as many", "1")
    except NoDomains as why:
        ours = [seconds(lambda: bench.call("list")) for _ in range(rounds)]
        print(f"{title}: {statistics.median(ours) * 1000:.0f} ms; no virsh to compare: {why}")
    bench.end()


def verbs(bench: Bench) -> None:
    """The figures of the command line."""
    try:
        bench.create()
        one_start(bench)
        listing(bench)
        many_starts(bench)
    finally:
        bench.end()


def quiet(command: list[str]) -> None:
    """Run a command as `Bench.call` does."""
    subprocess.run(command, capture_output=True, text=True, check=True)


def main() -> None:
    """Run every figure."""
    words = sys.argv[1:]
    unknown = {word for word in words if not word.isdecimal()} - _PARTS
    if unknown:
        print(__doc__)
        raise SystemExit(0 if unknown <= {"-h", "--help"} else 2)
    count = next((int(word) for word in words if word.isdecimal()), 100)
    with tempfile.TemporaryDirectory(prefix="kvmtui-bench-") as name:
        folder = Path(name)
        if "stats" in words:
            rounds.measure(Bench(folder / "rounds", count))
            return
        if "many" in words:
            many.measure(Bench(folder / "many", count), folder / "settings")
            return
        if "console" in words:
            console.measure(Bench(folder / "console", 0), folder / "settings")
            return
        if "images" in words:
            images.measure(folder / "images")
            return
        if "media" in words:
            media.measure(folder / "media")
            return
        if "screen" not in words:
            verbs(Bench(folder / "home", count))
            rounds.measure(Bench(folder / "rounds", count))
        screen.measure(Bench(folder / "screen", 2 * count), folder / "settings", count)


if __name__ == "__main__":
    main()
