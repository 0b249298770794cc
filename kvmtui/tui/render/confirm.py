"""What the dialogs say before something is lost."""

from __future__ import annotations

from kvmtui.guest.units import format_size
from kvmtui.manage.views import LiveGuest
from kvmtui.text import visible
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.dialog import Ask, Question
from kvmtui.tui.words import long_time


def _several(guests: list[LiveGuest]) -> str:
    return guests[0].view.name if len(guests) == 1 else f"{len(guests)} guests"


def _names(guests: list[LiveGuest]) -> tuple[Line, ...]:
    if len(guests) == 1:
        return ()
    shown = ", ".join(live.view.name for live in guests[:8])
    more = f" and {len(guests) - 8} more" if len(guests) > 8 else ""
    return ((Span(shown + more),), ())


def _ran(guests: list[LiveGuest]) -> tuple[Line, ...]:
    up_s = guests[0].view.uptime_s
    if len(guests) != 1 or up_s is None:
        return ()
    return ((Span(f"It has run {long_time(up_s)}."),),)


def question_stop(guests: list[LiveGuest], shutdown_key: str) -> Question:
    """Before the plug is pulled."""
    what = _several(guests)
    lines: tuple[Line, ...] = (
        *_names(guests),
        (Span("This pulls the plug. What is not written yet is lost."),),
        *_ran(guests),
        (Span(shutdown_key, "accent", bold=True), Span(" shuts down cleanly instead.")),
    )
    return Question(f"Stop {what} at once?", lines, "Keep running", f"Stop {what}")


def question_reset(guests: list[LiveGuest], reboot_key: str) -> Question:
    """Before the reset button is pressed."""
    what = _several(guests)
    lines: tuple[Line, ...] = (
        *_names(guests),
        (Span("This presses the reset button. What is not written yet is lost."),),
        *_ran(guests),
        (Span(reboot_key, "accent", bold=True), Span(" reboots cleanly instead.")),
    )
    return Question(f"Reset {what} at once?", lines, "Keep running", f"Reset {what}")


def losses(
    guests: list[LiveGuest], inside: list[tuple[str, int]], elsewhere: list[str]
) -> tuple[Line, ...]:
    """What deleting guests takes, and what stays.

    Args:
        inside: Files of their folders, with what each takes in bytes.
        elsewhere: Disks in other places, which stay.
    """
    total = sum(size for _, size in inside)
    lines: list[Line] = list(_names(guests))
    for file, size in sorted(inside, key=lambda item: -item[1])[:4]:
        name = visible(file, limit=44).ljust(46)
        lines.append((Span(f"  {name}"), Span(format_size(size).rjust(5))))
    rest = len(inside) - 4
    if rest > 0:
        lines.append((Span(f"  and {rest} more, {format_size(total)} in all", "muted"),))
    lines += [(Span(f"  stays: {visible(path, limit=52)}", "muted"),) for path in elsewhere[:3]]
    return tuple(lines)


def question_delete(guests: list[LiveGuest]) -> Question:
    """Before guests and their files are deleted; `losses` follow as soon as they are known."""
    what = _several(guests)
    one = len(guests) == 1
    typed = guests[0].view.name if one else str(len(guests))
    looking: Line = (Span("  looking what would be lost …", "muted"),)
    return Question(
        f"Delete {what} and {'its' if one else 'their'} files?",
        (*_names(guests), looking),
        "Keep it" if one else "Keep them",
        "Delete",
        checks=(("keep the disks (they move to images/)", False),),
        ask=Ask(
            "Type its name to delete:" if one else "Type their number to delete:",
            lambda text: "" if text == typed else f"{'name' if one else 'number'} incomplete",
        ),
    )


def question_quit(names: list[str], *, images: bool = False) -> Question:
    """Before an app leaves that still waits for guests, or works on images.

    Args:
        images: Whether work on images would end with it.
    """
    shown = ", ".join(names[:6])
    lines: tuple[Line, ...] = (
        (Span(f"This app still works on {shown}."),),
        (Span("Guests go on; who was asked to shut down still may, but nobody waits for it."),),
    )
    if images:
        ends = "Work on images ends: what is unfinished is removed, what it was made from is whole."
        lines = (*lines, (Span(ends),))
    return Question("Leave while work goes on?", lines, "Stay", "Leave")


def question_cancel(name: str, verb: str) -> Question:
    """Before a wait is given up."""
    lines: tuple[Line, ...] = (
        (Span(f"Nobody waits for {name} any longer. The button stays pressed:"),),
        (Span("it may still go down by itself, and is not started again."),),
    )
    return Question(f"Give up the {verb} of {name}?", lines, "Keep waiting", "Give up")


def question_text(title: str, label: str, before: str, act: str) -> Question:
    """One line of text is asked for."""
    ask = Ask(f"{label}:", lambda text: "" if text != before else "as it is", before)
    return Question(title, (), "Leave it", act, ask=ask)


def question_secret(title: str, label: str, act: str) -> Question:
    """One line of text is asked for that is not shown."""
    ask = Ask(f"{label}:", secret=True)
    return Question(title, (), "Leave it", act, ask=ask)


def question_setup(commands: list[str], *, runs: bool) -> Question:
    """Before the host is changed.

    Args:
        runs: Whether they can be run from here: that takes root.
    """
    lines: list[Line] = [(Span(visible(text, limit=400), "accent"),) for text in commands]
    told = "They run one after the other, in this terminal; what they say is shown."
    if not runs:
        told = "They take root: copied, they can be pasted into another shell."
    act = "Run them" if runs else "Copy them"
    return Question("Set up this host?", (*lines, (), (Span(told),)), "Leave it as it is", act)


def question_leave() -> Question:
    """Before a changed form is left."""
    lines: tuple[Line, ...] = ((Span("What was typed is not kept."),),)
    return Question("Leave the form?", lines, "Go on with it", "Leave")


def question_start_over() -> Question:
    """Before a form that was filled in begins anew."""
    lines: tuple[Line, ...] = ((Span("What was filled in is not kept."),),)
    return Question("Start over?", lines, "Go on with it", "Start over")


def question_edit_again(name: str, problems: tuple[str, ...]) -> Question:
    """After an edited text that cannot be saved."""
    lines = [(Span(visible(text, limit=200), "err"),) for text in problems[:6]]
    rest: Line = (Span("The definition is as it was; your text can be kept beside it."),)
    return Question(
        f"{name} was not saved. Edit again?", (*lines, (), rest), "Keep the text", "Edit again"
    )
