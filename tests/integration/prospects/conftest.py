"""A workspace, its author, and a record of what the store announced."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from tests.builders import make_workspace
from tidegate.prospects.services import Author
from tidegate.prospects.signals import campaign_events_known, lists_changed, prospects_changed


@dataclass
class Announced:
    """What was announced, in order, by the author's workspace."""

    workspace_id: UUID
    changes: list[tuple[str, list[int]]] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)
    lists: int = 0
    events: list[int] = field(default_factory=list)

    def on_prospects(self, *, workspace_id: UUID, action: str, ids: list[int], **facts: Any) -> None:
        if workspace_id == self.workspace_id:
            self.changes.append((action, ids))
            self.facts.append(facts)

    def on_lists(self, *, workspace_id: UUID, **_: Any) -> None:
        self.lists += workspace_id == self.workspace_id

    def on_events(self, *, workspace_id: UUID, ids: list[int], **_: Any) -> None:
        if workspace_id == self.workspace_id:
            self.events += ids

    def forget(self) -> None:
        self.changes.clear()
        self.facts.clear()
        self.events.clear()
        self.lists = 0


@pytest.fixture
def author(db: None) -> Author:
    return Author(make_workspace().pk, "Alice", "page")


@pytest.fixture
def stranger(db: None) -> Author:
    """Charlie, of another workspace."""
    return Author(make_workspace("Elsewhere").pk, "Charlie", "page")


@pytest.fixture
def announced(author: Author) -> Iterator[Announced]:
    heard = Announced(author.workspace_id)
    prospects_changed.connect(heard.on_prospects)
    lists_changed.connect(heard.on_lists)
    campaign_events_known.connect(heard.on_events)
    yield heard
    campaign_events_known.disconnect(heard.on_events)
    prospects_changed.disconnect(heard.on_prospects)
    lists_changed.disconnect(heard.on_lists)
