"""The Pipedrive in memory, which the engine's tests lean on, held to what the adapter does on the sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.contract.crm_contract import HELD, CrmContract
from tidegate.adapters.pipedrive.definitions import ALWAYS
from tidegate.core.catalogue import Field, Option, Pipeline, Stage
from tidegate.core.records import FIRST_NAME, JOB_TITLE
from tidegate.core.values import Kind
from tidegate.testing.clock import ManualClock
from tidegate.testing.crm import MemoryCrm

OPTIONS = tuple(Option(str(number), label) for number, label in enumerate(("Red", "Green", "Blue"), start=1))
STAGES = tuple(Stage(str(number), f"Stage {number}", "1", number) for number in (1, 2))


def custom_field(kind: Kind) -> Field:
    return Field(
        key=f"field-{kind.value}",
        name=f"A {kind.value}",
        kind=kind,
        custom=True,
        options=OPTIONS if kind in (Kind.OPTION, Kind.OPTIONS) else (),
        max_length=255 if kind in (Kind.TEXT, Kind.PHONE) else None,
        max_digits=15 if kind in (Kind.NUMBER, Kind.MONEY) else None,
        single=kind is Kind.PHONE,
    )


FIELDS = {kind: custom_field(kind) for kind in HELD}


@dataclass
class MemoryUnderTest:
    clock: ManualClock = field(default_factory=ManualClock)
    fields: Mapping[Kind, str] = field(
        default_factory=lambda: {kind: each.key for kind, each in FIELDS.items()}
    )

    def __post_init__(self) -> None:
        self.crm = MemoryCrm(
            [*ALWAYS, Field(JOB_TITLE, "Job title", Kind.TEXT), *FIELDS.values()],
            pipelines=(Pipeline("1", "Sales", 1, STAGES),),
            clock=self.clock,
        )

    async def delete_person(self, person_id: str) -> None:
        self.crm.delete_person(person_id)

    async def add_persons(self, count: int) -> None:
        for number in range(count):
            self.crm.add_person({FIRST_NAME: f"Person {number}"})

    async def let_a_second_pass(self) -> None:
        self.clock.move(5)

    def win_deal(self, deal_id: str) -> None:
        self.crm.end_deal(deal_id, "won")

    def archive_deal(self, deal_id: str) -> None:
        self.crm.archive_deal(deal_id)

    def delete_deal(self, deal_id: str) -> None:
        self.crm.delete_deal(deal_id)

    def limit_deals(self) -> None:
        self.crm.deal_limit = len(self.crm.deals)

    def turn_campaigns_on(self) -> None:
        self.crm.marketing = {}

    async def add_filter(self, first_name: str) -> str:
        return self.crm.add_filter(first_name, lambda person: person.value(FIRST_NAME) == first_name)

    async def delete_filter(self, filter_id: str) -> None:
        self.crm.delete_filter(filter_id)


class TestMemoryCrm(CrmContract):
    @pytest.fixture
    def under_test(self) -> MemoryUnderTest:
        return MemoryUnderTest()
