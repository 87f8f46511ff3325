"""The worker dies before or after any call and any commit: the next one ends where an undisturbed run would have.

A history is told act by act. Of each act every point is counted, and each is tried: the world is put back to before the act,
the worker dies there, another one takes over, and both sides, links, bases, questions and the log must be what they are
without the death. It may cost a few reads more, never a write more.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

from tests.integration.engine.mortality import (
    COMMITS,
    OUTREACH_CALLS,
    PIPEDRIVE_CALLS,
    Countdown,
    Died,
    MortalApp,
    mortal_memory,
    mortal_schedule,
)
from tests.integration.engine.world import World, prospect
from tidegate.core.records import COMPANY, EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME, Record
from tidegate.core.settings import DEFAULT_MAPPINGS, SYSTEM_MAPPINGS, Direction, Settings
from tidegate.errors import RateLimited, RemoteUnavailable
from tidegate.store.models import Attention, Change, Intent, Link
from tidegate.store.sameness import ask_for_check
from tidegate.wiring.actions import settle_attention

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time_stands")]

SETTINGS = Settings(
    sync_to_list="1", owner_id="7", only_with_email=False, mappings=SYSTEM_MAPPINGS + DEFAULT_MAPPINGS
)
READS = ("get_persons", "get_organizations", "walk_persons", "walk_organizations")
MOST_MORE_TOKENS = 80
"""What a death may cost in reads: a catch-up of both mirrors, open updates looked up, and the batch looked at again; in two
steps, where some of it waits for what may still arrive."""


class MortalWorld(World):
    """A world whose workers die when told, and that can be put back to where it was."""

    def __init__(self) -> None:
        self.countdown = Countdown()
        super().__init__(settings=SETTINGS, memory_class=mortal_memory(self.countdown))
        self.schedule_class = mortal_schedule(self.countdown)

    def reached(self, app: Any) -> Any:
        return MortalApp(app, self.countdown)

    @contextmanager
    def put_back_afterwards(self) -> Iterator[None]:
        kept = deepcopy((self.clock, self.crm, self.outreach))
        told = self.deliveries_taken, self.announcements_taken, self.settings
        savepoint = transaction.savepoint()
        try:
            yield
        finally:
            self.countdown.left = 0
            transaction.savepoint_rollback(savepoint)
            self.clock, self.crm, self.outreach = kept
            self.deliveries_taken, self.announcements_taken, self.settings = told
            self.connection.refresh_from_db()


# --- The history -----------------------------------------------------------------------------------------------------


def found(world: World, last_name: str) -> str:
    """The prospect of this name."""
    return next(p.id for p in world.prospects() if p.value(LAST_NAME) == last_name)


def person_of(world: World, last_name: str) -> str:
    return world.links()[found(world, last_name)]


def people(name: str, *emails: str) -> dict[str, Any]:
    first, _, last = name.partition(" ")
    return {FIRST_NAME: first, LAST_NAME: last, EMAIL: emails}


def records_are_made_on_both_sides(world: World) -> None:
    world.outreach.add(prospect("Ann One", **{COMPANY: "Polar Note"}))
    world.outreach.add(prospect("Bo Two", **{COMPANY: "Polar Note"}))
    world.outreach.add(prospect("Nora Nobody", email=""))
    world.crm.add_person(people("Cy Three", "cy@north.example"))
    world.crm.add_person(
        people("Di Four", "di@north.example"), organization_id=world.crm.add_organization("Tern")
    )


def both_are_edited(world: World) -> None:
    world.outreach.edit(found(world, "One"), {JOB_TITLE: "Chair"})
    world.crm.edit_person(person_of(world, "Three"), {JOB_TITLE: "Skipper", FIRST_NAME: "Cyd"})


def one_field_is_edited_on_both_sides(world: World) -> None:
    world.outreach.edit(
        found(world, "One"), {JOB_TITLE: "Member", EMAIL: ("ann@north.example", "ann@home.example")}
    )
    world.crm.edit_person(
        person_of(world, "One"), {JOB_TITLE: "President", EMAIL: ("ann@north.example", "ann@work.example")}
    )


def companies_change(world: World) -> None:
    world.crm.rename_organization(world.crm.organizations[0].id, "Tern & Sons")
    world.outreach.edit(found(world, "Two"), {COMPANY: "Fjord Works"})


def an_unlinked_person_is_there(world: World) -> None:
    """Of which the outreach app was not to hear."""
    world.use(replace(SETTINGS, direction=Direction.TO_PIPEDRIVE))
    world.crm.add_person(people("Eve Five", "eve@north.example", "eve@home.example"))
    world.drain()
    world.use(SETTINGS)


def it_meets_its_prospect(world: World) -> None:
    world.outreach.add(prospect("Eva Five", email="eve@home.example"))


def two_fit_a_prospect(world: World) -> None:
    world.use(replace(SETTINGS, direction=Direction.TO_PIPEDRIVE))
    for number in (1, 2):
        world.crm.add_person(people(f"Flo{number} Six", "flo@north.example"))
    world.outreach.add(prospect("Flo Six"))
    world.drain()
    world.use(SETTINGS)


def somebody_chooses_one(world: World) -> None:
    question = Attention.objects.get(settled_at=None)
    settle_attention(question, actor="Alice", person_id=question.facts["candidates"][1])


def an_unlinked_namesake_is_there(world: World) -> None:
    world.use(replace(SETTINGS, direction=Direction.TO_PIPEDRIVE))
    world.crm.add_person(people("Ann Once", "ann.once@north.example"))
    world.drain()
    world.use(SETTINGS)


def a_person_is_merged_into_an_unlinked_one(world: World) -> None:
    namesake = next(p.id for p in world.persons() if p.value(LAST_NAME) == "Once")
    world.crm.merge_persons(person_of(world, "One"), namesake)


def two_linked_persons_are_merged(world: World) -> None:
    world.crm.merge_persons(person_of(world, "Four"), person_of(world, "Three"))


def both_kinds_are_deleted(world: World) -> None:
    world.crm.delete_person(person_of(world, "Two"))
    world.outreach.delete(found(world, "Nobody"))


def both_come_back_changed(world: World) -> None:
    gone_person, gone_prospect = person_of(world, "Two"), Link.objects.get(state="prospect_gone").prospect_id
    world.crm.restore_person(gone_person)
    world.crm.edit_person(gone_person, {JOB_TITLE: "Returned"})
    world.outreach.restore(gone_prospect)
    world.outreach.edit(gone_prospect, {JOB_TITLE: "Found again"})


def addresses_move_and_swap(world: World) -> None:
    two, three = found(world, "Two"), found(world, "Three")
    addresses = [world.outreach.record(i).value(EMAIL) for i in (two, three)]
    world.outreach.edit(two, {EMAIL: addresses[1]})
    world.outreach.edit(three, {EMAIL: addresses[0]})
    world.crm.edit_person(person_of(world, "Nobody"), {EMAIL: ("nora@north.example",)})


def answers_get_lost(world: World) -> None:
    world.crm.lose_answer("create_person")
    world.crm.lose_answer("update_person")
    world.crm.faults.fail("create_organization", RateLimited("Too many requests.", retry_after=2))
    world.outreach.faults.fail("update_prospect", RemoteUnavailable(sent=True), after=True)
    world.outreach.add(prospect("Gus Seven", **{COMPANY: "Skerry"}))
    world.outreach.edit(found(world, "Two"), {JOB_TITLE: "Pilot"})
    world.crm.edit_person(person_of(world, "Three"), {JOB_TITLE: "Captain"})


def webhooks_are_lost_and_the_check_finds_it(world: World) -> None:
    world.clock.move(60)
    world.crm.edit_person(person_of(world, "Three"), {JOB_TITLE: "Admiral"})
    world.crm.add_person(people("Hal Eight", "hal@north.example"))
    world.deliveries_taken = len(world.crm.deliveries)
    world.clock.move(60)
    async_to_sync(world.check)()


def an_edit_has_not_travelled(world: World) -> None:
    world.use(replace(SETTINGS, direction=Direction.FROM_PIPEDRIVE))
    world.outreach.edit(found(world, "Two"), {JOB_TITLE: "Harbour master"})
    world.drain()
    world.use(SETTINGS)


def everything_is_transferred(world: World) -> None:
    world.transfer(Direction.TO_PIPEDRIVE)


def both_sides_are_compared(world: World) -> None:
    ask_for_check(world.connection)


Act = Callable[[World], None]
ACTS: tuple[Act, ...] = (
    records_are_made_on_both_sides,
    both_are_edited,
    one_field_is_edited_on_both_sides,
    companies_change,
    it_meets_its_prospect,
    somebody_chooses_one,
    a_person_is_merged_into_an_unlinked_one,
    two_linked_persons_are_merged,
    both_kinds_are_deleted,
    both_come_back_changed,
    addresses_move_and_swap,
    answers_get_lost,
    webhooks_are_lost_and_the_check_finds_it,
    everything_is_transferred,
    both_sides_are_compared,
)
BEFORE: dict[Act, Act] = {
    it_meets_its_prospect: an_unlinked_person_is_there,
    somebody_chooses_one: two_fit_a_prospect,
    a_person_is_merged_into_an_unlinked_one: an_unlinked_namesake_is_there,
    everything_is_transferred: an_edit_has_not_travelled,
}
"""What happens before an act, while no worker dies."""


# --- What must be the same ------------------------------------------------------------------------------------------


def outcome(world: World) -> dict[str, Any]:
    """What is held in the end, on both sides and by us, without what may differ: ids, moments, the order of writes."""
    return {
        "persons": sorted(_shown(p) for p in world.persons()),
        "prospects": sorted(_shown(p) for p in world.prospects()),
        "organizations": sorted(o.name for o in world.crm.organizations),
        "links": sorted(_told(world, link) for link in Link.objects.all()),
        "questions": sorted((q.kind, q.record_name) for q in world.questions()),
        "log": _logged(world),
        "writes": Counter(
            (w.act, str(sorted(w.values))) for w in (*world.crm.written, *world.outreach.written)
        ),
        "unfinished": (Intent.objects.count(), Change.objects.filter(done_at=None).count()),
    }


def _shown(record: Record) -> tuple[str, ...]:
    return tuple(str(record.value(key)) for key in (FIRST_NAME, LAST_NAME, EMAIL, JOB_TITLE, COMPANY))


def _told(world: World, link: Link) -> tuple[str, ...]:
    prospect, person = world.outreach._prospects[link.prospect_id], world.crm._persons[link.person_id]
    names = (str(prospect.values[LAST_NAME]), str(person.values[LAST_NAME]))
    base = {key: [half or None for half in entry] for key, entry in json.loads(bytes(link.base)).items()}
    return (*names, link.state, json.dumps(base, sort_keys=True))


def _logged(world: World) -> Counter[str]:
    """Every field that was written, with what lost: once each, whoever noted it."""
    lines = ((entry, change) for entry in world.log() for change in entry.changes)
    made = Counter(f"made {entry.record_name}" for entry in world.log(act="organization"))
    return made + Counter(
        f"{e.side} {e.act} {e.record_name}: {c['field']} {c['after']} lost {c.get('lost')}" for e, c in lines
    )


def assert_same(got: dict[str, Any], expected: dict[str, Any], where: str) -> None:
    differing = [f"{key}:\n  {expected[key]}\n  {got[key]}" for key in expected if got[key] != expected[key]]
    assert not differing, f"{where}, expected and got:\n" + "\n".join(differing)


def tokens_for_reads(world: World) -> int:
    return sum(world.crm.tokens[name] for name in READS)


# --- Every point of every act ---------------------------------------------------------------------------------------


def play(world: World, act: Act) -> None:
    act(world)
    world.drain()


def survive(world: MortalWorld, act: Act, *deaths: int) -> list[str]:
    """Play the act with a worker dying at this point, and its successors at theirs; where they died."""
    died = []
    world.countdown.left = deaths[0]
    try:
        play(world, act)
    except Died as point:
        died.append(str(point))
    for death in (*deaths[1:], 0):  # a supervisor starts another one, with nothing in memory
        world.countdown.left = death
        try:
            if act is webhooks_are_lost_and_the_check_finds_it:
                async_to_sync(world.check)()  # due until it has gone through
            world.drain()
        except Died as point:
            died.append(str(point))
    return died


def points_of(world: MortalWorld, act: Act) -> tuple[list[str], dict[str, Any], int]:
    """The points of an act, how it ends undisturbed, and what its reads cost."""
    with world.put_back_afterwards():
        world.countdown.seen.clear()
        before = tokens_for_reads(world)
        play(world, act)
        return list(world.countdown.seen), outcome(world), tokens_for_reads(world) - before


def before(act: Act) -> MortalWorld:
    """The world when it is this act's turn."""
    world = MortalWorld()
    async_to_sync(world.check)()
    for earlier in ACTS[: ACTS.index(act)]:
        BEFORE.get(earlier, nothing)(world)
        play(world, earlier)
    BEFORE.get(act, nothing)(world)
    return world


def nothing(world: World) -> None:
    pass


def test_the_history_comes_to_every_call_and_every_commit() -> None:
    world = MortalWorld()
    async_to_sync(world.check)()
    reached: Counter[str] = Counter()
    for act in ACTS:
        BEFORE.get(act, nothing)(world)
        world.countdown.seen.clear()
        play(world, act)
        reached.update(world.countdown.seen)
    calls = (*PIPEDRIVE_CALLS, *OUTREACH_CALLS, *COMMITS, "wait")
    never = [
        f"{when} {name}" for name in calls for when in ("before", "after") if not reached[f"{when} {name}"]
    ]
    assert not never, f"never died {never}"
    assert reached.total() > 300


@pytest.mark.parametrize("act", ACTS)
def test_wherever_the_worker_dies_the_end_is_the_same(act: Act) -> None:
    world = before(act)
    points, expected, cost = points_of(world, act)
    assert points, "there is no point to die at"
    for number, point in enumerate(points, start=1):
        where = f"point {number} of {len(points)}: {point}"
        with world.put_back_afterwards():
            tokens = tokens_for_reads(world)
            assert survive(world, act, number) == [point], where
            assert_same(outcome(world), expected, where)
            assert tokens_for_reads(world) - tokens <= cost + MOST_MORE_TOKENS, where


def test_a_successor_that_dies_while_it_recovers_changes_nothing_either() -> None:
    """After every write of the act the worker dies, and the next one at every point of its own recovery."""
    act = records_are_made_on_both_sides
    world = MortalWorld()
    points, expected, _ = points_of(world, act)
    writes = ("after create_person", "after create_organization", "after create_prospect")
    tried = 0
    for number, point in enumerate(points, start=1):
        if point not in writes:
            continue
        second = 1
        while True:
            with world.put_back_afterwards():
                died = survive(world, act, number, second)
                assert_same(outcome(world), expected, f"{died}, the second time at point {second}")
            if len(died) < 2:
                break
            second, tried = second + 1, tried + 1
    assert tried > 50
