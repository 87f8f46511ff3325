"""Deliveries as the sandbox sends them, read by the adapter, beside what REST shows of the same person."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from tests.contract.crm_contract import ADA, HELD
from tests.contract.test_crm_on_sandbox import custom_fields
from tests.sandbox import RunningSandbox, running_sandbox
from tidegate.adapters.pipedrive.api import Pipedrive
from tidegate.adapters.pipedrive.webhooks import (
    check_genuine,
    plan_webhooks,
    read_delivery,
    wanted_webhooks,
    wished_webhooks,
)
from tidegate.core.records import EMAIL, LAST_NAME, PHONE
from tidegate.core.values import MISSING, Kind
from tidegate.errors import InvalidForRemote, NotGenuine
from tidegate.ports import UNCHANGED, Happening


@dataclass
class Receiver:
    """Our webhook address: keeps what arrives."""

    url: str = ""
    got: "asyncio.Queue[tuple[str, bytes]]" = field(default_factory=asyncio.Queue)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        await self.got.put((request.headers.get("Authorization", ""), await request.read()))
        return web.Response()

    async def next(self) -> tuple[str, bytes]:
        async with asyncio.timeout(5):
            return await self.got.get()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    runner = web.ServerRunner(web.Server(receiver.handle), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/pipedrive/abc"
    yield receiver
    await runner.cleanup()


@pytest.fixture
async def running() -> AsyncIterator[RunningSandbox]:
    async with running_sandbox() as running:
        yield running


@dataclass
class Listening:
    crm: Pipedrive
    receiver: Receiver
    fields: dict[Kind, str]

    async def next(self) -> Happening:
        authorization, body = await self.receiver.next()
        check_genuine(authorization, user="tidegate", password="s3cret")
        happening, *_ = read_delivery(body, (await self.crm.read_catalogue()).fields)
        return happening


@pytest.fixture
async def listening(running: RunningSandbox, receiver: Receiver) -> Listening:
    fields = await custom_fields(running)
    crm = running.crm()
    create, _ = plan_webhooks((), wanted_webhooks(receiver.url, "tidegate", "s3cret"))
    for request in create:
        await crm.create_webhook(request)
    return Listening(crm, receiver, fields)


async def test_deliveries_carry_our_credentials(listening):
    await listening.crm.create_person(ADA, owner_id=None, organization_id=None)
    authorization, _ = await listening.receiver.next()
    check_genuine(authorization, user="tidegate", password="s3cret")
    with pytest.raises(NotGenuine):
        check_genuine(authorization, user="tidegate", password="other")


async def test_a_delivery_shows_the_person_as_rest_does(listening):
    values = (
        ADA
        | {PHONE: ("+44 20 7946 0000",)}
        | {listening.fields[kind]: some[0] for kind, some in HELD.items()}
    )
    created = await listening.crm.create_person(values, owner_id=None, organization_id=None)
    happening = await listening.next()
    assert (happening.entity, happening.record_id, happening.action) == ("person", created.id, "create")
    assert happening.body is not None
    assert happening.body.emails == created.emails
    assert happening.body.labels == created.labels
    # Webhooks name a time zone by number alone, so that a time can't be told from them.
    untold = {listening.fields[Kind.TIME], listening.fields[Kind.TIME_RANGE]}
    assert all(happening.body.value(key) is MISSING for key in untold)
    assert dict(happening.body.values) == {
        key: value for key, value in created.values.items() if key not in untold
    }


async def test_an_emptied_field_is_empty_in_a_delivery_too(listening):
    created = await listening.crm.create_person(ADA | {PHONE: ("1234",)}, owner_id=None, organization_id=None)
    await listening.next()
    await listening.crm.update_person(
        created.id, {EMAIL: None, PHONE: None}, seen=created, organization_id=UNCHANGED
    )
    happening = await listening.next()
    assert happening.action == "change"
    assert happening.body is not None
    assert (happening.body.value(EMAIL), happening.body.value(PHONE)) == (None, None)
    assert all(happening.body.value(key) is None for key in listening.fields.values())


async def test_a_new_field_is_told_where_field_definitions_are_listened_to(listening):
    (first, *_) = wished_webhooks(listening.receiver.url, "tidegate", "s3cret")
    await listening.crm.create_webhook(first)
    made = await listening.crm.create_field("Shoe size", Kind.NUMBER)
    happening = await listening.next()
    assert (happening.entity, happening.action) == ("person_field", "create")
    assert made.key


async def test_a_delete_is_told(listening, running):
    created = await listening.crm.create_person(ADA, owner_id=None, organization_id=None)
    await listening.next()
    running.delete_person(created.id)
    happening = await listening.next()
    assert (happening.record_id, happening.action, happening.merged_into) == (created.id, "delete", None)


async def test_organizations_are_told_too(listening):
    created = await listening.crm.create_organization("Engine Ltd", owner_id=None)
    happening = await listening.next()
    assert (happening.entity, happening.record_id) == ("organization", created.id)
    assert happening.body is not None
    assert happening.body.name == "Engine Ltd"


async def test_every_event_has_an_id_of_its_own(listening):
    created = await listening.crm.create_person(ADA, owner_id=None, organization_id=None)
    await listening.crm.update_person(
        created.id, {LAST_NAME: "King"}, seen=created, organization_id=UNCHANGED
    )
    assert (await listening.next()).event_id != (await listening.next()).event_id


async def test_a_webhook_is_made_only_where_somebody_answers(running, receiver):
    running.sandbox.state.switches.set("webhook_probe", True)
    crm = running.crm()
    (reached, *_) = wanted_webhooks(receiver.url, "tidegate", "s3cret")
    (unreached, *_) = wanted_webhooks("http://127.0.0.1:1/hooks/pipedrive/abc", "tidegate", "s3cret")

    await crm.create_webhook(reached)
    with pytest.raises(InvalidForRemote, match="non-reachable URL"):
        await crm.create_webhook(unreached)

    assert await receiver.next() == ("", b"{}")
    assert [each.url for each in await crm.list_webhooks()] == [receiver.url]


async def test_webhooks_at_an_older_address_are_replaced(listening):
    wanted = wanted_webhooks("http://127.0.0.1:1/hooks/pipedrive/abc", "tidegate", "s3cret")
    create, delete = plan_webhooks(await listening.crm.list_webhooks(), wanted)
    assert (len(create), len(delete)) == (5, 5)
    for request in create:
        await listening.crm.create_webhook(request)
    for webhook_id in delete:
        await listening.crm.delete_webhook(webhook_id)
    assert plan_webhooks(await listening.crm.list_webhooks(), wanted) == ((), ())
