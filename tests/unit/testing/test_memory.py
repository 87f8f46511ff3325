"""The apps in memory keep what the ports promise, and refuse what the real ones refuse."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.pairs import OUTREACH, OUTREACH_FIELDS, PIPEDRIVE, PIPEDRIVE_FIELDS
from tidegate.core.catalogue import NamedList
from tidegate.core.records import ORGANIZATION, Gone, Record
from tidegate.core.values import MISSING
from tidegate.errors import BudgetSpent, InvalidForRemote, RecordGone, RemoteUnavailable
from tidegate.ports import UNCHANGED, Clock, Crm, OutreachApp, Quota, WebhookRequest
from tidegate.testing.clock import ManualClock
from tidegate.testing.crm import PAGE, Delivery, MemoryCrm
from tidegate.testing.outreach import MemoryOutreach
from tidegate.testing.quota import CountingQuota

ANN = ("ann@a.example",)


def make_outreach() -> MemoryOutreach:
    return MemoryOutreach(OUTREACH_FIELDS, [NamedList("1", "Prospects"), NamedList("2", "Others")])


def make_crm(**facts) -> MemoryCrm:
    return MemoryCrm(PIPEDRIVE_FIELDS, **facts)


def test_they_fit_their_ports():
    outreach: OutreachApp = make_outreach()
    crm: Crm = make_crm()
    clock: Clock = ManualClock()
    quota: Quota = CountingQuota()

    assert all([outreach, crm, clock, quota])


# --- The outreach app ---


async def test_the_same_key_again_answers_the_prospect_made_then():
    outreach = make_outreach()

    first = await outreach.create_prospect({"email": ANN}, list_id="1", key="k")
    again = await outreach.create_prospect({"email": ANN}, list_id="1", key="k")

    assert first.id == again.id
    assert outreach.ids == [first.id]
    assert outreach.status[first.id] == "unverified"
    assert first.list_ids == {"1"}


async def test_a_lost_answer_does_not_undo_the_write():
    outreach = make_outreach()
    outreach.faults.fail("create_prospect", RemoteUnavailable(sent=True), after=True)

    with pytest.raises(RemoteUnavailable):
        await outreach.create_prospect({"email": ANN}, list_id="1", key="k")

    assert await outreach.find_by_emails(ANN) == {"ann@a.example": ("1",)}


async def test_a_failure_before_the_write_leaves_nothing():
    outreach = make_outreach()
    outreach.faults.fail("*", RemoteUnavailable(sent=False), times=2)

    for _ in range(2):
        with pytest.raises(RemoteUnavailable):
            await outreach.create_prospect({"email": ANN}, list_id="1", key="k")

    assert outreach.ids == []
    assert outreach.faults.calls["create_prospect"] == 2


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"nickname": "Al"}, "no field “nickname”"),
        ({"first_name": "x" * 31}, "longer than 30"),
        ({"first_name": Decimal(1)}, "not of the type text"),
        ({"custom.heat": "Icy"}, "no such option: Icy"),
        ({"first_name": MISSING}, "not a value"),
    ],
)
async def test_what_does_not_fit_is_refused_and_nothing_is_written(values, told):
    outreach = make_outreach()
    prospect_id = outreach.add({"email": ANN})

    with pytest.raises(InvalidForRemote, match=told):
        await outreach.update_prospect(prospect_id, {"last_name": "Smith", **values}, seen=None)

    assert outreach.record(prospect_id).value("last_name") is None


async def test_deleted_prospects_are_gone_until_they_are_restored():
    outreach = make_outreach()
    prospect_id = outreach.add({"email": ANN})
    outreach.delete(prospect_id)

    assert await outreach.get_prospects([prospect_id, "99"]) == {
        prospect_id: Gone(OUTREACH, prospect_id),
        "99": Gone(OUTREACH, "99"),
    }
    with pytest.raises(RecordGone):
        await outreach.update_prospect(prospect_id, {}, seen=None)
    outreach.restore(prospect_id)
    assert isinstance((await outreach.get_prospects([prospect_id]))[prospect_id], Record)


async def test_a_walk_meets_each_prospect_of_the_lists_once():
    outreach = make_outreach()
    for number in range(5):
        outreach.add({"email": (f"p{number}@a.example",)}, list_ids=("1", "2") if number % 2 else ("2",))

    seen, cursor = [], None
    for _ in range(10):
        page = await outreach.walk(list_ids=["1", "2"], cursor=cursor, limit=2)
        seen += [record.id for record in page.records]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == ["1", "2", "3", "4", "5"]
    assert await outreach.count(list_ids=["1"]) == 2
    assert [named.size for named in (await outreach.read_catalogue()).lists] == [2, 5]


# --- Pipedrive ---


async def test_a_person_shows_its_organization_by_id_alone():
    crm = make_crm()
    organization = await crm.create_organization("Acme", owner_id="7")

    person = await crm.create_person({"email": ANN}, owner_id="7", organization_id=organization.id)

    assert person.organization_id == organization.id
    assert person.value(ORGANIZATION) is MISSING
    with pytest.raises(InvalidForRemote, match="set by its id"):
        await crm.update_person(person.id, {ORGANIZATION: "Acme"}, seen=person, organization_id=UNCHANGED)
    with pytest.raises(InvalidForRemote, match="no such organization"):
        await crm.update_person(person.id, {}, seen=person, organization_id="99")


async def test_only_what_is_named_is_changed():
    crm = make_crm()
    organization_id = crm.add_organization("Acme")
    person_id = crm.add_person({"email": ANN, "first_name": "Ann"}, organization_id=organization_id)

    kept = await crm.update_person(person_id, {"last_name": "Smith"}, seen=None, organization_id=UNCHANGED)
    left = await crm.update_person(person_id, {}, seen=None, organization_id=None)

    assert (kept.value("first_name"), kept.value("last_name")) == ("Ann", "Smith")
    assert (kept.organization_id, left.organization_id) == (organization_id, None)


async def test_a_name_of_one_part_is_split_at_its_first_space():
    crm = make_crm()

    person = await crm.create_person({"first_name": "Mary Jane"}, owner_id="7", organization_id=None)
    moved = await crm.create_person({"last_name": "Smith"}, owner_id="7", organization_id=None)

    assert (person.value("first_name"), person.value("last_name")) == ("Mary", "Jane")
    assert (moved.value("first_name"), moved.value("last_name")) == ("Smith", None)


async def test_a_changed_part_of_a_name_is_taken_with_the_other_one():
    crm = make_crm()
    person_id = crm.add_person({"first_name": "Ann", "last_name": "Smith"})

    person = await crm.update_person(person_id, {"first_name": None}, seen=None, organization_id=UNCHANGED)

    assert (person.value("first_name"), person.value("last_name")) == ("Smith", None)


async def test_a_merge_fills_the_survivor_and_tells_both():
    crm = make_crm()
    loser = crm.add_person({"email": ("a@x.de",), "first_name": "Ann", "phone": ("1",)})
    survivor = crm.add_person({"email": ("b@x.de",), "first_name": "Anna"})
    crm.deliveries.clear()

    crm.merge_persons(loser, survivor)

    kept = crm.person(survivor)
    assert (kept.value("first_name"), kept.emails, kept.value("phone")) == (
        "Anna",
        ("b@x.de", "a@x.de"),
        ("1",),
    )
    assert crm.deliveries == [
        Delivery("person", "delete", loser, merged_into=survivor),
        Delivery("person", "change", survivor, kept),
    ]
    assert await crm.get_persons([loser]) == {loser: Gone(PIPEDRIVE, loser, deleted=True)}


async def test_a_person_that_may_not_be_seen_looks_gone():
    crm = make_crm()
    person_id = crm.add_person({"email": ANN})
    crm.hide_person(person_id)

    assert await crm.get_persons([person_id]) == {person_id: Gone(PIPEDRIVE, person_id)}
    crm.hide_person(person_id, hidden=False)
    assert isinstance((await crm.get_persons([person_id]))[person_id], Record)


async def test_a_catch_up_starts_with_the_second_it_is_asked_for():
    clock = ManualClock()
    crm = make_crm(clock=clock)
    crm.add_person({"first_name": "Early"})
    clock.move(10.4)
    since = clock.now().replace(microsecond=0)
    late = crm.add_person({"first_name": "Late"})

    page = await crm.walk_persons(updated_since=since)

    assert [record.id for record in page.records] == [late]
    assert len((await crm.walk_persons(updated_since=since - timedelta(seconds=10))).records) == 2


async def test_persons_come_five_hundred_at_a_time_for_ten_tokens():
    crm = make_crm()
    for number in range(PAGE + 1):
        crm.add_person({"first_name": str(number)})

    first = await crm.walk_persons()
    last = await crm.walk_persons(cursor=first.next_cursor)

    assert (len(first.records), len(last.records), last.next_cursor) == (PAGE, 1, None)
    assert crm.tokens == {"walk_persons": 20}


async def test_tokens_follow_the_price_list_and_can_run_out():
    quota = CountingQuota(budget=12)
    crm = make_crm(quota=quota)

    await crm.create_person({"first_name": "Ann"}, owner_id="7", organization_id=None)
    await crm.get_persons([str(number) for number in range(7)])

    with pytest.raises(BudgetSpent):
        await crm.get_persons(["1"])
    assert quota.spent == 12


async def test_the_forty_first_webhook_is_refused():
    crm = make_crm()
    request = WebhookRequest("https://t.example/hook", "person", "*", "Tidegate", "user", "secret")
    for _ in range(40):
        await crm.create_webhook(request)

    with pytest.raises(InvalidForRemote):
        await crm.create_webhook(request)

    first, *_ = await crm.list_webhooks()
    await crm.delete_webhook(first.id)
    await crm.delete_webhook(first.id)
    assert len(await crm.list_webhooks()) == 39


async def test_a_lost_answer_says_that_the_person_may_exist():
    crm = make_crm()
    crm.lose_answer("create_person")

    with pytest.raises(RemoteUnavailable) as caught:
        await crm.create_person({"email": ANN}, owner_id="7", organization_id=None)

    assert caught.value.sent
    assert len(crm.person_ids) == 1


async def test_a_manual_clock_moves_while_it_sleeps():
    clock = ManualClock()
    before = clock.now()

    await clock.sleep(30)

    assert clock.now() - before == timedelta(seconds=30)
    assert clock.monotonic() == 30
