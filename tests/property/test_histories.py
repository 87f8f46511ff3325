"""Histories: people edit both apps, news get lost and doubled, writes fail, apps spell values in their own way.

Whatever happened: once it is quiet, linked records agree, and nothing is written any more. docs/sync-rules.md, all rows.
"""

from collections import Counter
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, Phase, settings
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
EMAILS = st.lists(
    st.sampled_from([f"{name}@x.de" for name in "abcde"]), min_size=1, max_size=2, unique=True
).map(tuple)
PHONES = st.lists(st.sampled_from(["0171 55", "0172 66"]), max_size=2, unique=True).map(tuple)
VALUES: dict[str, st.SearchStrategy[Value]] = {
    "first_name": st.sampled_from([None, "Ann", "Mary Jane"]),
    "last_name": st.sampled_from([None, "Smith"]),
    "email": EMAILS,
    "phone": PHONES,
    "company": st.sampled_from([None, "Acme", "Bolt"]),
    "job_title": st.sampled_from([None, "CEO", "Chief of everything else"]),
    "heat": st.sampled_from([None, "Hot", "Lukewarm", "Icy"]),
    "score": st.sampled_from([None, Decimal(1), Decimal(1234567)]),
}
"""Few values, so that clashes are common; of the last three fields one side does not take them all."""
REFUSED: dict[Side, tuple[Value, ...]] = {
    PIPEDRIVE: ("Chief of everything else", "Lukewarm", Decimal(1234567)),
    OUTREACH: ("Icy",),
}
KEYS = {
    OUTREACH: {"heat": "custom.heat", "score": "custom.score"},
    PIPEDRIVE: {"heat": "heat40", "score": "score40", "company": "organization"},
}
EDIT = st.sampled_from(sorted(VALUES)).flatmap(lambda key: st.tuples(st.just(key), VALUES[key]))
PERSON = st.fixed_dictionaries(
    {"email": EMAILS}, optional={key: values for key, values in VALUES.items() if key != "email"}
)
NEWS = st.sampled_from(["all", "all", "lost", "twice", "backwards"])
WRITES = st.sampled_from(["create_person", "update_person", "create_prospect", "update_prospect"])


class History(RuleBasedStateMachine):
    """One history; what it is about is set by the test."""

    direction = Direction.TWO_WAY
    source_app = PIPEDRIVE
    with_transfers = False
    counts: Counter[str] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.direction, self.source_app)
        self.touched: set[tuple[Side, str]] = set()
        """Records that a person has made or edited."""
        self.merged: set[str] = set()

    def ids(self, side: Side) -> list[str]:
        return self.world.outreach.ids if side is OUTREACH else self.world.crm.person_ids

    def count(self, what: str, times: int = 1) -> None:
        self.counts[what] += times

    # --- People ---

    @rule(side=SIDES, values=PERSON)
    def add(self, side: Side, values: dict[str, Value]) -> None:
        if len(self.ids(side)) < 4:
            self.type(side, None, values)

    @rule(side=SIDES, which=st.integers(0, 3), edit=EDIT)
    def edit(self, side: Side, which: int, edit: tuple[str, Value]) -> None:
        if self.ids(side):
            self.type(side, self.ids(side)[which % len(self.ids(side))], dict([edit]))

    @rule(which=st.integers(0, 3), edits=st.tuples(EDIT, EDIT))
    @precondition(lambda self: self.world.links)
    def edit_both_sides_of_a_link(
        self, which: int, edits: tuple[tuple[str, Value], tuple[str, Value]]
    ) -> None:
        link = self.world.links[which % len(self.world.links)]
        for side, edit in zip(Side, edits, strict=True):
            if link.id_of(side) in self.ids(side):
                self.type(side, link.id_of(side), dict([edit]))

    @rule(which=st.integers(0, 3), key=st.sampled_from(sorted(VALUES)), data=st.data())
    @precondition(lambda self: self.world.links)
    def edit_one_field_on_both_sides(self, which: int, key: str, data: st.DataObject) -> None:
        self.edit_both_sides_of_a_link(which, ((key, data.draw(VALUES[key])), (key, data.draw(VALUES[key]))))

    def type(self, side: Side, record_id: str | None, values: dict[str, Value]) -> None:
        """Under the side's own keys; what a side does not take, nobody can type there."""
        own = {KEYS[side].get(key, key): value for key, value in values.items()}
        taken = self.world.type_values(side, [(k, v) for k, v in own.items() if v not in REFUSED[side]])
        self.touched.add((side, self.world.save(side, record_id, taken)))

    @rule(side=SIDES, which=st.integers(0, 3), what=st.sampled_from(["delete", "merge", "merge back"]))
    @precondition(lambda self: self.world.links)
    def upheaval(self, side: Side, which: int, what: str) -> None:
        if what == "delete" and self.ids(side):
            record_id = self.ids(side)[which % len(self.ids(side))]
            (self.world.outreach.delete if side is OUTREACH else self.world.crm.delete_person)(record_id)
            self.count("deleted")
        elif len(self.ids(PIPEDRIVE)) > 1:
            self.merge_persons(back=what == "merge back")

    def merge_persons(self, *, back: bool) -> None:
        linked_first = sorted(self.ids(PIPEDRIVE), key=lambda i: self.world.link_of(PIPEDRIVE, i) is None)
        loser, survivor = linked_first[0], linked_first[-1]
        if back:
            loser, survivor = survivor, loser
        self.world.crm.merge_persons(loser, survivor)
        self.merged.add(loser)
        self.touched.add((PIPEDRIVE, survivor))
        self.count("merged")

    @rule()
    @precondition(lambda self: any(link.state is not LinkState.LINKED for link in self.world.links))
    def restore(self) -> None:
        for link in self.world.links:
            if link.prospect_id not in self.ids(OUTREACH):
                self.world.outreach.restore(link.prospect_id)
                self.count("restored")
            if link.person_id not in self.ids(PIPEDRIVE) and link.person_id not in self.merged:
                self.world.crm.restore_person(link.person_id)
                self.count("restored")

    # --- The world between ---

    @rule(how=NEWS, steps=st.integers(0, 12))
    def bring_news(self, how: str, steps: int) -> None:
        news = self.world.fetch_news()
        if how == "lost":
            kept = [change for change in news[1::2] if not change.merged_into]
            self.count("lost news", len(news) - len(kept))
            news = kept
        self.world.inbox.extend({"twice": news * 2, "backwards": news[::-1]}.get(how, news))
        for _ in range(min(steps, len(self.world.inbox))):
            self.world.work_one()

    @rule(method=WRITES, after=st.booleans())
    def fail_next(self, method: str, after: bool) -> None:
        faults = self.world.outreach.faults if method.endswith("prospect") else self.world.crm.faults
        faults.fail(method, RemoteUnavailable(sent=after), after=after)

    @rule(to_pipedrive=st.booleans(), source=SIDES)
    @precondition(lambda self: self.with_transfers)
    def transfer(self, to_pipedrive: bool, source: Side) -> None:
        """Real-time changes wait meanwhile."""
        direction = Direction.TO_PIPEDRIVE if to_pipedrive else Direction.FROM_PIPEDRIVE
        waiting, self.world.inbox = self.world.inbox, []
        for change in [c for c in self.world.everything() if c.side is direction.sender]:
            self.world.inbox = [change]
            while self.world.inbox:
                self.world.work_one(Transfer(direction, source))
        self.world.inbox = waiting
        self.count("transfer")

    # --- The end ---

    def teardown(self) -> None:
        self.world.outreach.faults.clear()
        self.world.crm.faults.clear()
        for _ in range(2):
            self.world.inbox.extend(self.world.everything())
            self.world.work_until_quiet()
        self.counts.update(self.world.counts)
        if not self.with_transfers:
            self.check_agreement()
            self.check_one_way()
        self.check_silence()

    def check_agreement(self) -> None:
        """One-way, a receiver that people have edited may differ."""
        receiver = self.direction.sender.other if self.direction.sender else None
        for link in self.world.links:
            prospect, person = self.world.look(link)
            edited = receiver is not None and (receiver, link.id_of(receiver)) in self.touched
            if isinstance(prospect, Record) and isinstance(person, Record) and not edited:
                self.check_pairs(prospect, person)

    def check_pairs(self, prospect: Record, person: Record) -> None:
        assert whole_name(prospect) == whole_name(person)
        for pair in self.world.rules.pairs:
            left, right = prospect.value(pair.of(OUTREACH)), person.value(pair.of(PIPEDRIVE))
            refused = left in REFUSED[PIPEDRIVE] or right in REFUSED[OUTREACH]
            if not refused and pair.mapping not in NAMES:
                assert folded(pair, left) == folded(pair, right), f"{pair.key}: {left!r} and {right!r}"
                self.count("agreed")

    def check_one_way(self) -> None:
        if not self.direction.flows_to(OUTREACH):
            assert not self.world.outreach.written
        if not self.direction.flows_to(PIPEDRIVE):
            assert not self.world.crm.written

    def check_silence(self) -> None:
        """Everything is looked at once more, by apps that take no write."""
        for method in ("create_person", "update_person", "create_organization"):
            self.world.crm.faults.fail(method, AssertionError("wrote without a change"))
        for method in ("create_prospect", "update_prospect"):
            self.world.outreach.faults.fail(method, AssertionError("wrote without a change"))
        self.world.inbox.extend(self.world.everything())
        self.world.work_until_quiet()


def whole_name(record: Record) -> str:
    """The name whatever its parts, as neither app spells it."""
    parts = [record.value(key) for key in (FIRST_NAME, LAST_NAME)]
    return " ".join(part for part in parts if isinstance(part, str)).casefold()


def play(direction: Direction, source_app: Side, *, with_transfers: bool) -> Counter[str]:
    """What the histories came to. The same ones each time, so that a red run can be repeated."""
    counts: Counter[str] = Counter()
    attributes: dict[str, Any] = {
        "direction": direction,
        "source_app": source_app,
        "with_transfers": with_transfers,
        "counts": counts,
    }
    run_state_machine_as_test(
        type("History", (History,), attributes),
        settings=settings(
            max_examples=100,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
    return counts


REACHED = {
    "CREATE", "UPDATE", "UNCHANGED", "SKIP", "ASK", "UNLINK", "MOVE", "new link", "refusal", "conflict", "emptied",
    "both written", "failed write", "echo", "deleted", "restored", "merged", "lost news",
}  # fmt: skip
SETTINGS = [
    (Direction.TWO_WAY, PIPEDRIVE),
    (Direction.TWO_WAY, OUTREACH),
    (Direction.TO_PIPEDRIVE, OUTREACH),
    (Direction.FROM_PIPEDRIVE, PIPEDRIVE),
]


def test_whatever_happened_both_sides_come_to_rest_and_agree():
    counts = [play(*chosen, with_transfers=False) for chosen in SETTINGS]

    assert_reached(REACHED, counts)
    assert [count["agreed"] > 0 for count in counts] == [True] * len(SETTINGS)
    assert sum(count["agreed"] for count in counts) > 1_000


def test_transfers_among_it_all_leave_both_sides_at_rest():
    counts = [play(*chosen, with_transfers=True) for chosen in SETTINGS]

    assert_reached(REACHED | {"transfer"}, counts)


def assert_reached(expected: set[str], counts: list[Counter[str]]) -> None:
    """A law that was never put to the test is none."""
    never = expected - {what for count in counts for what, times in count.items() if times}
    assert not never, f"the histories never came to: {', '.join(sorted(never))}"
