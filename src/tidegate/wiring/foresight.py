"""What a resume would write, shown before it is decided: by the inbox, the mirror and our own store, without a call."""

from collections.abc import Collection
from typing import cast

from tidegate.core.records import Record
from tidegate.ports import Crm, Example, Hold, Organization
from tidegate.services.ahead import foresee
from tidegate.services.engine import Engine, Lane
from tidegate.store.catalogues import person_kinds, pipedrive_catalogue
from tidegate.store.memory import LaneMemory
from tidegate.store.models import Connection
from tidegate.store.schedule import rules_in_force
from tidegate.wiring import parts
from tidegate.wiring.steps import request_step, run

MOST_CHANGES = 1000
"""More are not looked at: a page must answer while somebody waits."""
MOST_EXAMPLES = 50


def foresee_resume(connection: Connection) -> list[Example]:
    """The first records that would be written, field by field. A person that only Pipedrive could show is left out."""
    lane = Lane(
        id=connection.lane_id,
        hold=_NoHold(connection.lane_id),
        memory=LaneMemory(connection.lane_id, person_kinds(pipedrive_catalogue(connection))),
        clock=parts.CLOCK,
        step=request_step,
        take_spent=dict,
    )
    engine = Engine(
        str(connection.pk),
        rules_in_force(connection, connection.get_settings()),
        cast(Crm, _WhatIsKnown()),
        parts.outreach_of(connection, request_step),
        lane,
        passed_upto=connection.passed_upto,
        left_upto=connection.left_upto,
    )

    async def look() -> list[Example]:
        return await foresee(engine, most_changes=MOST_CHANGES, most_examples=MOST_EXAMPLES)

    return run(look)


class _WhatIsKnown:
    """In Pipedrive's place: it knows nothing beyond the mirror, and takes everybody to be inside the filter."""

    async def get_persons(self, ids: Collection[str]) -> dict[str, Record]:
        return {}

    async def get_organizations(self, ids: Collection[str]) -> dict[str, Organization]:
        return {}

    async def in_filter(self, filter_id: str, persons: Collection[Record]) -> frozenset[str]:
        return frozenset(person.id for person in persons)


class _NoHold(Hold):
    """Nothing is stored, so no lane is held."""

    def __init__(self, lane_id: int) -> None:
        self.lane_id, self.epoch, self.seen_alive_at = lane_id, 0, 0.0

    def check(self) -> None:
        raise AssertionError("Looking ahead stores nothing.")

    def release(self) -> None:
        pass
