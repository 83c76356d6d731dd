"""Reading forms: what a browser sends, as texts."""

from typing import Annotated, Any, TypeAlias

from litestar import Request
from litestar.datastructures import MultiDict, UploadFile
from litestar.params import QueryParameter

from assent.app.services.trials import MOST_HOURS
from assent.domain.errors import InvalidInput

Hours: TypeAlias = Annotated[int, QueryParameter(ge=1, le=MOST_HOURS)]
"""On the events of how many last hours to try a change."""


class Form:
    """The fields of one form; a field that is missing is empty."""

    def __init__(self, fields: Any) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """Without blanks around it."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        """Exactly as it was typed, for passwords."""
        value = self._fields.get(name, "")
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        """All values of a field that may be there several times, such as ticked boxes."""
        return [one for one in self._fields.getall(name, []) if isinstance(one, str)]

    def upload(self, name: str) -> bytes:
        """The content of a file that was chosen; empty where none was."""
        value = self._fields.get(name, b"")
        return value if isinstance(value, bytes) else b""

    def has(self, name: str) -> bool:
        """Whether a box is ticked, or a button of this name was pressed."""
        return name in self._fields

    def version(self) -> int:
        """The version of the workspace that the form was filled in for. Raises InvalidInput."""
        try:
            return int(self.raw("version"))
        except ValueError:
            raise InvalidInput("this form is not whole: load the page again") from None

    def hours(self) -> int:
        """On the events of how many last hours to try what the form says; a day, where it does not say."""
        text = self.raw("hours")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 24

    def names(self) -> list[str]:
        return list(dict.fromkeys(self._fields))


async def read_form(request: Request[Any, Any, Any]) -> Form:
    """The form in the body of a request."""
    fields = await request.form()
    uploads = {name: await one.read() for name, one in fields.items() if isinstance(one, UploadFile)}
    return Form(MultiDict([(name, uploads.get(name, one)) for name, one in fields.multi_items()]))
