"""`agent`: what a guest's own agent tells and does."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from kvmtui.cli.context import Context
from kvmtui.cli.power import seconds
from kvmtui.cli.raw import object_given
from kvmtui.errors import KvmtuiError, UsageError
from kvmtui.manage import agents
from kvmtui.text import visible, visible_lines

_ACTIONS = {
    "ping": "whether the agent answers",
    "info": "the agent's version, the guest's system, name and addresses",
    "addresses": "the guest's addresses",
    "exec": "run a command in the guest; no shell reads its words",
    "call": "one of the agent's commands, its answer as JSON",
}


def configure_agent(parser: argparse.ArgumentParser) -> None:
    """Arguments of `agent`: the guest, then what is asked."""
    from kvmtui.cli.parsing import add_verbs

    parser.add_argument("name", metavar="NAME")
    actions = add_verbs(parser, "actions of agent", _ACTIONS, dest="action", metavar="ACTION")
    for action, own in actions:
        if action == "exec":
            own.add_argument("--stdin", action="store_true", help="give it standard input")
        if action in ("exec", "call"):
            own.add_argument(
                "--timeout", type=seconds, default=60.0, metavar="S", help="default 60"
            )
        if action == "exec":
            own.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND ARGUMENT…")
        if action == "call":
            own.add_argument("command", metavar="COMMAND", help="such as guest-get-fsinfo")
            own.add_argument("arguments", nargs="?", metavar="JSON")


def run_agent(arguments: argparse.Namespace, context: Context) -> int:
    """Ask the agent.

    Raises:
        UsageError: Nothing is asked.
    """
    actions = {
        "ping": _ping,
        "info": _info,
        "addresses": _addresses,
        "exec": _exec,
        "call": _call,
    }
    if arguments.action is None:
        raise UsageError(f"agent: which of {', '.join(_ACTIONS)}", hint="kvmtui agent -h")
    return actions[arguments.action](arguments, context)


def _ping(arguments: argparse.Namespace, context: Context) -> int:
    took_s = asyncio.run(agents.ping(context.library, arguments.name))
    if context.as_json:
        context.document({"name": arguments.name, "answers": True, "took_s": round(took_s, 4)})
    context.say(f"{arguments.name}'s agent answers, in {took_s * 1000:.0f} ms")
    return 0


def _info(arguments: argparse.Namespace, context: Context) -> int:
    told = asyncio.run(agents.info(context.library, arguments.name))
    if context.as_json:
        context.document({"name": arguments.name, **told._asdict()})
        return 0
    for title, text in (
        ("agent", told.version),
        ("system", told.os),
        ("kernel", told.kernel),
        ("name", told.host_name),
        ("addresses", ", ".join(told.addresses)),
        ("can", f"{len(told.commands)} commands; --json lists them"),
        ("forbidden", ", ".join(told.disabled)),
    ):
        if text:
            context.say(f"{title.ljust(9)}  {text}")
    return 0


def _addresses(arguments: argparse.Namespace, context: Context) -> int:
    found = asyncio.run(agents.addresses(context.library, arguments.name))
    if context.as_json:
        context.document({"name": arguments.name, "addresses": list(found)})
    for address in found:
        context.say(address)
    return 0


def _exec(arguments: argparse.Namespace, context: Context) -> int:
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    if not words:
        raise UsageError("agent exec: which command")
    # One more than goes, so that too much is told and not kept.
    most = agents.MOST_INPUT_BYTES + 1
    given = sys.stdin.buffer.read(most) if arguments.stdin else None
    done = asyncio.run(
        agents.run_in_guest(
            context.library, arguments.name, words, given=given, limit_s=arguments.timeout
        )
    )
    if context.as_json:
        context.document(
            {
                "name": arguments.name,
                "exit_status": done.exit_status,
                "signal": done.signal,
                "stdout": done.out.decode("utf-8", "replace"),
                "stderr": done.err.decode("utf-8", "replace"),
                "truncated": done.truncated,
            }
        )
    else:
        _write(sys.stdout, done.out)
        _write(sys.stderr, done.err)
    if done.truncated:
        context.note("there was more output than the agent keeps")
    if done.exit_status == 0:
        return 0
    how = f"signal {done.signal}" if done.exit_status is None else f"status {done.exit_status}"
    raise KvmtuiError(f"{arguments.name}: {visible(words[0], limit=80)} ended with {how}")


def _write(stream: Any, data: bytes) -> None:
    """Output of the guest: as it is into a file or pipe, made visible on a terminal."""
    stream.flush()
    if stream.isatty():
        lines = visible_lines(data, last=100_000, limit=4000)
        stream.write("".join(f"{line}\n" for line in lines))
    else:
        stream.buffer.write(data)
    stream.flush()


def _call(arguments: argparse.Namespace, context: Context) -> int:
    given = object_given(arguments.arguments)
    answer = asyncio.run(
        agents.call(
            context.library,
            arguments.name,
            arguments.command,
            given,
            limit_s=arguments.timeout,
        )
    )
    context.document(answer)
    return 0
