"""Suppressing, deleting and exporting people on a data directory, also while a server runs on it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from assent.app.api.regulations import NewRegulation, Regulation, regulation_body
from assent.app.cli.data_directory import DataDirectory, author
from assent.app.services import regulations
from assent.app.services.fates import Fates
from assent.app.services.person_export import export, record_export, subjects_of
from assent.app.wiring import now
from assent.delivery.in_force import InForce
from assent.engine.policy import Policy

_LISTED: Final = 100


class RegulatedData(DataDirectory):
    """A data directory, asked in the words of the management API. A server that runs on it follows within a second;
    where none runs, a deletion waits for one."""

    def regulate(self, new: NewRegulation) -> Regulation:
        """Raises InvalidInput, NotFound."""
        with self.existing_stores() as stores:
            made = regulations.regulate(stores, new.asked(), author=author(), at=now())
            return regulation_body(regulations.report(stores, made.id))

    def regulations(self) -> Sequence[Regulation]:
        """The newest hundred. Raises NotFound."""
        with self.existing_stores() as stores:
            found = stores.regulations.all(_LISTED)
            return [regulation_body(regulations.Report(one, (), ())) for one in found]

    def regulation(self, regulation_id: str) -> Regulation:
        """Raises NotFound."""
        with self.existing_stores() as stores:
            return regulation_body(regulations.report(stores, regulation_id))

    def export_person(self, id_: str, to: Path) -> int:
        """Write the archive; how many bytes it has. Raises InvalidInput, NotFound."""
        subjects = subjects_of(id_)
        with self.existing_stores() as stores, self.log() as log:
            at, version = now(), stores.current()
            in_force = InForce(version, Policy(version.workspace))
            fates = Fates(stores.accounts, stores.versions, lambda: in_force, stores.ledger)
            record_export(stores, author=author(), at=at)

            content = export(stores, log, fates, subjects, version.workspace, at=at)
            with to.open("xb") as file:
                asyncio.run(_write(content, file))
                return file.tell()


async def _write(content: AsyncIterator[bytes], file: BinaryIO) -> None:
    async for part in content:
        file.write(part)
