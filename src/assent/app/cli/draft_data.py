"""Drafts in a data directory, also while a server runs on it, in the words of the management API."""

import asyncio
from collections.abc import Sequence

from assent.app.api.drafts import DraftInFull, DraftSummary, ShadowCounts, draft_body, draft_summary, shadow_body
from assent.app.api.trials import TriedWorkspace, trial_body
from assent.app.cli.data_directory import DataDirectory, author
from assent.app.services import drafts
from assent.app.wiring import now
from assent.domain.workspace import Workspace


class DraftData(DataDirectory):
    """The drafts of one data directory. Every call raises NotFound where there is no such directory, or draft."""

    def drafts(self) -> Sequence[DraftSummary]:
        with self.existing_stores() as stores:
            return [draft_summary(one) for one in stores.drafts.all()]

    def draft(self, draft_id: str) -> DraftInFull:
        with self.existing_stores() as stores:
            return draft_body(stores, stores.drafts.get(draft_id))

    def new_draft(self, name: str) -> DraftInFull:
        """Raises InvalidInput."""
        with self.existing_stores() as stores:
            return draft_body(stores, drafts.create(stores, name, author=author(), at=now()))

    def put_draft(self, draft_id: str, workspace: Workspace) -> DraftInFull:
        """Raises InvalidWorkspace, Conflict."""
        with self.existing_stores() as stores:
            return draft_body(stores, drafts.put(stores, draft_id, workspace, author=author(), at=now()))

    def try_draft(self, draft_id: str, hours: int) -> TriedWorkspace:
        """Raises Conflict, InvalidInput."""
        with self.existing_stores() as stores, self.log_if_any() as log:
            return trial_body(asyncio.run(drafts.try_draft(stores, log, draft_id, hours=hours, at=now())))

    def apply_draft(self, draft_id: str, comment: str) -> int:
        """Put it into force; returns the version that is then in force. Raises Conflict, InvalidWorkspace."""
        with self.existing_stores() as stores:
            return drafts.put_into_force(stores, draft_id, author=author(), at=now(), comment=comment).number

    def shadow(self, draft_id: str) -> ShadowCounts:
        with self.existing_stores() as stores:
            return shadow_body(stores, draft_id)

    def set_shadow(self, draft_id: str, on: bool) -> ShadowCounts:
        """Raises Conflict, InvalidWorkspace."""
        with self.existing_stores() as stores:
            drafts.set_shadow(stores, draft_id, on, author=author(), at=now())
            return shadow_body(stores, draft_id)

    def delete_draft(self, draft_id: str) -> None:
        with self.existing_stores() as stores:
            stores.drafts.delete(draft_id, author=author(), at=now())
