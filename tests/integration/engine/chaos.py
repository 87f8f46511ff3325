"""Chaos: people on both sides, an unreliable network and dying workers, drawn from a seed; then quiet, and what must be true.

An episode is a world of its own. Whatever happened in it, once everything is delivered and the regular check has looked:
linked pairs agree field by field, nothing was made twice, nothing waits or was forgotten, and an edit that did not last
was overruled by a later one or by the conflict rule, with its value in the log.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from asgiref.sync import async_to_sync
from django.utils import timezone

from tests.integration.engine.mortality import Countdown, Died, make_calls_mortal, mortal_memory
from tests.integration.engine.world import World
from tidegate.core.planning import rules_of
from tidegate.core.records import (
    COMPANY,
    EMAIL,
    FIRST_NAME,
    JOB_TITLE,
    LAST_NAME,
    PHONE,
    Record,
    Side,
    with_organization,
)
from tidegate.core.settings import DEFAULT_MAPPINGS, SYSTEM_MAPPINGS, Direction, Settings
from tidegate.core.values import Value
from tidegate.errors import InvalidForRemote, RateLimited, RemoteUnavailable
from tidegate.services.engine import Lane
from tidegate.store.catalogues import person_kinds
from tidegate.store.inbox import News, add_changes
from tidegate.store.models import Attention, Change, Connection, Intent, Link
from tidegate.store.sameness import ask_for_check
from tidegate.testing.crm import Delivery

SETTINGS = Settings(sync_to_list="1", owner_id="7", mappings=SYSTEM_MAPPINGS + DEFAULT_MAPPINGS)
SINGLE = (FIRST_NAME, LAST_NAME, JOB_TITLE)
COMPANIES = ("Polar Note", "Tern & Co", "Fjord Works", "")
CALLS = ("get_persons", "walk_persons", "walk_organizations", "get_organizations")
WRITES = ("create_person", "update_person", "create_organization")
STORE_WRITES = ("create_prospect", "update_prospect")
WRITE_TOKENS = 5
LOOK_TOKENS = 20
"""What a drain may cost in reads, on the average of an episode: a catch-up of both mirrors, or some looks at single records."""


@dataclass
class Edit:
    """Somebody typed this. The order counts edits of both sides."""

    order: int
    value: Value


@dataclass
class ChaosWorld(World):
    """A world where news gets lost, comes twice, late and out of order."""

    random: Random = field(default_factory=Random)
    quiet: bool = False

    def __post_init__(self) -> None:
        self.countdown = self.make_countdown()
        self.memory_class = mortal_memory(self.countdown)
        super().__post_init__()
        self.on_the_way: list[News] = []
        self.doubled: list[str] = []
        self.lost: list[Delivery] = []
        self.overtaken: set[tuple[Side, str, str, str]] = set()
        """(side, record, field, value) that somebody typed between our look and our write of that very field."""
        self.told_of: set[tuple[Side, str, str, str]] = set()
        """Those of them that a webhook of our write told of: such an edit must be in the log."""
        self.drains = 0
        self._watch_creates()
        self._watch_updates()
        make_calls_mortal(self, self.countdown)

    def make_countdown(self) -> Countdown:
        return Countdown(0)

    async def _lane(self) -> Lane:
        self.drains += 1
        return await super()._lane()

    def spent(self) -> tuple[int, int]:
        """Tokens, and write calls that reached Pipedrive, refused ones too."""
        return self.crm.tokens.total(), sum(self.crm.faults.calls[name] for name in WRITES)

    def tell(self, *, twice: bool = False) -> int:
        self.on_the_way += self._news_of_prospects() + self._news_of_persons()
        if self.quiet:
            arriving, self.on_the_way = self.on_the_way, []
        else:
            self.random.shuffle(self.on_the_way)
            late = self.random.randint(0, len(self.on_the_way)) if self.random.random() < 0.3 else 0
            arriving, self.on_the_way = self.on_the_way[late:], self.on_the_way[:late]
            arriving += self.random.sample(arriving, self.random.randint(0, len(arriving)) // 4)
        for news in arriving:
            self.note_told(news.record_id, news.before)
        add_changes(self.connection, arriving, kinds=person_kinds(self.pipedrive_catalogue))
        return len(arriving)

    def _news_of_prospects(self) -> list[News]:
        """The store announces in the transaction of its own write: this news can't be lost."""
        announced = self.outreach.announced[self.announcements_taken :]
        self.announcements_taken = len(self.outreach.announced)
        return [News(Side.OUTREACH, "prospect", i, source="store", actor="Alice") for i in announced]

    def _news_of_persons(self) -> list[News]:
        deliveries = self.crm.deliveries[self.deliveries_taken :]
        self.deliveries_taken = len(self.crm.deliveries)
        return [_news(delivery) for delivery in deliveries if not self._loses(delivery)]

    def _loses(self, delivery: Delivery) -> bool:
        """Webhooks that never come, nor later. What those of deletions told only the proof of sameness finds."""
        if not self.quiet and self.random.random() < 0.15:
            self.lost.append(delivery)
        return any(delivery is lost for lost in self.lost)

    def _watch_creates(self) -> None:
        """No record is made while a living one of the same app holds its address."""
        create_person, create_prospect = self.crm.create_person, self.outreach.create_prospect

        async def person(values: Mapping[str, Value], **more: Any) -> Record:
            self._note_double("person", values, self.persons())
            return await create_person(values, **more)

        async def prospect(values: Mapping[str, Value], **more: Any) -> Record:
            if more["key"] not in self.outreach._keys:
                self._note_double("prospect", values, self.prospects())
            return await create_prospect(values, **more)

        setattr(self.crm, "create_person", person)  # noqa: B010 (mypy would not have a method assigned)
        setattr(self.outreach, "create_prospect", prospect)  # noqa: B010

    def _watch_updates(self) -> None:
        """Pipedrive has no conditional write: only the webhook of our write tells what it replaced unseen."""
        update_person = self.crm.update_person

        async def person(person_id: str, values: Mapping[str, Value], **more: Any) -> Record:
            if person_id in self.crm.person_ids:
                self._note_overtaken(more.get("seen"), self.crm.person(person_id), values)
            return await update_person(person_id, values, **more)

        setattr(self.crm, "update_person", person)  # noqa: B010

    def _note_overtaken(self, seen: object, now: Record, values: Mapping[str, Value]) -> None:
        if isinstance(seen, Record):
            self.overtaken |= {
                (now.side, now.id, key, str(now.value(key)))
                for key in values
                if now.value(key) != seen.value(key)
            }

    def note_told(self, person_id: str, before: Record | None) -> None:
        values = before.values if before is not None else {}
        self.told_of |= {(Side.PIPEDRIVE, person_id, key, str(value)) for key, value in values.items()}

    def _note_double(self, noun: str, values: Mapping[str, Value], there: list[Record]) -> None:
        emails = values.get(EMAIL)
        for record in there:
            if isinstance(emails, tuple) and set(emails) & set(record.emails):
                self.doubled.append(f"{noun} {record.id} ({', '.join(record.emails)})")


def _news(delivery: Delivery) -> News:
    return News(
        Side.PIPEDRIVE,
        delivery.entity,
        delivery.id,
        action=delivery.action,
        source="webhook",
        body=delivery.body,
        merged_into=delivery.merged_into or "",
        before=delivery.before,
    )


class Episode:
    """One drawn history. `history` tells it afterwards."""

    def __init__(self, seed: str) -> None:
        self.random = Random(seed)
        self.world = self.make_world()
        self.history: list[str] = []
        self.edits: dict[tuple[Side, str, str], Edit] = {}
        """(side, record, field) -> what somebody typed last."""
        self.merged: set[str] = set()
        self.numbers = count(1)
        self.happened: Counter[str] = Counter()
        self.deeds_between = (self.edit_prospect, self.edit_person, self.delete_person, self.merge_persons)
        async_to_sync(self.world.check)()  # a launch begins with the first walk
        self._interrupt()

    def make_world(self) -> ChaosWorld:
        return ChaosWorld(settings=SETTINGS, random=self.random)

    # --- what happens

    def run(self, steps: int) -> None:
        deeds = self.deeds()
        for deed in self.random.choices(list(deeds), list(deeds.values()), k=steps):
            self.happened[deed.__name__] += 1
            deed()

    def deeds(self) -> dict[Callable[[], None], int]:
        """What may happen, and how often in comparison."""
        return {
            self.add_prospect: 8,
            self.add_person: 8,
            self.edit_prospect: 16,
            self.edit_person: 16,
            self.edit_many: 2,
            self.edit_many_prospects: 2,
            self.merge_prospects: 3,
            self.move_address: 3,
            self.delete_prospect: 4,
            self.restore_prospect: 4,
            self.delete_person: 4,
            self.restore_person: 4,
            self.merge_persons: 5,
            self.rename_organization: 2,
            self.fail_something: 8,
            self.let_worker_die: 6,
            self.pause_or_resume: 3,
            self.transfer: 1,
            self.let_time_pass: 10,
            self.work: 25,
        }

    def _interrupt(self) -> None:
        """People don't wait for the worker: now and then somebody does something between two of its calls."""
        for side in (self.world.crm, self.world.outreach):
            for name in (*CALLS, *WRITES, *STORE_WRITES, "get_prospects", "find_by_emails"):
                if hasattr(side, name):
                    setattr(side, name, self._interrupted(getattr(side, name), name))

    def _interrupted(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        async def method(*args: Any, **kwargs: Any) -> Any:
            if not self.world.quiet and self.random.random() < 0.03:
                self.tell("just before", name)
                self.random.choice(self.deeds_between)()
            return await call(*args, **kwargs)

        return method

    def tell(self, *words: object) -> None:
        self.history.append(" ".join(str(word) for word in words))

    def _typed(self, side: Side, record_id: str, values: Mapping[str, Value]) -> None:
        for key, value in values.items():
            self.edits[side, record_id, key] = Edit(next(self.numbers), value)

    def _someone(self) -> dict[str, Value]:
        number = next(self.numbers)
        shared = self.random.random() < 0.15
        address = f"p{self.random.randint(1, 6) if shared else number}@north.example"
        return {
            FIRST_NAME: f"First{number}",
            LAST_NAME: f"Last{number}",
            EMAIL: () if self.random.random() < 0.05 else (address,),
            PHONE: self.random.choice(((), (f"+358 40 {1000000 + number}",))),
            JOB_TITLE: self.random.choice((None, f"Title{number}")),
        }

    def add_prospect(self) -> None:
        values = self._someone() | {COMPANY: self.random.choice(COMPANIES) or None}
        prospect_id = self.world.outreach.add(values)
        self._typed(Side.OUTREACH, prospect_id, values)
        self.tell("prospect", prospect_id, "is added:", values)

    def add_person(self) -> None:
        values = self._someone()
        organizations = [o.id for o in self.world.crm.organizations]
        organization_id = self.random.choice([None, *organizations])
        person_id = self.world.crm.add_person(values, organization_id=organization_id)
        self._typed(Side.PIPEDRIVE, person_id, values)
        self.tell("person", person_id, "is added:", values)

    def _new_values(self) -> dict[str, Value]:
        number = next(self.numbers)
        values: dict[str, Value] = {
            FIRST_NAME: f"First{number}",
            LAST_NAME: f"Last{number}",
            JOB_TITLE: self.random.choice((f"Title{number}", f"Title{number}", None)),
            PHONE: (f"+358 40 {1000000 + number}",),
        }
        keys = self.random.sample(sorted(values), self.random.randint(1, 2))
        return {key: values[key] for key in keys}

    def edit_prospect(self) -> None:
        prospect_id = self._any(self.world.outreach.ids)
        if prospect_id:
            values = self._new_values()
            if self.random.random() < 0.2:
                values[COMPANY] = self.random.choice(COMPANIES) or None
            self._edit_prospect(prospect_id, values)

    def _edit_prospect(self, prospect_id: str, values: Mapping[str, Value]) -> None:
        self.world.outreach.edit(prospect_id, values)
        self._typed(Side.OUTREACH, prospect_id, values)
        self.tell("prospect", prospect_id, "is edited:", values)

    def edit_person(self) -> None:
        person_id = self._any(self.world.crm.person_ids)
        if person_id:
            self._edit_person(person_id, self._new_values())

    def _edit_person(self, person_id: str, values: Mapping[str, Value]) -> None:
        self.world.crm.edit_person(person_id, values)
        self._typed(Side.PIPEDRIVE, person_id, values)
        self.tell("person", person_id, "is edited:", values)

    def edit_many(self) -> None:
        for person_id in self.world.crm.person_ids[:20]:
            self._edit_person(person_id, {JOB_TITLE: f"Title{next(self.numbers)}"})

    def edit_many_prospects(self) -> None:
        """A bulk edit: the same value for everybody in view."""
        title = f"Title{next(self.numbers)}"
        for prospect_id in self.world.outreach.ids[:20]:
            self._edit_prospect(prospect_id, {JOB_TITLE: title})

    def merge_prospects(self) -> None:
        """The store has no merge of its own: people give all addresses to one of two records and delete the other."""
        if len(self.world.outreach.ids) < 2:
            return
        loser, survivor = self.random.sample(self.world.outreach.ids, 2)
        kept, lost = (self.world.outreach.record(i) for i in (survivor, loser))
        self.world.outreach.delete(loser)
        self.tell("prospect", loser, "is merged by hand into", survivor)
        self._edit_prospect(survivor, {EMAIL: tuple(dict.fromkeys([*kept.emails, *lost.emails]))})

    def move_address(self) -> None:
        """One record gives its address to another one of its app; the giver gets a new one."""
        ids = self.world.outreach.ids if self.random.random() < 0.5 else self.world.crm.person_ids
        if len(ids) < 2:
            return
        giver, taker = self.random.sample(ids, 2)
        fresh: dict[str, Value] = {EMAIL: (f"p{next(self.numbers)}@north.example",)}
        if ids == self.world.outreach.ids:
            address = self.world.outreach.record(giver).value(EMAIL)
            self._edit_prospect(giver, fresh)
            self._edit_prospect(taker, {EMAIL: address})
        else:
            address = self.world.crm.person(giver).value(EMAIL)
            self._edit_person(giver, fresh)
            self._edit_person(taker, {EMAIL: address})

    def delete_prospect(self) -> None:
        prospect_id = self._any(self.world.outreach.ids)
        if prospect_id:
            self.world.outreach.delete(prospect_id)
            self.tell("prospect", prospect_id, "is deleted")

    def restore_prospect(self) -> None:
        prospect_id = self._any([i for i, p in self.world.outreach._prospects.items() if p.gone])
        if prospect_id:
            self.world.outreach.restore(prospect_id)
            self.tell("prospect", prospect_id, "is restored")

    def delete_person(self) -> None:
        person_id = self._any(self.world.crm.person_ids)
        if person_id:
            self.world.crm.delete_person(person_id)
            self.tell("person", person_id, "is deleted")

    def restore_person(self) -> None:
        person_id = self._any([i for i in self.world.crm.deleted_ids if i not in self.merged])
        if person_id:
            self.world.crm.restore_person(person_id)
            self.tell("person", person_id, "is restored")

    def merge_persons(self) -> None:
        if len(self.world.crm.person_ids) < 2:
            return
        loser, survivor = self.random.sample(self.world.crm.person_ids, 2)
        self.world.crm.merge_persons(loser, survivor)
        self.merged |= {loser, survivor}
        self.tell("person", loser, "is merged into", survivor)

    def rename_organization(self) -> None:
        if self.world.crm.organizations:
            organization = self.random.choice(self.world.crm.organizations)
            self.world.crm.rename_organization(organization.id, f"Company {next(self.numbers)}")
            self.tell("organization", organization.id, "is renamed")

    def fail_something(self) -> None:
        """A failure before the call acts, or an answer that is lost after it."""
        side = self.random.choice((self.world.crm, self.world.outreach))
        method = self.random.choice(WRITES + CALLS if side is self.world.crm else STORE_WRITES)
        lost = method in WRITES + STORE_WRITES and self.random.random() < 0.5
        errors: tuple[Exception, ...] = (RemoteUnavailable("It is down."),)
        if side is self.world.crm:
            errors += (RateLimited("Too many requests.", retry_after=2),)
        if method in ("create_person", "update_person"):
            errors += (InvalidForRemote("Refused this once."),)
        if lost and side is self.world.crm and self.random.random() < 0.5:
            seconds = self.random.choice((0.5, 4, 9))
            self.world.crm.land_late(method, seconds)
            self.tell(method, "will get no answer, and be carried out after", seconds, "seconds")
            return
        error = RemoteUnavailable("The answer got lost.", sent=True) if lost else self.random.choice(errors)
        side.faults.fail(method, error, after=lost)
        self.tell(method, "will fail:", error, "(after acting)" if lost else "")

    def let_worker_die(self) -> None:
        self.world.countdown.left = self.random.randint(1, 25)
        self.tell("a worker is going to die in", self.world.countdown.left)

    def pause_or_resume(self) -> None:
        connection = Connection.objects.get(pk=self.world.connection.pk)
        if connection.status in ("active", "paused"):
            self._set_status("paused" if connection.status == "active" else "active")

    def _set_status(self, status: str) -> None:
        Connection.objects.filter(pk=self.world.connection.pk).update(status=status, reason="")
        self.world.connection.refresh_from_db()
        self.tell("the connection is", status)

    def transfer(self) -> None:
        self.work()
        self.world.connection.refresh_from_db()
        if self.world.connection.status != "active":
            return
        direction = self.random.choice((Direction.TO_PIPEDRIVE, Direction.FROM_PIPEDRIVE))
        self.tell("a transfer", direction)
        try:
            self.world.transfer(direction)
        except Died:
            self.tell("a worker died")
        self.work()

    def let_time_pass(self) -> None:
        self.world.clock.move(self.random.choice((1, 7, 90)))

    def work(self) -> None:
        self.tell("the worker works")
        try:
            self.world.drain(rounds=self.random.randint(1, 4))
        except Died:
            self.tell("a worker died")

    def _any(self, ids: list[str]) -> str | None:
        return self.random.choice(ids) if ids else None

    # --- quiet

    def settle(self) -> None:
        """The network heals, the connection goes on, everything that waited is tried again, and the check looks."""
        world = self.world
        self.tell("quiet")
        world.countdown.left = 0
        world.quiet = True
        world.crm.faults.clear()
        world.outreach.faults.clear()
        world.connection.refresh_from_db()
        if world.connection.status == "paused":
            self._set_status("active")
        for _ in range(4):
            world.clock.move(60)
            world.drain()
            async_to_sync(world.check)()
            ask_for_check(world.connection)
            world.drain()
            self._retry()
        world.drain()

    def _retry(self) -> None:
        for question in self.world.questions():
            side, record_id = Side.OUTREACH, question.prospect_id
            if not record_id:
                side, record_id = Side.PIPEDRIVE, question.person_id
            if record_id:
                entity = "prospect" if side is Side.OUTREACH else "person"
                add_changes(self.world.connection, [News(side, entity, record_id, source="retry")])
                Attention.objects.filter(pk=question.pk).update(settled_at=timezone.now())

    # --- what must be true

    def violations(self) -> list[str]:
        self.settle()
        return [
            *(f"made while it was there: {double}" for double in self.world.doubled),
            *self._differences(),
            *self._forgotten(),
            *self._lost_edits(),
            *self._unfinished(),
            *self._restlessness(),
            *self._waste(),
        ]

    def _pairs(self) -> list[tuple[Record, Record]]:
        """Linked pairs whose records both live."""
        prospects = {p.id: p for p in self.world.prospects()}
        persons = {p.id: self._named(p) for p in self.world.persons()}
        links = self.world.links()
        return [(prospects[a], persons[b]) for a, b in links.items() if a in prospects and b in persons]

    def _named(self, person: Record) -> Record:
        return with_organization(person, {o.id: o.name for o in self.world.crm.organizations})

    def _differences(self) -> list[str]:
        rules = rules_of(SETTINGS, self.world.outreach_catalogue, self.world.pipedrive_catalogue)
        found = []
        for prospect, person in self._pairs():
            for pair in rules.pairs:
                ours, theirs = prospect.value(pair.mapping.outreach), person.value(pair.mapping.pipedrive)
                if not pair.same(ours, theirs):
                    found.append(f"{prospect.id}={person.id} {pair.key}: {ours!r} != {theirs!r}")
        return found

    def _forgotten(self) -> list[str]:
        """Whoever may travel is linked, or somebody is asked about them."""
        links = Link.objects.filter(connection=self.world.connection)
        prospects = set(links.values_list("prospect_id", flat=True))
        persons = set(links.values_list("person_id", flat=True))
        asked = {(q.prospect_id, q.person_id) for q in self.world.questions()}
        lone = [
            p for p in self.world.prospects() if p.emails and p.id not in prospects | {a for a, _ in asked}
        ]
        alone = [p for p in self.world.persons() if p.emails and p.id not in persons | {b for _, b in asked}]
        wrong = [
            f"{link.prospect_id}={link.person_id} is {link.state}, but both are there"
            for link in links.exclude(state="linked")
            if link.prospect_id in self.world.outreach.ids and link.person_id in self.world.crm.person_ids
        ]
        wrong += [
            f"{link.prospect_id}={link.person_id} counts as linked, but one is gone"
            for link in links.filter(state="linked")
            if not (
                link.prospect_id in self.world.outreach.ids and link.person_id in self.world.crm.person_ids
            )
        ]
        return [f"{p.side.value} {p.id} ({p.name}) is forgotten" for p in (*lone, *alone)] + wrong

    def _lost_edits(self) -> list[str]:
        logged: dict[str, set[str]] = {}
        for entry in self.world.log():
            values = {str(c.get(k)) for c in entry.changes for k in ("before", "after", "lost")}
            for key in (f"o{entry.prospect_id}", f"p{entry.person_id}"):
                logged.setdefault(key, set()).update(values)
        found = []
        for prospect, person in self._pairs():
            for key in SINGLE:
                typed = [
                    edit
                    for side, record in ((Side.OUTREACH, prospect), (Side.PIPEDRIVE, person))
                    if (edit := self.edits.get((side, record.id, key)))
                ]
                last = max(typed, key=lambda edit: edit.order, default=None)
                if last and self._was_overtaken(person, key, last):
                    continue
                told = logged.get(f"o{prospect.id}", set()) | logged.get(f"p{person.id}", set())
                if last and last.value and prospect.value(key) != last.value and str(last.value) not in told:
                    found.append(f"{prospect.id}={person.id} {key}: {last.value!r} was lost silently")
        return found

    def _was_overtaken(self, person: Record, key: str, edit: Edit) -> bool:
        """Replaced unseen, and the webhook that would have told of it never came."""
        edited = person.side, person.id, key, str(edit.value)
        return edited in self.world.overtaken - self.world.told_of

    def _unfinished(self) -> list[str]:
        waiting = Change.objects.filter(connection=self.world.connection, done_at=None).count()
        intents = Intent.objects.filter(connection=self.world.connection).count()
        return [f"{n} {what} left" for n, what in ((waiting, "changes"), (intents, "intents")) if n]

    def _restlessness(self) -> list[str]:
        """Once both agree, nothing is written any more, whatever is delivered again."""
        world = self.world
        before = len(world.crm.written) + len(world.outreach.written)
        world.deliveries_taken = max(0, len(world.crm.deliveries) - 50)
        world.announcements_taken = max(0, len(world.outreach.announced) - 50)
        world.drain()
        again = len(world.crm.written) + len(world.outreach.written) - before
        return [f"{again} writes although all was quiet"] if again else []

    def _waste(self) -> list[str]:
        """Nothing is searched for, and nobody is looked at for nothing, whatever goes wrong."""
        tokens, writes = self.world.spent()
        most = WRITE_TOKENS * writes + LOOK_TOKENS * self.world.drains
        told = f"{tokens} tokens for {writes} writes in {self.world.drains} drains: more than {most}"
        return [told] if tokens > most else []
