"""The Pipedrive adapter against the sandbox, over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.contract.crm_contract import HELD, CrmContract
from tests.openapi import OfficialDocuments, official_documents
from tests.sandbox import RunningSandbox, running_sandbox
from tidegate.core.values import Kind
from tidegate.ports import Clock, Crm
from tidegate.wiring.parts import CLOCK

VENDOR_TYPES = {
    Kind.TEXT: "varchar",
    Kind.LONG_TEXT: "text",
    Kind.NUMBER: "double",
    Kind.MONEY: "monetary",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.DATE_RANGE: "daterange",
    Kind.TIME_RANGE: "timerange",
    Kind.OPTION: "enum",
    Kind.OPTIONS: "set",
    Kind.PHONE: "phone",
    Kind.ADDRESS: "address",
}


@dataclass
class SandboxUnderTest:
    running: RunningSandbox
    crm: Crm
    fields: Mapping[Kind, str]
    clock: Clock = CLOCK

    async def delete_person(self, person_id: str) -> None:
        self.running.delete_person(person_id)

    async def add_persons(self, count: int) -> None:
        for number in range(count):
            self.running.create_person({"name": f"Person {number}"})

    async def let_a_second_pass(self) -> None:
        self.running.sandbox.state.clock.advance(5)
        await asyncio.sleep(0)

    def win_deal(self, deal_id: str) -> None:
        self.running.change_deal(deal_id, {"status": "won"})

    def archive_deal(self, deal_id: str) -> None:
        self.running.change_deal(deal_id, {"is_archived": True})

    def delete_deal(self, deal_id: str) -> None:
        self.running.delete_deal(deal_id)

    def limit_deals(self) -> None:
        self.running.change_company(seats=1, deals_per_seat=1)

    def turn_campaigns_on(self) -> None:
        self.running.change_company(campaigns=True)

    async def add_filter(self, first_name: str) -> str:
        from pipedrive_sandbox.fields import field_set
        from pipedrive_sandbox.filters import create

        account = self.running.account
        name_field = field_set(account, "person").by_code("first_name")
        assert name_field is not None
        is_so = {"object": "person", "field_id": name_field["id"], "operator": "=", "value": first_name}
        groups = [{"glue": "and", "conditions": [is_so]}, {"glue": "or", "conditions": []}]
        with self.running.sandbox.state.transaction():
            return str(create(account, first_name, "people", {"glue": "and", "conditions": groups})["id"])

    async def delete_filter(self, filter_id: str) -> None:
        with self.running.sandbox.state.transaction():
            kept = self.running.account.records("filter")
            found = kept.get(self.running.company_id, int(filter_id))
            assert found is not None
            kept.save(self.running.company_id, found | {"is_deleted": True})


async def custom_fields(running: RunningSandbox) -> dict[Kind, str]:
    from pipedrive_sandbox.fields import create_field
    from pipedrive_sandbox.state import Actor

    fields = {}
    with running.sandbox.state.transaction():
        for kind in HELD:
            given: dict[str, Any] = {"field_name": f"A {kind.value}", "field_type": VENDOR_TYPES[kind]}
            if kind in (Kind.OPTION, Kind.OPTIONS):
                given |= {"options": [{"label": label} for label in ("Red", "Green", "Blue")]}
            fields[kind] = create_field(running.account, "person", given, Actor(1, "app"))["field_code"]
    return fields


@pytest.fixture(scope="module")
def documents() -> OfficialDocuments | None:
    try:
        return official_documents()
    except pytest.skip.Exception:
        return None


class TestPipedriveOnSandbox(CrmContract):
    @pytest.fixture
    async def under_test(self, documents: OfficialDocuments | None) -> AsyncIterator[SandboxUnderTest]:
        async with running_sandbox() as running:
            yield SandboxUnderTest(running, running.crm(), await custom_fields(running))
            if documents is not None:
                assert [
                    problem
                    for request in running.recorder.requests
                    for problem in documents.problems(request)
                ] == []
