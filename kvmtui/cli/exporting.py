"""`exporter`: metrics of guests for Prometheus."""

from __future__ import annotations

import argparse
import threading

from kvmtui.cli.context import Context
from kvmtui.cli.ending import ended_by_signals
from kvmtui.manage.metrics_server import DEFAULT_ADDRESS, MetricsServer
from kvmtui.manage.scrapes import OnDemand

_REST_EVERY_S = 10.0


def configure_exporter(parser: argparse.ArgumentParser) -> None:
    """Arguments of `exporter`."""
    parser.description = (
        "Metrics of all guests for Prometheus, at http://ADDRESS/metrics, until it is interrupted."
        " Guests are looked at only when somebody scrapes. A `kvmtui watch` tells the same where"
        " `metrics: ADDRESS` is set. docs/metrics.md has their names."
    )
    parser.formatter_class = argparse.HelpFormatter
    parser.add_argument(
        "--listen",
        metavar="ADDRESS",
        default=DEFAULT_ADDRESS,
        help=f"an IP address and a port, default {DEFAULT_ADDRESS}; there is no password, so keep"
        " it to this machine",
    )


def run_exporter(arguments: argparse.Namespace, context: Context) -> int:
    """Tell metrics until it is ended.

    Raises:
        UsageError: There is no such address.
        HostError: The library is missing, or the address is taken.
    """
    ended = threading.Event()
    source = OnDemand(context.library)
    try:
        server = MetricsServer(arguments.listen, source.snapshot)
        context.note(server.warning)
        context.note(f"metrics at http://{server.address}/metrics")
        with ended_by_signals(ended):
            while not ended.wait(_REST_EVERY_S):
                source.rest()
        server.close()
    finally:
        source.close()
    return 0
