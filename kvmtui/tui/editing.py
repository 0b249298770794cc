"""A definition in the user's editor, with the app out of the way and its figures going on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.manage.drafts import MENDABLE, Draft, keep_text
from kvmtui.tui.outside import run_outside
from kvmtui.tui.render.confirm import question_edit_again
from kvmtui.tui.widgets.dialog import Dialog

if TYPE_CHECKING:
    from kvmtui.tui.app import KvmtuiApp


async def edit_text(app: KvmtuiApp, name: str) -> None:
    """Edit until the text can be saved, or is given up; it is never lost."""
    try:
        before = await app.fleet.definition_text(name)
        after = before
        while True:
            after = await _edited(app, name, after)
            try:
                app.told(await app.fleet.replace_text(name, before, after))
                return
            except MENDABLE as error:
                problems = getattr(error, "problems", (error.message,))
                answer = await app.push_screen_wait(Dialog(question_edit_again(name, problems)))
                if answer is None or not answer.done:
                    app.refuse(f"{name} is as it was; your text is in {keep_text(name, after)}")
                    return
    except (KvmtuiError, OSError) as error:
        app.tell_failure(name, as_told(name, error))


async def _edited(app: KvmtuiApp, name: str, text: str) -> str:
    with Draft(name, text) as draft:
        command = draft.command
        try:
            status = await run_outside(app, command)
        except OSError as error:
            raise draft.not_run(error) from None
        return draft.result(status)
