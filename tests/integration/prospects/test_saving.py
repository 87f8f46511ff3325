"""Creating, changing and deleting prospects."""

import threading

import pytest
from django.db import connection, transaction

from tests.builders import make_workspace
from tidegate.errors import Conflict, Invalid, NotFound
from tidegate.prospects.models import Prospect, ProspectEmail
from tidegate.prospects.services import (
    Author,
    Outcome,
    create_field,
    create_list,
    create_prospect,
    delete_prospects,
    update_prospect,
    upsert_prospects,
)
from tidegate.prospects.signals import prospects_changed


def addresses(prospect_id: int) -> list[str]:
    return sorted(ProspectEmail.objects.filter(prospect=prospect_id).values_list("address", flat=True))


def test_a_new_prospect_is_announced_once_with_who_made_it(author, announced):
    saved = create_prospect(author, {"email": "Ann@Example.com", "first_name": "Ann"})

    assert saved.outcome is Outcome.CREATED
    assert announced.changes == [("create", [saved.prospect.pk])]
    assert announced.facts[0]["actor"] == "Alice"
    assert announced.facts[0]["origin"] == "page"


def test_an_address_is_kept_as_written_and_found_in_normal_form(author):
    prospect = create_prospect(author, {"email": "Ann@Example.com", "emails": ["B@example.com"]}).prospect

    assert [entry["value"] for entry in prospect.emails] == ["Ann@Example.com", "B@example.com"]
    assert addresses(prospect.pk) == ["ann@example.com", "b@example.com"]


def test_a_change_that_changes_nothing_is_not_announced_and_leaves_the_time(author, announced):
    raw = {"email": "ann@example.com", "first_name": "Ann", "phone": "112", "custom": {}}
    prospect = create_prospect(author, raw).prospect
    announced.forget()

    saved = update_prospect(author, prospect.pk, raw, list_ids=[])

    assert saved.outcome is Outcome.UNCHANGED
    assert announced.changes == []
    assert Prospect.objects.get(pk=prospect.pk).updated_at == prospect.updated_at


def test_a_change_touches_only_what_was_given(author, announced):
    create_field(author, "Size", "number")
    first = {"email": "ann@example.com", "first_name": "Ann", "company": "Acme", "custom": {"size": 5}}
    prospect = create_prospect(author, first).prospect
    announced.forget()

    update_prospect(author, prospect.pk, {"company": None, "custom": {}})

    after = Prospect.objects.get(pk=prospect.pk)
    assert (after.first_name, after.company, after.custom) == ("Ann", "", {"size": "5"})
    assert after.updated_at > prospect.updated_at
    assert announced.changes == [("change", [prospect.pk])]


def test_an_emptied_custom_value_is_left_out(author):
    create_field(author, "Size", "number")
    prospect = create_prospect(author, {"email": "ann@example.com", "custom": {"size": 5}}).prospect

    update_prospect(author, prospect.pk, {"custom": {"size": None}})

    assert Prospect.objects.get(pk=prospect.pk).custom == {}


@pytest.mark.parametrize(
    ("raw", "after"),
    [
        ({"email": "new@example.com"}, ["new@example.com", "b@example.com"]),
        ({"email": "B@example.com"}, ["B@example.com", "a@example.com"]),
        ({"email": "A@example.com"}, ["A@example.com", "b@example.com"]),
        ({"email": ""}, ["b@example.com"]),
        ({"emails": []}, []),
        ({"emails": ["c@example.com", "C@EXAMPLE.com", "a@example.com"]}, ["c@example.com", "a@example.com"]),
        ({"email": "z@example.com", "emails": ["a@example.com"]}, ["z@example.com", "a@example.com"]),
    ],
)
def test_addresses_after_a_change(author, raw, after):
    first = {"first_name": "Ann", "emails": ["a@example.com", "b@example.com"]}
    prospect = create_prospect(author, first).prospect

    update_prospect(author, prospect.pk, raw)

    emails = Prospect.objects.get(pk=prospect.pk).emails
    assert [entry["value"] for entry in emails] == after
    assert addresses(prospect.pk) == sorted(value.lower() for value in after)


def test_what_was_known_of_an_address_is_not_said_of_the_next_one(author):
    prospect = create_prospect(author, {"email": "a@example.com", "email_status": "valid"}).prospect

    update_prospect(author, prospect.pk, {"email": "A@Example.com"})
    assert Prospect.objects.get(pk=prospect.pk).email_status == "valid"
    update_prospect(author, prospect.pk, {"email": "new@example.com"})
    assert Prospect.objects.get(pk=prospect.pk).email_status == "unverified"


def test_a_label_stays_with_its_address(author):
    emails = [{"value": "a@example.com", "label": "work"}, {"value": "b@example.com", "label": "home"}]
    prospect = create_prospect(author, {"emails": emails}).prospect

    update_prospect(author, prospect.pk, {"emails": ["b@example.com", "c@example.com"]})

    assert Prospect.objects.get(pk=prospect.pk).emails == [
        {"value": "b@example.com", "label": "home"},
        {"value": "c@example.com", "label": ""},
    ]


def test_all_faults_are_named_at_once_and_nothing_is_written(author, announced):
    create_field(author, "Size", "number")
    announced.forget()

    with pytest.raises(Invalid) as refusal:
        create_prospect(
            author,
            {
                "email": "nobody",
                "first_name": "x" * 256,
                "email_status": "great",
                "shoe": 44,
                "custom": {"size": "huge", "none": 1},
            },
        )

    assert refusal.value.errors.keys() == {
        "email",
        "first_name",
        "email_status",
        "shoe",
        "custom.size",
        "custom.none",
    }
    assert not Prospect.objects.exists()
    assert announced.changes == []


def test_a_prospect_needs_something_to_be_known_by(author):
    with pytest.raises(Invalid):
        create_prospect(author, {"job_title": "CEO"})
    prospect = create_prospect(author, {"email": "ann@example.com"}).prospect
    with pytest.raises(Invalid):
        update_prospect(author, prospect.pk, {"email": ""})


def test_a_second_prospect_with_an_address_is_refused_by_name(author):
    first = create_prospect(author, {"email": "ann@example.com", "first_name": "Ann"}).prospect

    with pytest.raises(Conflict) as refusal:
        create_prospect(author, {"email": "ANN@example.com "})

    assert refusal.value.facts["prospect_id"] == first.pk
    assert "Ann" in str(refusal.value)
    assert create_prospect(author, {"email": "ann@example.com"}, allow_double=True).prospect.pk != first.pk


def test_a_key_makes_one_prospect_however_often(author, announced):
    first = create_prospect(author, {"email": "ann@example.com"}, key="transfer 7")

    again = create_prospect(author, {"email": "other@example.com"}, key="transfer 7")

    assert again.prospect.pk == first.prospect.pk
    assert again.outcome is Outcome.UNCHANGED
    assert [action for action, _ in announced.changes] == ["create"]


def test_lists_given_with_a_change_are_the_lists_afterwards(author, announced):
    one, two, three = (create_list(author, name).pk for name in ("One", "Two", "Three"))
    prospect = create_prospect(author, {"email": "ann@example.com"}, list_ids=[one, two]).prospect
    announced.forget()

    update_prospect(author, prospect.pk, {}, list_ids=[two, three])
    update_prospect(author, prospect.pk, {}, list_ids=[three, two])

    assert set(prospect.lists.values_list("pk", flat=True)) == {two, three}
    assert announced.changes == [("change", [prospect.pk])]


def test_another_workspaces_list_is_refused_and_nothing_is_written(author, stranger):
    theirs = create_list(stranger, "Theirs").pk

    with pytest.raises(Invalid) as refusal:
        create_prospect(author, {"email": "ann@example.com"}, list_ids=[theirs])

    assert "list_ids" in refusal.value.errors
    assert not Prospect.objects.exists()


def test_another_workspaces_prospect_is_not_there(author, stranger, announced):
    theirs = create_prospect(stranger, {"email": "charlie@example.com"}).prospect

    with pytest.raises(NotFound):
        update_prospect(author, theirs.pk, {"first_name": "Mine"})
    assert delete_prospects(author, [theirs.pk]) == 0
    assert announced.changes == []
    assert Prospect.objects.filter(pk=theirs.pk).exists()


def test_deleting_announces_who_was_really_there(author, announced):
    ids = [create_prospect(author, {"email": f"{n}@example.com"}).prospect.pk for n in range(3)]
    delete_prospects(author, ids[:1])
    announced.forget()

    assert delete_prospects(author, [*ids, 987654321]) == 2

    assert announced.changes == [("delete", ids[1:])]
    assert not ProspectEmail.objects.exists()


def test_who_listens_can_still_undo_everything(author):
    def refuse(**_: object) -> None:
        raise RuntimeError("no room for this change")

    prospects_changed.connect(refuse)
    try:
        with pytest.raises(RuntimeError):
            create_prospect(author, {"email": "ann@example.com"})
    finally:
        prospects_changed.disconnect(refuse)

    assert not Prospect.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_create_the_same_person_at_once_make_one():
    author = Author(make_workspace().pk, "Alice", "api")
    start = threading.Barrier(4)
    outcomes: list[Outcome] = []

    def create() -> None:
        try:
            start.wait(timeout=60)
            outcomes.append(upsert_prospects(author, [{"email": "ann@example.com"}])[0].outcome)
        finally:
            connection.close()

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(outcomes) == ["created", "unchanged", "unchanged", "unchanged"]
    assert Prospect.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_undone_leaves_no_trace():
    author = Author(make_workspace().pk, "Alice", "api")

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        create_prospect(author, {"email": "ann@example.com"})
        _ = 1 / 0

    assert not Prospect.objects.exists()
    assert not ProspectEmail.objects.exists()
