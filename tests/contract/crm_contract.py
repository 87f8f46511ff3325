"""How every implementation of the `Crm` port behaves. One class of behaviours; a subclass brings one implementation."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Protocol

import pytest

from tests.contract.sales_contract import SalesContract
from tidegate.adapters.pipedrive.webhooks import plan_webhooks, wanted_webhooks
from tidegate.core.records import EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME, ORGANIZATION, PHONE, Gone, Record
from tidegate.core.values import (
    Address,
    DateRange,
    Kind,
    Money,
    TimeOfDay,
    TimeRange,
    Value,
    is_empty,
    same,
)
from tidegate.errors import InvalidForRemote, MappingBroken, RecordGone
from tidegate.ports import UNCHANGED, Clock, Crm

HELD: Mapping[Kind, tuple[Value, ...]] = {
    Kind.TEXT: ("First of her kind", "x" * 255, "ünïcode ☂"),
    Kind.LONG_TEXT: ("one\ntwo", "y" * 5_000),
    Kind.NUMBER: (Decimal("12.5"), Decimal(0), Decimal(-3), Decimal("0.000001"), Decimal("123456789012345")),
    Kind.MONEY: (Money(Decimal("99.95"), "EUR"), Money(Decimal(0), "USD")),
    Kind.DATE: (date(2026, 2, 28), date(1999, 12, 31)),
    Kind.TIME: (TimeOfDay(time(9, 30), "Europe/London"), TimeOfDay(time(0), "Europe/London")),
    Kind.DATE_RANGE: (DateRange(date(2026, 1, 1), date(2026, 2, 1)),),
    Kind.TIME_RANGE: (TimeRange(time(9), time(11, 30), "Europe/London"),),
    Kind.OPTION: ("Red", "Blue"),
    Kind.OPTIONS: (("Red",), ("Red", "Blue")),
    Kind.PHONE: (("+44 20 7946 0000",),),
    Kind.ADDRESS: (Address("530 Fifth Ave, New York"),),
}
"""What a custom field of each kind must hold. Option fields offer Red, Green and Blue."""
CASES = [(kind, value) for kind, values in HELD.items() for value in values]
ADA: dict[str, Value] = {FIRST_NAME: "Ada", LAST_NAME: "Lovelace", EMAIL: ("ada@engine.example",)}


class CrmUnderTest(Protocol):
    """An implementation with an account of its own, empty but for its users, pipelines and custom fields."""

    crm: Crm
    clock: Clock
    fields: Mapping[Kind, str]
    """The key of one custom field of each kind of `HELD`."""

    async def delete_person(self, person_id: str) -> None: ...

    async def add_persons(self, count: int) -> None: ...

    async def let_a_second_pass(self) -> None: ...

    async def add_filter(self, first_name: str) -> str:
        """A saved filter that holds the persons of this first name."""
        ...

    async def delete_filter(self, filter_id: str) -> None: ...


async def made(
    under_test: CrmUnderTest, values: Mapping[str, Value] = ADA, *, organization_id: str | None = None
) -> Record:
    return await under_test.crm.create_person(values, owner_id=None, organization_id=organization_id)


async def found(under_test: CrmUnderTest, person_id: str) -> Record:
    seen = (await under_test.crm.get_persons([person_id]))[person_id]
    assert isinstance(seen, Record)
    return seen


class CrmContract(SalesContract):
    @pytest.fixture
    def under_test(self) -> CrmUnderTest:
        raise NotImplementedError

    # The account

    async def test_the_account_has_a_company_and_a_user(self, under_test):
        account = await under_test.crm.who_am_i()
        assert account.company_id
        assert account.company_name
        assert account.user_id

    async def test_the_catalogue_has_the_fields_every_person_has(self, under_test):
        catalogue = await under_test.crm.read_catalogue()
        for key, kind in {
            FIRST_NAME: Kind.TEXT,
            LAST_NAME: Kind.TEXT,
            EMAIL: Kind.EMAIL,
            PHONE: Kind.PHONE,
            ORGANIZATION: Kind.TEXT,
        }.items():
            field = catalogue.field(key)
            assert field is not None
            assert (field.kind, field.custom, field.writable) == (kind, False, True)

    @pytest.mark.parametrize("kind", HELD)
    async def test_the_catalogue_has_custom_fields_of_every_kind(self, under_test, kind):
        field = (await under_test.crm.read_catalogue()).field(under_test.fields[kind])
        assert field is not None
        assert (field.kind, field.custom, field.writable) == (kind, True, True)
        if kind in (Kind.OPTION, Kind.OPTIONS):
            assert [option.label for option in field.options] == ["Red", "Green", "Blue"]

    async def test_the_catalogue_knows_users_and_pipelines_with_their_stages_in_order(self, under_test):
        catalogue = await under_test.crm.read_catalogue()
        me = (await under_test.crm.who_am_i()).user_id
        assert [user.id for user in catalogue.users if user.is_me] == [me]
        assert catalogue.pipelines
        for pipeline in catalogue.pipelines:
            assert pipeline.stages
            assert [stage.order for stage in pipeline.stages] == sorted(
                stage.order for stage in pipeline.stages
            )

    # Fields made on the spot

    @pytest.mark.parametrize("kind", [*HELD, Kind.LINK])
    async def test_a_field_of_every_kind_can_be_made_and_then_holds_its_values(self, under_test, kind):
        options = ("Red", "Blue") if kind in (Kind.OPTION, Kind.OPTIONS) else ()
        field = await under_test.crm.create_field(f"New {kind.value}", kind, options)
        assert (field.name, field.custom, field.writable) == (f"New {kind.value}", True, True)
        assert field.kind is (Kind.TEXT if kind is Kind.LINK else kind)
        assert tuple(option.label for option in field.options) == options
        value = "https://engine.example" if kind is Kind.LINK else HELD[kind][0]
        assert same(field.kind, (await made(under_test, ADA | {field.key: value})).value(field.key), value)
        assert (await under_test.crm.read_catalogue()).field(field.key) == field

    @pytest.mark.parametrize("kind", [Kind.BOOLEAN, Kind.DATETIME, Kind.EMAIL, Kind.UNKNOWN])
    async def test_a_field_of_a_kind_that_nobody_can_make_is_refused(self, under_test, kind):
        with pytest.raises(InvalidForRemote):
            await under_test.crm.create_field("New", kind)

    @pytest.mark.parametrize(
        ("name", "kind"), [("", Kind.TEXT), ("x" * 256, Kind.TEXT), ("New", Kind.OPTION)]
    )
    async def test_a_field_without_a_name_or_options_is_refused(self, under_test, name, kind):
        before = (await under_test.crm.read_catalogue()).fields
        with pytest.raises(InvalidForRemote):
            await under_test.crm.create_field(name, kind)
        assert (await under_test.crm.read_catalogue()).fields == before

    @pytest.mark.parametrize("kind", [Kind.OPTION, Kind.OPTIONS])
    async def test_options_are_added_behind_those_that_are_there(self, under_test, kind):
        field = (await under_test.crm.read_catalogue()).field(under_test.fields[kind])
        assert field is not None
        added = await under_test.crm.add_options(field, ["Violet", "White"])
        assert [option.label for option in added] == ["Violet", "White"]
        now = (await under_test.crm.read_catalogue()).field(field.key)
        assert now is not None
        assert now.options == (*field.options, *added)
        value = "White" if kind is Kind.OPTION else ("Red", "White")
        assert (await made(under_test, ADA | {field.key: value})).value(field.key) == value

    async def test_only_option_fields_take_options(self, under_test):
        field = (await under_test.crm.read_catalogue()).field(under_test.fields[Kind.TEXT])
        assert field is not None
        with pytest.raises(InvalidForRemote):
            await under_test.crm.add_options(field, ["Violet"])

    async def test_a_field_that_is_gone_takes_no_options(self, under_test):
        field = (await under_test.crm.read_catalogue()).field(under_test.fields[Kind.OPTION])
        assert field is not None
        with pytest.raises(RecordGone):
            await under_test.crm.add_options(replace(field, key="f" * 40), ["Violet"])

    # Saved filters

    async def test_the_catalogue_names_saved_filters(self, under_test):
        filter_id = await under_test.add_filter("Ada")
        catalogue = await under_test.crm.read_catalogue()
        assert catalogue.filter_of(filter_id) is not None

    async def test_a_filter_tells_who_is_in_it_and_is_walked_over(self, under_test):
        filter_id = await under_test.add_filter("Ada")
        ada = await made(under_test)
        await under_test.let_a_second_pass()
        grace = await made(under_test, {FIRST_NAME: "Grace", LAST_NAME: "Hopper"})
        assert await under_test.crm.in_filter(filter_id, [ada, grace]) == {ada.id}
        assert await under_test.crm.in_filter(filter_id, [grace]) == frozenset()
        walked = (await under_test.crm.walk_persons(filter_id=filter_id)).records
        assert [record.id for record in walked] == [ada.id]

    async def test_a_filter_that_is_gone_is_told(self, under_test):
        filter_id = await under_test.add_filter("Ada")
        ada = await made(under_test)
        await under_test.delete_filter(filter_id)
        with pytest.raises(MappingBroken):
            await under_test.crm.in_filter(filter_id, [ada])
        with pytest.raises(MappingBroken):
            await under_test.crm.walk_persons(filter_id=filter_id)
        assert (await under_test.crm.read_catalogue()).filter_of(filter_id) is None

    # Persons, one by one

    async def test_a_created_person_comes_back_and_is_found(self, under_test):
        created = await made(under_test, ADA | {PHONE: ("+44 20 7946 0000",)})
        again = await found(under_test, created.id)
        for record in (created, again):
            assert record.value(FIRST_NAME) == "Ada"
            assert record.value(LAST_NAME) == "Lovelace"
            assert record.emails == record.value(EMAIL) == ("ada@engine.example",)
            assert record.value(PHONE) == ("+44 20 7946 0000",)
            assert record.owner_id == (await under_test.crm.who_am_i()).user_id
            assert record.updated_at is not None
        assert created.values == again.values

    @pytest.mark.parametrize(("kind", "value"), CASES)
    async def test_a_field_gives_back_what_it_was_given(self, under_test, kind, value):
        key = under_test.fields[kind]
        created = await made(under_test, ADA | {key: value})
        assert same(kind, created.value(key), value)
        assert same(kind, (await found(under_test, created.id)).value(key), value)

    @pytest.mark.parametrize("kind", HELD)
    async def test_a_field_can_be_emptied(self, under_test, kind):
        key = under_test.fields[kind]
        created = await made(under_test, ADA | {key: HELD[kind][0]})
        emptied = await under_test.crm.update_person(
            created.id, {key: None}, seen=created, organization_id=UNCHANGED
        )
        assert is_empty(emptied.value(key))
        assert is_empty((await found(under_test, created.id)).value(key))

    async def test_an_empty_field_is_shown_as_empty_and_not_as_missing(self, under_test):
        created = await made(under_test)
        assert all(is_empty(created.value(key)) for key in under_test.fields.values())

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            (Kind.OPTION, "Purple"),
            (Kind.OPTIONS, ("Red", "Purple")),
            (Kind.TEXT, "x" * 256),
            (Kind.PHONE, ("1", "2")),
        ],
    )
    async def test_a_value_that_does_not_fit_is_refused_and_nothing_is_written(self, under_test, kind, value):
        before = (await under_test.crm.walk_persons()).records
        with pytest.raises(InvalidForRemote):
            await made(under_test, ADA | {under_test.fields[kind]: value})
        assert (await under_test.crm.walk_persons()).records == before

    @pytest.mark.parametrize(("first", "last"), [("Ada", None), (None, None)])
    async def test_names_that_are_not_there_stay_empty(self, under_test, first, last):
        created = await made(under_test, {FIRST_NAME: first, LAST_NAME: last, EMAIL: ("ada@engine.example",)})
        assert (created.value(FIRST_NAME), created.value(LAST_NAME)) == (first, last)
        assert created.name

    async def test_a_person_of_whom_nothing_is_known_is_refused(self, under_test):
        with pytest.raises(InvalidForRemote):
            await made(under_test, {})

    async def test_an_update_sets_its_fields_and_no_others(self, under_test):
        key = under_test.fields[Kind.TEXT]
        created = await made(under_test, ADA | {key: "before", PHONE: ("+44 20 7946 0000",)})
        updated = await under_test.crm.update_person(
            created.id, {key: "after"}, seen=created, organization_id=UNCHANGED
        )
        assert updated.values == {**created.values, **_stamps(updated), key: "after"}

    async def test_one_name_can_change_alone(self, under_test):
        created = await made(under_test)
        updated = await under_test.crm.update_person(
            created.id, {LAST_NAME: "King"}, seen=created, organization_id=UNCHANGED
        )
        assert (updated.value(FIRST_NAME), updated.value(LAST_NAME)) == ("Ada", "King")

    async def test_names_can_be_taken_away(self, under_test):
        created = await made(under_test)
        updated = await under_test.crm.update_person(
            created.id, {FIRST_NAME: None, LAST_NAME: None}, seen=created, organization_id=UNCHANGED
        )
        assert (updated.value(FIRST_NAME), updated.value(LAST_NAME)) == (None, None)

    async def test_a_person_can_be_updated_unseen(self, under_test):
        created = await made(under_test)
        updated = await under_test.crm.update_person(
            created.id, {LAST_NAME: "King"}, seen=None, organization_id=UNCHANGED
        )
        assert (updated.value(FIRST_NAME), updated.value(LAST_NAME)) == ("Ada", "King")

    async def test_addresses_are_replaced_in_order_and_keep_their_labels(self, under_test):
        created = await made(under_test, ADA | {EMAIL: ("a@one.example", "b@two.example")})
        updated = await under_test.crm.update_person(
            created.id, {EMAIL: ("b@two.example", "c@three.example")}, seen=created, organization_id=UNCHANGED
        )
        assert updated.value(EMAIL) == ("b@two.example", "c@three.example")
        assert updated.labels.get("b@two.example") == created.labels.get("b@two.example")

    async def test_all_addresses_and_numbers_can_be_taken_away(self, under_test):
        created = await made(under_test, ADA | {PHONE: ("+44 20 7946 0000",)})
        updated = await under_test.crm.update_person(
            created.id, {EMAIL: None, PHONE: ()}, seen=created, organization_id=UNCHANGED
        )
        assert is_empty(updated.value(EMAIL))
        assert is_empty(updated.value(PHONE))
        assert updated.emails == ()

    async def test_a_job_title_can_be_set_and_emptied(self, under_test):
        if (await under_test.crm.read_catalogue()).field(JOB_TITLE) is None:
            pytest.skip("this account lists no job title among its person fields")
        created = await made(under_test, ADA | {JOB_TITLE: "Analyst"})
        assert created.value(JOB_TITLE) == "Analyst"
        updated = await under_test.crm.update_person(
            created.id, {JOB_TITLE: None}, seen=created, organization_id=UNCHANGED
        )
        assert is_empty(updated.value(JOB_TITLE))

    # Persons that are gone

    async def test_unknown_and_deleted_persons_are_gone(self, under_test):
        stays, goes = await made(under_test), await made(under_test)
        await under_test.delete_person(goes.id)
        seen = await under_test.crm.get_persons([stays.id, goes.id, "999999"])
        assert isinstance(seen[stays.id], Record)
        assert seen[goes.id] == Gone(goes.side, goes.id, deleted=True)
        assert seen["999999"] == Gone(goes.side, "999999")

    async def test_a_deleted_person_can_not_be_updated(self, under_test):
        created = await made(under_test)
        await under_test.delete_person(created.id)
        with pytest.raises(RecordGone):
            await under_test.crm.update_person(
                created.id, {LAST_NAME: "King"}, seen=created, organization_id=UNCHANGED
            )

    async def test_a_person_is_deleted_and_deleting_it_again_is_fine(self, under_test):
        stays, goes = await made(under_test), await made(under_test)
        for _ in range(2):
            await under_test.crm.remove_person(goes.id)
        seen = await under_test.crm.get_persons([stays.id, goes.id])
        assert isinstance(seen[stays.id], Record)
        assert isinstance(seen[goes.id], Gone)

    async def test_nothing_hangs_on_a_new_person_and_a_deleted_one_is_left_out(self, under_test):
        stays, goes = await made(under_test), await made(under_test)
        await under_test.crm.remove_person(goes.id)
        assert await under_test.crm.attachments("person", [stays.id, goes.id]) == {stays.id: 0}

    # Many persons

    async def test_many_persons_are_read_at_once(self, under_test):
        await under_test.add_persons(130)
        ids = [record.id for record in (await under_test.crm.walk_persons()).records]
        for count in (0, 1, 9, 10, 11, 100, 101, 130):
            assert set(await under_test.crm.get_persons(ids[:count])) == set(ids[:count])

    async def test_a_walk_shows_everyone_once_in_pages_without_the_deleted(self, under_test):
        await under_test.add_persons(503)
        goes = await made(under_test)
        await under_test.delete_person(goes.id)
        ids: list[str] = []
        sizes = []
        cursor = None
        while True:
            page = await under_test.crm.walk_persons(cursor=cursor)
            ids += [record.id for record in page.records]
            sizes.append(len(page.records))
            cursor = page.next_cursor
            if cursor is None:
                break
        assert (len(ids), len(set(ids)), sizes) == (503, 503, [500, 3])
        assert ids == sorted(ids, key=int)

    async def test_a_walk_over_changes_shows_what_changed_since(self, under_test):
        before = await made(under_test)
        await under_test.let_a_second_pass()
        after = await made(under_test)
        assert after.updated_at is not None
        page = await under_test.crm.walk_persons(updated_since=after.updated_at)
        assert [record.id for record in page.records] == [after.id]
        page = await under_test.crm.walk_persons(updated_since=after.updated_at - timedelta(hours=1))
        assert [record.id for record in page.records] == [before.id, after.id]

    # Organizations

    async def test_an_organization_is_created_found_and_walked(self, under_test):
        created = await under_test.crm.create_organization("Engine Ltd", owner_id=None)
        assert created.name == "Engine Ltd"
        assert (await under_test.crm.get_organizations([created.id, "999999"])) == {created.id: created}
        assert created in (await under_test.crm.walk_organizations()).organizations

    async def test_a_persons_organization_is_set_changed_left_and_taken_away(self, under_test):
        one = await under_test.crm.create_organization("One Ltd", owner_id=None)
        two = await under_test.crm.create_organization("Two Ltd", owner_id=None)
        person = await made(under_test, organization_id=one.id)
        assert person.organization_id == one.id
        for wanted, expected in ((UNCHANGED, one.id), (two.id, two.id), (None, None)):
            person = await under_test.crm.update_person(
                person.id, {LAST_NAME: "King"}, seen=person, organization_id=wanted
            )
            assert person.organization_id == expected

    async def test_an_organizations_persons_hang_on_it_until_they_are_deleted(self, under_test):
        organization = await under_test.crm.create_organization("Engine Ltd", owner_id=None)
        person = await made(under_test, organization_id=organization.id)
        assert await under_test.crm.attachments("organization", [organization.id]) == {organization.id: 1}
        await under_test.crm.remove_person(person.id)
        assert await under_test.crm.attachments("organization", [organization.id]) == {organization.id: 0}

    async def test_an_organization_is_deleted_and_deleting_it_again_is_fine(self, under_test):
        organization = await under_test.crm.create_organization("Engine Ltd", owner_id=None)
        for _ in range(2):
            await under_test.crm.remove_organization(organization.id)
        assert await under_test.crm.get_organizations([organization.id]) == {}
        assert await under_test.crm.attachments("organization", [organization.id]) == {}

    # Webhooks

    async def test_webhooks_are_made_so_once(self, under_test):
        wanted = wanted_webhooks("http://127.0.0.1:9/hooks/pipedrive/abc", "tidegate", "s3cret")
        for _ in range(2):
            create, delete = plan_webhooks(await under_test.crm.list_webhooks(), wanted)
            for request in create:
                await under_test.crm.create_webhook(request)
            for webhook_id in delete:
                await under_test.crm.delete_webhook(webhook_id)
        listed = await under_test.crm.list_webhooks()
        assert sorted(webhook.event_object for webhook in listed) == sorted(
            request.event_object for request in wanted
        )
        assert plan_webhooks(listed, wanted) == ((), ())

    async def test_a_webhook_can_be_deleted_twice(self, under_test):
        (request, *_) = wanted_webhooks("http://127.0.0.1:9/hooks/pipedrive/abc", "tidegate", "s3cret")
        webhook = await under_test.crm.create_webhook(request)
        await under_test.crm.delete_webhook(webhook.id)
        await under_test.crm.delete_webhook(webhook.id)
        assert await under_test.crm.list_webhooks() == ()


def _stamps(record: Record) -> dict[str, Value]:
    """Fields that move with every write."""
    return {key: value for key, value in record.values.items() if key in ("update_time", "add_time")}
