"""Adding what a form says to a draft, in place of putting it into force."""

from typing import Any

from litestar import Response

from assent.app.console.access import PageRequest
from assent.app.console.forms import Form
from assent.app.console.pages import done
from assent.app.console.words import utc_words
from assent.app.services import drafts
from assent.app.wiring import Server, now
from assent.engine.edit import Edit


def is_for_draft(form: Form) -> bool:
    """Whether somebody pressed the button that adds to a draft."""
    return form.has("collect")


def collect(request: PageRequest, server: Server, form: Form, edit: Edit) -> Response[Any]:
    """Add an edit to the draft that was chosen, or to a new one, and go on to it. Call it from a thread.

    Raises NotFound, Conflict, and what `edit` raises.
    """
    stores, author, at, after = server.stores, request.user.email, now(), form.version()
    chosen = form.text("draft")
    if chosen:
        draft = drafts.collect(stores, chosen, edit, author=author, at=at, after=after)
    else:
        draft = drafts.begin_with(stores, f"Draft of {utc_words(at)}", edit, author=author, at=at, after=after)
    said = f"It is added to the draft {draft.name}. Nothing is in force yet."
    return done(request, server, f"/drafts/{draft.id}", said)
