"""Histories: people edit both apps, news get lost and doubled, writes fail, apps spell values in their own way.

Whatever happened: once it is quiet, linked records agree, and nothing is written any more. docs/sync-rules.md, all rows.
"""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.pairs import OUTREACH, PIPEDRIVE
from tests.property.world import World, folded
from tidegate.core.operations import LinkState
from tidegate.core.planning import Transfer
from tidegate.core.records import FIRST_NAME, LAST_NAME, Record, Side
from tidegate.core.settings import NAMES, Direction
from tidegate.core.values import Value
from tidegate.errors import RemoteUnavailable

SIDES = st.sampled_from(list(Side))
EMAILS = st.lists(st.sampled_from(["a@x.de", "b@x.de", "c@x.de"]), min_size=1, max_size=2, unique=True).map(
    tuple
)
PHONES = st.lists(st.sampled_from(["0171 55", "0172 66"]), max_size=2, unique=True).map(tuple)
VALUES: dict[str, st.SearchStrategy[Value]] = {
    "first_name": st.sampled_from([None, "Ann", "Mary Jane"]),
    "last_name": st.sampled_from([None, "Smith"]),
    "email": EMAILS,
    "phone": PHONES,
    "company": st.sampled_from([None, "Acme", "Bolt"]),
    "job_title": st.sampled_from([None, "CEO", "Chief of everything else"]),
    "heat": st.sampled_from([None, "Hot", "Lukewarm"]),
    "score": st.sampled_from([None, Decimal(1), Decimal(1234567)]),
}
"""Few values, so that clashes are common; of the last three Pipedrive takes two each."""
KEYS = {
    OUTREACH: {"heat": "custom.heat", "score": "custom.score"},
    PIPEDRIVE: {"heat": "heat40", "score": "score40", "company": "organization"},
}
REFUSED_BY_PIPEDRIVE = ("Chief of everything else", "Lukewarm", Decimal(1234567))
EDIT = st.sampled_from(sorted(VALUES)).flatmap(lambda key: st.tuples(st.just(key), VALUES[key]))
PERSON = st.fixed_dictionaries({"email": EMAILS}, optional={k: v for k, v in VALUES.items() if k != "email"})
NEWS = st.sampled_from(["all", "all", "lost", "twice", "backwards"])
WRITES = st.sampled_from(["create_person", "update_person", "create_prospect", "update_prospect"])


class History(RuleBasedStateMachine):
    """One history; `direction`, `source_app` and `counts` are set by the test."""

    direction = Direction.TWO_WAY
    source_app = PIPEDRIVE
    counts: Counter[str] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.direction, self.source_app)
        self.touched: set[tuple[Side, str]] = set()
        """Records that a person has edited or made."""
        self.transferred = False

    def ids(self, side: Side) -> list[str]:
        return self.world.outreach.ids if side is OUTREACH else self.world.crm.person_ids

    # --- People ---

    @rule(side=SIDES, values=PERSON)
    def add(self, side: Side, values: dict[str, Value]) -> None:
        if len(self.ids(side)) < 4:
            record_id = self.world.save(side, None, self._typed(side, values))
            self.touched.add((side, record_id))

    @rule(side=SIDES, which=st.integers(0, 3), edit=EDIT)
    def edit(self, side: Side, which: int, edit: tuple[str, Value]) -> None:
        if self.ids(side):
            record_id = self.ids(side)[which % len(self.ids(side))]
            self.world.save(side, record_id, self._typed(side, dict([edit])))
            self.touched.add((side, record_id))

    @rule(which=st.integers(0, 3), edits=st.tuples(EDIT, EDIT))
    @precondition(lambda self: self.world.links)
    def edit_both_sides_of_a_link(
        self, which: int, edits: tuple[tuple[str, Value], tuple[str, Value]]
    ) -> None:
        link = self.world.links[which % len(self.world.links)]
        for side, edit in zip(Side, edits, strict=True):
            if link.id_of(side) in self.ids(side):
                self.world.save(side, link.id_of(side), self._typed(side, dict([edit])))
                self.touched.add((side, link.id_of(side)))

    @rule(side=SIDES, which=st.integers(0, 3))
    def delete(self, side: Side, which: int) -> None:
        if self.ids(side):
            record_id = self.ids(side)[which % len(self.ids(side))]
            (self.world.outreach.delete if side is OUTREACH else self.world.crm.delete_person)(record_id)
            self.count("deleted")

    @rule()
    @precondition(lambda self: any(link.state is not LinkState.LINKED for link in self.world.links))
    def restore(self) -> None:
        link = next(link for link in self.world.links if link.state is not LinkState.LINKED)
        if link.prospect_id not in self.ids(OUTREACH):
            self.world.outreach.restore(link.prospect_id)
        if link.person_id not in self.ids(PIPEDRIVE) and link.person_id not in self.merged:
            self.world.crm.restore_person(link.person_id)
        self.count("restored")

    merged: frozenset[str] = frozenset()

    @rule(forwards=st.booleans())
    @precondition(lambda self: len(self.ids(PIPEDRIVE)) > 1)
    def merge_persons(self, forwards: bool) -> None:
        linked_first = sorted(self.ids(PIPEDRIVE), key=lambda i: self.world.link_of(PIPEDRIVE, i) is None)
        loser, survivor = linked_first[0], linked_first[-1]
        if not forwards:
            loser, survivor = survivor, loser
        self.world.crm.merge_persons(loser, survivor)
        self.merged |= {loser}
        self.touched.add((PIPEDRIVE, survivor))
        self.count("merged")

    def _typed(self, side: Side, values: dict[str, Value]) -> dict[str, Value]:
        """Under the side's own keys; what a side would not take, nobody can type there."""
        own = {KEYS[side].get(key, key): value for key, value in values.items()}
        if side is PIPEDRIVE:
            own = {key: value for key, value in own.items() if value not in REFUSED_BY_PIPEDRIVE}
        return self.world.type_values(side, own.items())

    # --- The world between ---

    @rule(how=NEWS)
    def bring_news(self, how: str) -> None:
        news = self.world.fetch_news()
        if how == "lost":
            lost = [change for change in news[::2] if not change.merged_into]
            news = [change for change in news if change not in lost]
            self.count("lost news", len(lost))
        self.world.inbox.extend({"twice": news * 2, "backwards": news[::-1]}.get(how, news))

    @rule(steps=st.integers(1, 6))
    def work(self, steps: int) -> None:
        for _ in range(min(steps, len(self.world.inbox))):
            self.world.work_one()

    @rule(method=WRITES, after=st.booleans())
    def fail_next(self, method: str, after: bool) -> None:
        app = self.world.outreach if method.endswith("prospect") else self.world.crm
        app.faults.fail(method, RemoteUnavailable(sent=after), after=after)

    @rule(to_pipedrive=st.booleans(), source=SIDES)
    def transfer(self, to_pipedrive: bool, source: Side) -> None:
        """Real-time changes wait meanwhile."""
        direction = Direction.TO_PIPEDRIVE if to_pipedrive else Direction.FROM_PIPEDRIVE
        waiting, self.world.inbox = self.world.inbox, []
        sender = OUTREACH if to_pipedrive else PIPEDRIVE
        for change in [c for c in self.world.everything() if c.side is sender]:
            self.world.inbox = [change]
            self.world.work_one(Transfer(direction, source))
        self.world.inbox = waiting
        self.transferred = True
        self.count("transfer")

    # --- The end ---

    def teardown(self) -> None:
        self.world.outreach.faults.clear()
        self.world.crm.faults.clear()
        for _ in range(2):
            self.world.inbox.extend(self.world.everything())
            self.world.work_until_quiet()
        self.counts.update(self.world.counts)
        self.check_agreement()
        self.check_one_way()
        self.check_silence()

    def check_agreement(self) -> None:
        receiver = self.direction.sender.other if self.direction.sender else None
        for link in self.world.links:
            prospect, person = self.world.look(link)
            if self.transferred or not (isinstance(prospect, Record) and isinstance(person, Record)):
                continue
            if receiver is None or (receiver, link.id_of(receiver)) not in self.touched:
                self.check_pairs(prospect, person)

    def check_pairs(self, prospect: Record, person: Record) -> None:
        assert whole_name(prospect) == whole_name(person)
        for pair in self.world.rules.pairs:
            left, right = prospect.value(pair.of(OUTREACH)), person.value(pair.of(PIPEDRIVE))
            if left not in REFUSED_BY_PIPEDRIVE and pair.mapping not in NAMES:
                assert folded(pair, left) == folded(pair, right), f"{pair.key}: {left!r} and {right!r}"
                self.count("agreed")

    def check_one_way(self) -> None:
        if not self.transferred:
            if not self.direction.flows_to(OUTREACH):
                assert not self.world.outreach.written
            if not self.direction.flows_to(PIPEDRIVE):
                assert not self.world.crm.written

    def check_silence(self) -> None:
        """Everything is looked at once more, by apps that take no write."""
        for method in ("create_person", "update_person", "create_organization"):
            self.world.crm.faults.fail(method, AssertionError("wrote without a change"), times=10**6)
        for method in ("create_prospect", "update_prospect"):
            self.world.outreach.faults.fail(method, AssertionError("wrote without a change"), times=10**6)
        self.world.inbox.extend(self.world.everything())
        self.world.work_until_quiet()

    def count(self, what: str, times: int = 1) -> None:
        self.counts[what] += times


def whole_name(record: Record) -> str:
    """The name whatever its parts, as neither app spells it."""
    parts = [record.value(key) for key in (FIRST_NAME, LAST_NAME)]
    return " ".join(part for part in parts if isinstance(part, str)).casefold()


def play(direction: Direction, source_app: Side, counts: Counter[str], examples: int) -> None:
    attributes: dict[str, Any] = {"direction": direction, "source_app": source_app, "counts": counts}
    machine = type("History", (History,), attributes)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


REACHED = {
    Direction.TWO_WAY: {
        "CREATE", "UPDATE", "UNCHANGED", "SKIP", "ASK", "MOVE", "UNLINK", "new link", "refusal", "conflict", "emptied",
        "both written", "failed write", "echo", "deleted", "restored", "merged", "lost news", "transfer", "agreed",
    },
}  # fmt: skip
ONE_WAY = REACHED[Direction.TWO_WAY] - {"both written"}


@pytest.mark.parametrize(
    ("direction", "source_app"),
    [
        (Direction.TWO_WAY, PIPEDRIVE),
        (Direction.TWO_WAY, OUTREACH),
        (Direction.TO_PIPEDRIVE, OUTREACH),
        (Direction.FROM_PIPEDRIVE, PIPEDRIVE),
    ],
)
def test_whatever_happened_both_sides_come_to_rest_and_agree(direction, source_app):
    counts: Counter[str] = Counter()

    play(direction, source_app, counts, examples=200)

    print(counts)
    never = REACHED.get(direction, ONE_WAY) - {what for what, times in counts.items() if times}
    assert not never, f"the histories never came to: {', '.join(sorted(never))}"
