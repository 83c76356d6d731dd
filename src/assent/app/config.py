"""What one server is told when it starts: from the command line, or from the environment as `ASSENT_*`."""

from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

DEFAULT_KEEP: Final = timedelta(days=7)


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server keeps its data and how long.

    The log forgets events after `keep`, and the oldest when it is over `keep_bytes` (None: no limit).
    """

    data: Path
    keep: timedelta = DEFAULT_KEEP
    keep_bytes: int | None = None
