"""Why a side was written, as the activity log tells it."""

from datetime import UTC, datetime

import pytest

from tidegate.core.records import Side
from tidegate.ports import Change
from tidegate.services.remembering import cause_text

NOW = datetime(2026, 5, 12, tzinfo=UTC)


def edit(side: Side, *, actor: str = "", action: str = "change", source: str = "webhook") -> Change:
    entity = "person" if side is Side.PIPEDRIVE else "prospect"
    return Change(1, "c", side, entity, "9", action, source, NOW, actor=actor)


PERSON = edit(Side.PIPEDRIVE)
PROSPECT = edit(Side.OUTREACH, actor="Alice")


@pytest.mark.parametrize(
    ("changes", "written", "said"),
    [
        ([], Side.PIPEDRIVE, ""),
        ([PERSON], Side.OUTREACH, "Edited in Pipedrive"),
        ([PROSPECT], Side.PIPEDRIVE, "Edited by Alice"),
        ([PERSON, PROSPECT], Side.PIPEDRIVE, "Edited by Alice"),
        ([PROSPECT, PERSON], Side.OUTREACH, "Edited in Pipedrive"),
        ([edit(Side.PIPEDRIVE, action="create"), PROSPECT], Side.PIPEDRIVE, "Edited by Alice"),
        ([PERSON], Side.PIPEDRIVE, "Brought in step after a change in Pipedrive"),
        ([PROSPECT], Side.OUTREACH, "Brought in step after a change in the outreach app"),
        ([edit(Side.PIPEDRIVE, source="catchup")], Side.PIPEDRIVE, "Found by the regular check"),
        ([edit(Side.OUTREACH, source="retry")], Side.OUTREACH, "Retried"),
    ],
)
def test_a_write_is_told_by_what_changed_on_the_other_side(
    changes: list[Change], written: Side, said: str
) -> None:
    assert cause_text(changes, written) == said
