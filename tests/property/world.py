"""Two apps in memory and the smallest engine that can keep them in step: look, decide, do, remember, one change at a time.

It stands for the engine in the laws of the core: no database, no concurrency, no quota. Changes wait in an inbox; a write
that fails puts its change back. What it finds out about every write it checks at once, so that a law that breaks, breaks
where it broke.
"""

import re
from collections import Counter
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from tests.pairs import OUTREACH, OUTREACH_FIELDS, PIPEDRIVE, PIPEDRIVE_FIELDS, make_rules
from tidegate.core.echo import is_echo
from tidegate.core.matching import addresses, find_candidates
from tidegate.core.operations import Act, Decision, LinkState, Plan, Write
from tidegate.core.planning import LIVE, LinkView, Mode, Situation, decide, finish
from tidegate.core.records import FIRST_NAME, LAST_NAME, ORGANIZATION, Gone, Record, Seen, Side
from tidegate.core.settings import NAMES, Direction, Pair
from tidegate.core.values import LISTS, Value, is_empty, name_key, normal_text
from tidegate.errors import RecordGone, RemoteUnavailable
from tidegate.ports import UNCHANGED, Unchanged
from tidegate.testing.crm import MemoryCrm
from tidegate.testing.outreach import MemoryOutreach

T = TypeVar("T")
MOST_STEPS = 2_000
"""After so many changes without rest the two sides are taken to loop."""


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise AssertionError("something in memory waited")


NAME_PARTS = (FIRST_NAME, LAST_NAME)


def spell_in_capitals(key: str, value: Value) -> Value:
    """An outreach app that writes names with a capital."""
    return value.title() if key in NAME_PARTS and isinstance(value, str) else value


def spell_in_small_letters(key: str, value: Value) -> Value:
    """A CRM that writes names small and numbers with their country code."""
    if key in NAME_PARTS and isinstance(value, str):
        return value.lower()
    if key == "phone" and isinstance(value, tuple):
        return tuple(dict.fromkeys(re.sub(r"^0", "+49 ", number) for number in value))
    return value


def _spellings(pair: Pair, value: Value) -> list[Value]:
    small = spell_in_small_letters(pair.of(PIPEDRIVE), value)
    tall = spell_in_capitals(pair.of(OUTREACH), value)
    return [value, small, tall, spell_in_capitals(pair.of(OUTREACH), small)]


def folded(pair: Pair, value: Value) -> object:
    """A value without what the two apps spell in their own way."""
    if isinstance(value, tuple) and pair.kind in LISTS:
        return frozenset(re.sub(r"^\+49 ", "0", item) for item in value)
    return normal_text(value.casefold()) if isinstance(value, str) else None if is_empty(value) else value


@dataclass(frozen=True)
class Change:
    side: Side
    id: str
    merged_into: str | None = None
    body: Record | None = None


class World:
    def __init__(self, direction: Direction, source_app: Side) -> None:
        self.rules = make_rules(direction, source_app=source_app)
        self.outreach = MemoryOutreach(OUTREACH_FIELDS, spell=spell_in_capitals)
        self.crm = MemoryCrm(PIPEDRIVE_FIELDS, spell=spell_in_small_letters)
        self.links: list[LinkView] = []
        self.inbox: list[Change] = []
        self.counts: Counter[str] = Counter()
        self.asked: set[str] = set()
        self.typed: dict[str, list[Value]] = {pair.key: [None, ()] for pair in self.rules.pairs}
        """Mapping key -> every value that somebody typed, as either app spells it."""

    # --- Bringing what happened to the inbox ---

    def fetch_news(self) -> list[Change]:
        """What the apps told since it was last asked, in order."""
        news = [Change(OUTREACH, i) for i in self.outreach.announced]
        for delivery in self.crm.deliveries:
            if delivery.entity == "person":
                news.append(Change(PIPEDRIVE, delivery.id, delivery.merged_into, delivery.body))
        self.outreach.announced.clear()
        self.crm.deliveries.clear()
        return news

    def everything(self) -> list[Change]:
        """What a full reconciliation looks at: every record there, and every linked one."""
        prospects = {*self.outreach.ids, *(link.prospect_id for link in self.links)}
        persons = {*self.crm.person_ids, *(link.person_id for link in self.links)}
        return [Change(OUTREACH, i) for i in sorted(prospects, key=int)] + [
            Change(PIPEDRIVE, i) for i in sorted(persons, key=int)
        ]

    def work_until_quiet(self, mode: Mode = LIVE) -> None:
        for _ in range(MOST_STEPS):
            if not self.inbox:
                self.inbox.extend(self.fetch_news())
                if not self.inbox:
                    return
            self.work_one(mode)
        raise AssertionError("the two sides do not come to rest")

    # --- One change ---

    def work_one(self, mode: Mode = LIVE) -> None:
        change = self.inbox.pop(0)
        link = self.link_of(change.side, change.id)
        if self._is_echo(change, link):
            self.counts["echo"] += 1
            return
        plan, situation = self.plan(change, link, mode)
        self._count(plan)
        returned, failed = self._do(plan, mode)
        self._remember(plan, situation, returned)
        if failed:  # at once again, as an engine looks up first what it may have created
            self.inbox.insert(0, change)
        if plan.decision is Decision.MOVE and plan.person_id is not None:
            self.inbox.append(Change(PIPEDRIVE, plan.person_id))

    def plan(self, change: Change, link: LinkView | None, mode: Mode) -> tuple[Plan, Situation]:
        prospect, person = self.look(link, change)
        candidates, taken = self._candidates(prospect if change.side is OUTREACH else person, link)
        situation = Situation(link, prospect, person, change.side, candidates, taken)
        return decide(situation, self.rules, mode), situation

    def link_of(self, side: Side, record_id: str) -> LinkView | None:
        return next((link for link in self.links if link.id_of(side) == record_id), None)

    def _is_echo(self, change: Change, link: LinkView | None) -> bool:
        if change.body is None or link is None or link.state is not LinkState.LINKED:
            return False
        return is_echo(change.body, link.base, self.rules.pairs)

    def look(self, link: LinkView | None, change: Change | None = None) -> tuple[Seen | None, Seen | None]:
        """What both sides show of a link, or the one side of an unlinked record."""
        ids: dict[Side, str] = {change.side: change.id} if change else {}
        if link:
            ids = {side: link.id_of(side) for side in Side}
        prospect_id, person_id = ids.get(OUTREACH), ids.get(PIPEDRIVE)
        prospect = run(self.outreach.get_prospects([prospect_id]))[prospect_id] if prospect_id else None
        person = self.person(person_id) if person_id else None
        if isinstance(person, Gone) and change and change.side is PIPEDRIVE and change.merged_into:
            person = replace(person, merged_into=change.merged_into)
        return prospect, person

    def person(self, person_id: str) -> Seen:
        return self._with_organization(run(self.crm.get_persons([person_id]))[person_id])

    def _with_organization(self, seen: Seen) -> Seen:
        if isinstance(seen, Gone):
            return seen
        names = {o.id: o.name for o in self.crm.organizations}
        name = names.get(seen.organization_id or "")
        return replace(seen, values={**seen.values, ORGANIZATION: name})

    def _candidates(
        self, origin: Seen | None, link: LinkView | None
    ) -> tuple[tuple[Record, ...], tuple[str, ...]]:
        if isinstance(origin, Gone) and origin.merged_into:
            return (), (origin.merged_into,) if self.link_of(origin.side, origin.merged_into) else ()
        if link is not None or not isinstance(origin, Record):
            return (), ()
        if origin.side is PIPEDRIVE:
            holders = run(self.outreach.find_by_emails(origin.emails))
            found: list[Record] = [self.outreach.record(i) for i in find_candidates(origin, holders)]
        else:
            persons = [self.person(i) for i in self.crm.person_ids]
            found = [
                p for p in persons if isinstance(p, Record) and set(addresses(p)) & set(addresses(origin))
            ]
        other = origin.side.other
        free = tuple(r for r in found if self.link_of(other, r.id) is None)
        return free, tuple(r.id for r in found if r not in free)

    # --- Do ---

    def _do(self, plan: Plan, mode: Mode) -> tuple[dict[Side, Record], bool]:
        returned: dict[Side, Record] = {}
        for write in plan.writes:
            self._check_write(plan, write, mode)
            try:
                returned[write.side] = self._send(plan, write)
            except (RemoteUnavailable, RecordGone):
                self.counts["failed write"] += 1
                return returned, True
        return returned, False

    def _send(self, plan: Plan, write: Write) -> Record:
        values = dict(write.values)
        if write.side is OUTREACH:
            if write.act is Act.CREATE:
                return run(self.outreach.create_prospect(values, list_id="1", key=str(plan.person_id)))
            return run(self.outreach.update_prospect(str(write.record_id), values, seen=None))
        organization = self._organization(values.pop(ORGANIZATION)) if ORGANIZATION in values else UNCHANGED
        if write.act is Act.CREATE:
            organization_id = organization if isinstance(organization, str) else None
            person = run(self.crm.create_person(values, owner_id="7", organization_id=organization_id))
        else:
            person = run(
                self.crm.update_person(str(write.record_id), values, seen=None, organization_id=organization)
            )
        seen = self._with_organization(person)
        assert isinstance(seen, Record)
        return seen

    def _organization(self, name: Value) -> str | None:
        """The id for a name that we write: found, else created."""
        if not isinstance(name, str):
            return None
        return self._named(name) or run(self.crm.create_organization(name, owner_id="7")).id

    def _named(self, name: str) -> str | None:
        return next((o.id for o in self.crm.organizations if name_key(o.name) == name_key(name)), None)

    # --- Remember ---

    def _remember(self, plan: Plan, situation: Situation, returned: dict[Side, Record]) -> None:
        if plan.decision is Decision.ASK:
            self.asked.add(str(plan.prospect_id or plan.person_id))
        made = {side: record.id for side, record in returned.items()}
        prospect_id = plan.prospect_id or made.get(OUTREACH)
        person_id = plan.person_id or made.get(PIPEDRIVE)
        keeps = situation.link is not None or plan.new_link
        if keeps and prospect_id is not None and person_id is not None:
            link = LinkView(prospect_id, person_id, finish(plan, returned), plan.state)
            self.links = [old for old in self.links if old is not situation.link]
            assert not any(o.prospect_id == prospect_id or o.person_id == person_id for o in self.links)
            self.links.append(link)

    # --- Laws of every write ---

    def _check_write(self, plan: Plan, write: Write, mode: Mode) -> None:
        assert plan.reason
        assert write.changes or write.act is Act.CREATE
        if mode is LIVE:
            assert self.rules.settings.direction.flows_to(write.side), "one-way wrote back"
        for change in write.changes:
            pair = next(pair for pair in self.rules.pairs if pair.of(write.side) == change.field)
            assert not pair.same(change.before, change.after), "a write without a difference"
            assert self._was_typed(pair, change.after), f"nobody typed {change.after!r} for {pair.key}"
            if write.act is Act.UPDATE:
                shown = self._shown(write.side, str(write.record_id))
                assert pair.same(change.before, shown.value(change.field)), "the log would be wrong"
            if is_empty(change.after):
                self.counts["emptied"] += 1
        if write.act is Act.CREATE:
            self._check_create(plan, write)

    def _check_create(self, plan: Plan, write: Write) -> None:
        origin = self._shown(write.side.other, str(plan.prospect_id or plan.person_id))
        there = self.outreach.ids if write.side is OUTREACH else self.crm.person_ids
        for record_id in there:
            held = set(addresses(self._shown(write.side, record_id)))
            known = write.side is OUTREACH and self.outreach.keeps_key(str(plan.person_id), record_id)
            assert known or not held & set(addresses(origin)), "made a second time"

    def _shown(self, side: Side, record_id: str) -> Record:
        seen = self.outreach.record(record_id) if side is OUTREACH else self.person(record_id)
        assert isinstance(seen, Record)
        return seen

    def _was_typed(self, pair: Pair, value: Value) -> bool:
        if pair.kind in LISTS and isinstance(value, tuple):
            typed = {item for known in self.typed[pair.key] if isinstance(known, tuple) for item in known}
            return set(value) <= typed
        if pair.mapping in NAMES:  # a name that one app keeps whole is split by the other
            return any(value in self.typed[mapping.key] for mapping in NAMES)
        return value in self.typed[pair.key]

    # --- What people do ---

    def type_values(self, side: Side, values: Iterable[tuple[str, Value]]) -> dict[str, Value]:
        """Remember what is about to be typed, in every spelling the apps may give it."""
        own = {pair.of(side): pair for pair in self.rules.pairs}
        typed = dict(values)
        for key, value in typed.items():
            parts = [value]
            if key in NAME_PARTS and isinstance(value, str):
                head, _, tail = value.partition(" ")
                parts += [head, tail]
            for part in parts:
                self.typed[own[key].key] += _spellings(own[key], part)
        return typed

    def save(self, side: Side, record_id: str | None, values: dict[str, Value]) -> str:
        """Add a record, or edit one, as a person would."""
        if side is OUTREACH:
            if record_id is None:
                return self.outreach.add(values)
            self.outreach.edit(record_id, values)
            return record_id
        organization: str | Unchanged | None = UNCHANGED
        if ORGANIZATION in values:
            name = values.pop(ORGANIZATION)
            organization = (
                (self._named(name) or self.crm.add_organization(name)) if isinstance(name, str) else None
            )
        if record_id is None:
            return self.crm.add_person(
                values, organization_id=organization if isinstance(organization, str) else None
            )
        self.crm.edit_person(record_id, values, organization_id=organization)
        return record_id

    def _count(self, plan: Plan) -> None:
        self.counts[plan.decision.name] += 1
        self.counts["new link"] += plan.new_link and plan.decision is not Decision.CREATE
        self.counts["refusal"] += len(plan.refusals)
        self.counts["both written"] += len(plan.writes) == 2
        for write in plan.writes:
            self.counts["conflict"] += sum(change.conflict for change in write.changes)
