"""Seeds, the movable clock, the switches and the faults."""

import asyncio

import pytest

from pipedrive_sandbox import organizations, persons, seed
from pipedrive_sandbox.clock import Clock, rfc3339
from pipedrive_sandbox.database import INDEXES
from pipedrive_sandbox.faults import Faults
from pipedrive_sandbox.seed import Seeder
from pipedrive_sandbox.seed_plan import Plan, people_of_csv
from pipedrive_sandbox.state import Actor, State
from pipedrive_sandbox.switches import SWITCHES, Switches

_opened: list[State] = []


@pytest.fixture(autouse=True)
def _closes_what_it_opened():
    yield
    while _opened:
        _opened.pop().database.close()


def opened(path=":memory:"):
    state = State(str(path))
    _opened.append(state)
    return state


def grown(**given):
    state = opened()
    seeder = Seeder(state, Plan(**given))
    list(seeder.run())
    return seeder


def everyone(seeder):
    return seeder.account.records("person").where(seeder.account.id)


def test_the_same_seed_number_makes_the_same_company():
    first, second = (grown(persons=30, organizations=5, seed=7) for _ in range(2))

    assert [(one["name"], one["emails"]) for one in everyone(first)] == [
        (one["name"], one["emails"]) for one in everyone(second)
    ]
    assert first.codes == second.codes
    assert first.summary()["api_token"] == second.summary()["api_token"]


def test_another_seed_number_makes_another_company():
    assert [one["name"] for one in everyone(grown(persons=30, seed=1))] != [
        one["name"] for one in everyone(grown(persons=30, seed=2))
    ]


def test_given_people_come_first_and_count_among_the_persons():
    people = [
        {
            "name": "Ann Bee",
            "email": "ANN@example.com",
            "organization": "Bee Oy",
            "phone": "1",
            "job_title": "Boss",
        }
    ]

    seeder = grown(persons=4, organizations=1, people=people, emails=["joe.doe@example.org"])
    first, second = everyone(seeder)[:2]

    assert len(everyone(seeder)) == 4
    assert (first["name"], first["emails"][0]["value"]) == ("Ann Bee", "ann@example.com")
    assert first["custom_fields"][seeder.codes["person.Job title"]] == "Boss"
    organization = seeder.account.records("organization").get(seeder.account.id, first["org_id"])
    assert organization["name"] == "Bee Oy"
    assert (second["name"], second["emails"][0]["value"]) == ("Joe Doe", "joe.doe@example.org")


def test_invented_addresses_are_all_in_reserved_domains():
    values = [item["value"] for one in everyone(grown(persons=200)) for item in one["emails"]]

    assert values
    assert all(value.rpartition("@")[2] in ("example.com", "example.org", "example.net") for value in values)


def test_people_are_read_from_a_csv_by_their_usual_headings():
    text = "\ufeffE-mail;First Name;Surname;Company\na@example.com;Ann;Bee;Bee Oy\n;;;\n"

    assert people_of_csv(text) == [
        {"email": "a@example.com", "first_name": "Ann", "last_name": "Bee", "organization": "Bee Oy"}
    ]
    assert people_of_csv("") == []


def test_a_seed_with_unknown_parts_is_refused_by_name():
    with pytest.raises(ValueError, match="persns"):
        Plan.of({"persns": 3})
    with pytest.raises(ValueError, match="no 'nome'"):
        grown(company={"nome": "X"})
    with pytest.raises(ValueError, match=r"Plan must be one of .*, not 'gold'"):
        grown(company={"plan": "gold"})


def test_two_companies_live_side_by_side():
    seeder = grown(persons=3)
    other = Seeder(seeder.state, Plan(persons=2, company={"name": "Other", "domain": "other"}))
    list(other.run())

    assert len(everyone(seeder)) == 3
    assert len(everyone(other)) == 2
    assert seeder.summary()["api_token"] != other.summary()["api_token"]


def indexes_of(state):
    rows = state.database.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    return {sql for (sql,) in rows}


def grown_in(path, large_from, monkeypatch, **given):
    monkeypatch.setattr(seed, "LARGE", large_from)
    state = opened(path)
    seeder = Seeder(state, Plan(seed=5, persons=60, organizations=12, **given))
    list(seeder.run())
    return seeder


def stored(seeder):
    """Everything a seed put in, but for what hangs on the moment it was made."""
    database = seeder.state.database
    people = [{**one, "add_time": "", "update_time": "", "custom_fields": None} for one in everyone(seeder)]
    return people, database.execute("SELECT * FROM search_entry ORDER BY kind, key, field, value").fetchall()


def test_a_large_seed_puts_in_the_same_records_entries_and_indexes_as_a_small_one(tmp_path, monkeypatch):
    small = grown_in(tmp_path / "small", 1_000, monkeypatch)
    large = grown_in(tmp_path / "large", 10, monkeypatch)

    assert stored(small) == stored(large)
    assert indexes_of(small.state) == indexes_of(large.state)
    assert len(indexes_of(large.state)) >= len(INDEXES)
    assert small.summary()["counts"] == large.summary()["counts"]


def test_a_seed_into_a_larger_company_leaves_the_indexes_alone(tmp_path, monkeypatch):
    seeder = grown_in(tmp_path / "state", 10, monkeypatch)
    other = Seeder(seeder.state, Plan(persons=20, organizations=2, company={"domain": "other"}))

    steps = other.run()
    next(steps), next(steps)
    halfway = indexes_of(seeder.state)
    list(steps)

    assert halfway == indexes_of(seeder.state)


def test_a_seeded_person_has_the_keys_of_one_that_was_created(account):
    created = persons.create(account, {"name": "Ann Bee"}, Actor(1))

    *seeded, last = account.records("person").where(account.id)
    assert last == created
    assert len(seeded) == 5
    assert all(list(one) == list(created) for one in seeded)


def test_a_seeded_organization_has_the_keys_of_one_that_was_created(account):
    address = {"value": "Mill Lane 1, Porto"}
    created = organizations.create(account, {"name": "Bee Oy", "address": address}, Actor(1))

    seeded = account.records("organization").get(account.id, 1)
    assert list(seeded) == list(created)
    assert list(seeded["address"]) == list(created["address"])


def test_what_was_seeded_lies_in_the_past_and_was_never_changed_before_it_was_added():
    seeder = grown(persons=300, organizations=50)
    now = rfc3339(seeder.state.clock.now())

    for kind in ("person", "organization", "deal", "activity"):
        for one in seeder.account.records(kind).where(seeder.account.id):
            assert one["add_time"] <= one["update_time"] <= now


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_seed_that_was_killed_leaves_no_company_behind(steps, tmp_path, monkeypatch):
    whole = grown_in(tmp_path / "state", 10, monkeypatch)
    before = dump_of(whole.state)
    halfway = Seeder(whole.state, Plan(persons=90, organizations=10, company={"domain": "other"})).run()
    for _ in range(steps):
        next(halfway)
    whole.state.database.close()  # what a kill does; all that was committed is in the file

    again = opened(tmp_path / "state")

    assert [company["domain"] for company in again.companies()] == ["northlight"]
    assert dump_of(again) == before
    assert indexes_of(again) == indexes_of(opened())


@pytest.mark.parametrize("large_from", [1_000, 1])
def test_a_seed_that_failed_leaves_no_company_behind_and_can_be_tried_again(large_from, monkeypatch):
    monkeypatch.setattr(seed, "LARGE", large_from)
    seeder = grown(persons=3)
    before, indexes = dump_of(seeder.state), indexes_of(seeder.state)
    plan = Plan(people=[{"name": "Ann"}, {"name": 7}], company={"domain": "other"})

    with pytest.raises(AttributeError):
        list(Seeder(seeder.state, plan).run())
    assert (dump_of(seeder.state), indexes_of(seeder.state)) == (before, indexes)

    other = Seeder(seeder.state, Plan(persons=2, company={"domain": "other"}))
    list(other.run())
    assert other.account.id == seeder.account.id + 1
    assert len(everyone(other)) == 2


def dump_of(state):
    """All rows of all tables, but for the setting that says which seeds are under way when there is none."""
    tables = [
        name for (name,) in state.database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    ]
    rows = {
        table: sorted(state.database.execute(f"SELECT * FROM {table}"), key=repr)  # noqa: S608  our own tables
        for table in tables
    }
    rows["setting"] = [row for row in rows["setting"] if row != ("unfinished", "[]")]
    return rows


def test_the_clock_only_moves_forward():
    clock = Clock()
    before = clock.now()

    clock.advance(100)

    assert clock.now() >= before + 100
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1)
    for too_far in (1e12, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="9998"):
            clock.advance(too_far)
    assert clock.offset == 100


async def test_a_sleeper_wakes_when_the_clock_is_moved_past_its_moment():
    clock = Clock()
    sleeper = asyncio.create_task(clock.sleep(1000))
    await asyncio.sleep(0)

    clock.advance(500)
    done, _ = await asyncio.wait({sleeper}, timeout=0.01)
    assert not done

    clock.advance(501)
    await asyncio.wait_for(sleeper, 60)


@pytest.mark.parametrize("name", SWITCHES)
def test_every_switch_can_be_set_to_each_of_its_choices_and_to_nothing_else(name):
    switches = Switches()
    assert switches[name] == SWITCHES[name].default

    for choice in SWITCHES[name].choices or (0, 1.5):
        switches.set(name, choice)
        assert switches[name] == choice
    with pytest.raises(ValueError, match=name):
        switches.set(name, "nonsense")


def test_an_unknown_switch_is_refused():
    with pytest.raises(ValueError, match="no switch"):
        Switches().set("nix", True)


def test_a_fault_strikes_the_calls_it_names_as_often_as_it_says():
    faults = Faults()
    faults.add({"kind": "error", "calls": "POST /api/v2/persons*", "times": 2})

    struck = [bool(faults.strike("POST", "/api/v2/persons")) for _ in range(3)]

    assert struck == [True, True, False]
    assert faults.strike("GET", "/api/v2/persons") == []


def test_a_share_strikes_some():
    faults = Faults(seed=1)
    faults.add({"kind": "error", "share": 0.5})

    struck = sum(bool(faults.strike("GET", "/x")) for _ in range(200))

    assert 60 < struck < 140


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kind": "nix"},
        {"kind": "error", "share": 2},
        {"kind": "error", "status": 200},
        {"kind": "latency", "seconds": -1},
        {"kind": "error", "nix": 1},
    ],
    ids=str,
)
def test_a_fault_that_makes_no_sense_is_refused(given):
    faults = Faults()

    with pytest.raises(ValueError, match=r"fault|share|status|Seconds"):
        faults.add(given)
    assert faults.shown() == []
