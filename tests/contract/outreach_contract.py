"""What every implementation of `ports.OutreachApp` does. A class of behaviours; each implementation brings a `bench`.

Nothing here waits: the implementations under test answer at once, so a call is driven to its end without an event loop.
"""

from collections.abc import Coroutine, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Protocol, TypeVar

import pytest
from asgiref.sync import async_to_sync

from tidegate.core.records import COMPANY, EMAIL, FIRST_NAME, JOB_TITLE, LAST_NAME, PHONE, Gone, Record, Side
from tidegate.core.values import (
    MISSING,
    Address,
    DateRange,
    Kind,
    Money,
    TimeOfDay,
    Unreadable,
    Value,
    is_empty,
    same,
)
from tidegate.errors import ChangedMeanwhile, InvalidForRemote, RecordGone, TidegateError
from tidegate.ports import OutreachApp

T = TypeVar("T")

EDITED: Mapping[str, Value] = {
    FIRST_NAME: "Annika",
    EMAIL: ("a@example.com", "b@example.com"),
    PHONE: ("+49 30 5550100", "+49 30 5550101"),
}
"""What somebody made of it."""
EXAMPLES: Mapping[Kind, Value] = {
    Kind.TEXT: "Zweigstelle",
    Kind.LONG_TEXT: "One line.\nAnother one.",
    Kind.NUMBER: Decimal("12.50").normalize(),
    Kind.MONEY: Money(Decimal("120.5"), "EUR"),
    Kind.DATE: date(2026, 3, 31),
    Kind.TIME: TimeOfDay(time(9, 30), "Europe/Berlin"),
    Kind.DATETIME: datetime(2026, 3, 31, 9, 30, tzinfo=UTC),
    Kind.DATE_RANGE: DateRange(date(2026, 3, 1), date(2026, 3, 31)),
    Kind.BOOLEAN: False,
    Kind.OPTION: "Blue",
    Kind.OPTIONS: ("Blue", "Red"),
    Kind.PHONE: ("+49 30 5550100",),
    Kind.EMAIL: ("second@example.com",),
    Kind.ADDRESS: Address("1 Quay Street, Porto"),
    Kind.LINK: "https://example.com/a?b=c",
}
"""A value of every kind an outreach field can have; option fields offer Blue and Red."""


class Bench(Protocol):
    """An implementation with hands to set it up: lists, custom fields and prospects of its own."""

    @property
    def app(self) -> OutreachApp: ...
    def make_list(self, name: str) -> str: ...
    def make_field(self, name: str, kind: Kind) -> str:
        """The key of a new custom field."""
        ...

    def make_prospect(self, values: Mapping[str, Value], list_ids: Sequence[str] = ()) -> str: ...
    def delete_prospect(self, prospect_id: str) -> None: ...
    def email_status(self, prospect_id: str) -> str: ...


def finish(call: Coroutine[object, object, T]) -> T:
    """The result of a call, made as a request makes it: steps that touch the database run on this thread."""

    async def made() -> T:
        return await call

    return async_to_sync(made)()


class OutreachContract:
    @pytest.fixture
    def bench(self) -> Bench:
        raise NotImplementedError

    def read(self, bench: Bench, prospect_id: str) -> Record:
        seen = finish(bench.app.get_prospects([prospect_id]))[prospect_id]
        assert isinstance(seen, Record)
        return seen

    # --- Catalogue ---

    def test_the_catalogue_shows_the_system_fields_with_their_kinds(self, bench):
        catalogue = finish(bench.app.read_catalogue())

        kinds = {item.key: item.kind for item in catalogue.fields if not item.custom}
        texts = dict.fromkeys((FIRST_NAME, LAST_NAME, COMPANY, JOB_TITLE), Kind.TEXT)
        assert kinds == {**texts, EMAIL: Kind.EMAIL, PHONE: Kind.PHONE}

    @pytest.mark.parametrize("kind", EXAMPLES)
    def test_the_catalogue_shows_custom_fields_of_every_kind(self, bench, kind):
        key = bench.make_field("Extra", kind)

        found = finish(bench.app.read_catalogue()).field(key)

        assert found is not None
        assert (found.kind, found.name, found.custom, found.writable) == (kind, "Extra", True, True)
        assert [option.label for option in found.options] == (
            ["Blue", "Red"] if kind in (Kind.OPTION, Kind.OPTIONS) else []
        )

    def test_the_catalogue_shows_lists_with_their_sizes(self, bench):
        full, empty = bench.make_list("Full"), bench.make_list("Empty")
        bench.make_prospect({FIRST_NAME: "Ann"}, [full])
        bench.make_prospect({FIRST_NAME: "Bob"}, [full])

        lists = {item.id: item for item in finish(bench.app.read_catalogue()).lists}

        assert (lists[full].name, lists[full].size) == ("Full", 2)
        assert (lists[empty].name, lists[empty].size) == ("Empty", 0)

    # --- Reading ---

    def test_a_prospect_shows_every_field_and_its_lists(self, bench):
        list_id = bench.make_list("Founders")
        key = bench.make_field("Size", Kind.NUMBER)
        prospect_id = bench.make_prospect(
            {FIRST_NAME: "Ann", EMAIL: ("ann@example.com",), key: Decimal(7)}, [list_id]
        )

        record = self.read(bench, prospect_id)

        assert (record.side, record.id) == (Side.OUTREACH, prospect_id)
        assert record.list_ids == {list_id}
        assert record.value(FIRST_NAME) == "Ann"
        assert record.value(key) == Decimal(7)
        assert is_empty(record.value(COMPANY))
        assert {item.key for item in finish(bench.app.read_catalogue()).fields} == set(record.values)
        assert MISSING not in record.values.values()

    def test_addresses_come_in_normal_form_with_the_primary_first(self, bench):
        prospect_id = bench.make_prospect({EMAIL: ("zoe@example.com", "ann@example.com")})

        record = self.read(bench, prospect_id)

        assert record.value(EMAIL) == record.emails == ("zoe@example.com", "ann@example.com")

    def test_who_is_not_there_is_gone(self, bench):
        kept, deleted = bench.make_prospect({FIRST_NAME: "Ann"}), bench.make_prospect({FIRST_NAME: "Bob"})
        bench.delete_prospect(deleted)

        seen = finish(bench.app.get_prospects([kept, deleted, "987654321"]))

        assert isinstance(seen[kept], Record)
        assert seen[deleted] == Gone(Side.OUTREACH, deleted)
        assert seen["987654321"] == Gone(Side.OUTREACH, "987654321")

    def test_nobody_asked_for_is_nobody_answered(self, bench):
        assert finish(bench.app.get_prospects([])) == {}
        assert finish(bench.app.find_by_emails([])) == {}

    # --- Finding ---

    def test_any_address_of_a_prospect_finds_it(self, bench):
        prospect_id = bench.make_prospect({EMAIL: ("ann@example.com", "ann@home.example")})

        found = finish(bench.app.find_by_emails(["ann@home.example", "nobody@example.com"]))

        assert found == {"ann@home.example": (prospect_id,)}

    def test_everybody_who_holds_an_address_is_found_in_a_stable_order(self, bench):
        ids = [bench.make_prospect({EMAIL: ("shared@example.com",), FIRST_NAME: name}) for name in "ABC"]
        bench.delete_prospect(ids[1])

        for _ in range(3):
            assert finish(bench.app.find_by_emails(["shared@example.com"])) == {
                "shared@example.com": (ids[0], ids[2])
            }

    # --- Walking ---

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
    def test_a_walk_meets_everybody_once(self, bench, limit):
        ids = [bench.make_prospect({FIRST_NAME: f"Ann {number}"}) for number in range(7)]

        met: list[str] = []
        cursor: str | None = None
        while True:
            page = finish(bench.app.walk(list_ids=None, cursor=cursor, limit=limit))
            assert len(page.records) <= limit
            met += [record.id for record in page.records]
            cursor = page.next_cursor
            if cursor is None:
                break

        assert sorted(met, key=int) == ids
        assert finish(bench.app.count(list_ids=None)) == 7

    def test_a_walk_over_lists_meets_who_is_in_any_of_them_once(self, bench):
        one, other, third = (bench.make_list(name) for name in ("One", "Other", "Third"))
        both = bench.make_prospect({FIRST_NAME: "Both"}, [one, other])
        single = bench.make_prospect({FIRST_NAME: "Single"}, [other])
        bench.make_prospect({FIRST_NAME: "Elsewhere"}, [third])
        bench.make_prospect({FIRST_NAME: "Nowhere"})

        page = finish(bench.app.walk(list_ids=[one, other], cursor=None, limit=10))

        assert [record.id for record in page.records] == [both, single]
        assert finish(bench.app.count(list_ids=[one, other])) == 2

    def test_a_walk_over_no_lists_meets_nobody(self, bench):
        bench.make_prospect({FIRST_NAME: "Ann"})

        assert finish(bench.app.walk(list_ids=[], cursor=None, limit=10)).records == ()
        assert finish(bench.app.count(list_ids=[])) == 0

    def test_a_walk_goes_on_after_the_one_it_stood_at_was_deleted(self, bench):
        ids = [bench.make_prospect({FIRST_NAME: name}) for name in "ABCD"]
        first = finish(bench.app.walk(list_ids=None, cursor=None, limit=2))
        bench.delete_prospect(ids[1])

        rest = finish(bench.app.walk(list_ids=None, cursor=first.next_cursor, limit=2))

        assert [record.id for record in rest.records] == ids[2:]

    # --- Creating ---

    def test_a_new_prospect_is_in_its_list_and_unverified(self, bench):
        list_id = bench.make_list("From Pipedrive")

        record = finish(
            bench.app.create_prospect(
                {FIRST_NAME: "Ann", EMAIL: ("a@example.com",)}, list_id=list_id, key="1"
            )
        )

        assert record == self.read(bench, record.id)
        assert record.list_ids == {list_id}
        assert bench.email_status(record.id) == "unverified"

    def test_the_same_key_again_makes_nobody_else(self, bench):
        first = finish(bench.app.create_prospect({FIRST_NAME: "Ann"}, list_id=None, key="transfer 7"))

        again = finish(bench.app.create_prospect({FIRST_NAME: "Ann"}, list_id=None, key="transfer 7"))
        other = finish(bench.app.create_prospect({FIRST_NAME: "Ann"}, list_id=None, key="transfer 8"))

        assert again.id == first.id != other.id
        assert finish(bench.app.count(list_ids=None)) == 2

    def test_a_key_tells_whom_it_made_as_long_as_that_one_is_there(self, bench):
        made = [
            finish(bench.app.create_prospect({FIRST_NAME: name}, list_id=None, key=f"transfer {name}"))
            for name in ("Ann", "Bo")
        ]
        finish(bench.app.update_prospect(made[0].id, {FIRST_NAME: "Anne"}, seen=None))
        bench.delete_prospect(made[1].id)

        found = finish(bench.app.find_by_keys({"transfer Ann", "transfer Bo", "transfer Cy"}))

        assert found == {"transfer Ann": made[0].id}
        assert finish(bench.app.find_by_keys(())) == {}

    def test_nobody_is_made_for_a_list_that_is_gone(self, bench):
        with pytest.raises(TidegateError):
            finish(bench.app.create_prospect({FIRST_NAME: "Ann"}, list_id="987654321", key="1"))

        assert finish(bench.app.count(list_ids=None)) == 0

    @pytest.mark.parametrize("kind", EXAMPLES)
    def test_a_value_of_every_kind_comes_back_as_it_went_in(self, bench, kind):
        key = bench.make_field("Extra", kind)

        made = finish(
            bench.app.create_prospect({FIRST_NAME: "Ann", key: EXAMPLES[kind]}, list_id=None, key="1")
        )

        assert made.value(key) == EXAMPLES[kind]
        assert self.read(bench, made.id).value(key) == EXAMPLES[kind]

    # --- Updating ---

    def test_an_update_sets_these_fields_and_no_others(self, bench):
        prospect_id = bench.make_prospect({FIRST_NAME: "Ann", COMPANY: "Acme", PHONE: ("+49 30 5550100",)})

        record = finish(bench.app.update_prospect(prospect_id, {FIRST_NAME: "Anna"}, seen=None))

        assert record == self.read(bench, prospect_id)
        assert record.value(FIRST_NAME) == "Anna"
        assert record.value(COMPANY) == "Acme"
        assert record.value(PHONE) == ("+49 30 5550100",)

    @pytest.mark.parametrize("kind", EXAMPLES)
    def test_a_value_of_every_kind_can_be_emptied(self, bench, kind):
        key = bench.make_field("Extra", kind)
        prospect_id = bench.make_prospect({FIRST_NAME: "Ann", key: EXAMPLES[kind]})

        record = finish(bench.app.update_prospect(prospect_id, {key: None}, seen=None))

        assert is_empty(record.value(key))

    def test_a_new_address_finds_the_prospect_and_the_old_one_does_not(self, bench):
        prospect_id = bench.make_prospect({EMAIL: ("old@example.com", "kept@example.com")})

        record = finish(
            bench.app.update_prospect(
                prospect_id, {EMAIL: ("new@example.com", "kept@example.com")}, seen=None
            )
        )

        assert record.emails == ("new@example.com", "kept@example.com")
        found = finish(bench.app.find_by_emails(["old@example.com", "new@example.com", "kept@example.com"]))
        assert found == {"new@example.com": (prospect_id,), "kept@example.com": (prospect_id,)}

    def test_the_same_update_again_changes_nothing(self, bench):
        prospect_id = bench.make_prospect({FIRST_NAME: "Ann"})
        values = {EMAIL: ("a@example.com",), PHONE: ("+49 30 5550100",), COMPANY: "Acme"}
        first = finish(bench.app.update_prospect(prospect_id, values, seen=None))

        again = finish(bench.app.update_prospect(prospect_id, values, seen=None))

        assert again.values == first.values
        assert again.emails == first.emails

    def test_who_is_deleted_can_not_be_updated(self, bench):
        prospect_id = bench.make_prospect({FIRST_NAME: "Ann"})
        bench.delete_prospect(prospect_id)

        for missing in (prospect_id, "987654321"):
            with pytest.raises(RecordGone):
                finish(bench.app.update_prospect(missing, {FIRST_NAME: "Anna"}, seen=None))

    @pytest.mark.parametrize("values", [{FIRST_NAME: "Anna"}, {EMAIL: ("new@example.com",)}, {PHONE: ()}])
    def test_a_field_that_somebody_edited_since_the_look_is_not_written(self, bench, values):
        prospect_id = bench.make_prospect(
            {FIRST_NAME: "Ann", EMAIL: ("a@example.com",), PHONE: ("+49 30 5550100",), COMPANY: "Acme"}
        )
        seen = self.read(bench, prospect_id)
        finish(bench.app.update_prospect(prospect_id, {key: EDITED[key] for key in values}, seen=None))
        edited = self.read(bench, prospect_id)

        with pytest.raises(ChangedMeanwhile) as caught:
            finish(bench.app.update_prospect(prospect_id, {**values, COMPANY: "Tern"}, seen=seen))

        assert caught.value.retry_after == 0
        assert self.read(bench, prospect_id).values == edited.values

    def test_an_edit_of_another_field_since_the_look_keeps_nothing_from_being_written(self, bench):
        prospect_id = bench.make_prospect({FIRST_NAME: "Ann", COMPANY: "Acme"})
        seen = self.read(bench, prospect_id)
        finish(bench.app.update_prospect(prospect_id, {COMPANY: "Tern"}, seen=None))

        written = finish(bench.app.update_prospect(prospect_id, {FIRST_NAME: "Anna"}, seen=seen))

        assert (written.value(FIRST_NAME), written.value(COMPANY)) == ("Anna", "Tern")

    def test_a_prospect_is_removed_and_removing_it_again_is_fine(self, bench):
        stays, goes = bench.make_prospect({FIRST_NAME: "Ann"}), bench.make_prospect({FIRST_NAME: "Bo"})

        for _ in range(2):
            finish(bench.app.remove_prospect(goes))

        found = finish(bench.app.get_prospects([stays, goes]))
        assert [type(found[stays]), type(found[goes])] == [Record, Gone]

    # --- Refusing ---

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            (FIRST_NAME, "x" * 100_000),
            ("custom.nothing_of_that_name", "x"),
            (COMPANY, MISSING),
            (COMPANY, Unreadable("??", "not a text")),
        ],
        ids=["too long", "no such field", "missing", "unreadable"],
    )
    def test_what_does_not_fit_is_refused_by_name_and_nothing_is_written(self, bench, key, value):
        prospect_id = bench.make_prospect({FIRST_NAME: "Ann", LAST_NAME: "Bee"})

        with pytest.raises(InvalidForRemote) as refusal:
            finish(bench.app.update_prospect(prospect_id, {LAST_NAME: "Cee", key: value}, seen=None))
        with pytest.raises(InvalidForRemote):
            finish(bench.app.create_prospect({LAST_NAME: "Cee", key: value}, list_id=None, key="1"))

        assert refusal.value.facts["field"] == key
        assert self.read(bench, prospect_id).value(LAST_NAME) == "Bee"
        assert finish(bench.app.count(list_ids=None)) == 1

    @pytest.mark.parametrize("kind", [Kind.OPTION, Kind.OPTIONS])
    def test_an_option_that_is_not_offered_is_refused(self, bench, kind):
        key = bench.make_field("Colour", kind)
        prospect_id = bench.make_prospect({FIRST_NAME: "Ann"})

        with pytest.raises(InvalidForRemote):
            finish(
                bench.app.update_prospect(
                    prospect_id, {key: ("Green",) if kind is Kind.OPTIONS else "Green"}, seen=None
                )
            )

        assert is_empty(self.read(bench, prospect_id).value(key))

    @pytest.mark.parametrize("kind", [Kind.OPTION, Kind.OPTIONS])
    def test_options_are_known_by_label_without_case(self, bench, kind):
        key = bench.make_field("Colour", kind)
        prospect_id = bench.make_prospect({FIRST_NAME: "Ann"})
        given: Value = ("blue",) if kind is Kind.OPTIONS else "blue"

        record = finish(bench.app.update_prospect(prospect_id, {key: given}, seen=None))

        assert same(kind, record.value(key), given)
