"""Many prospects at once, recognised by their addresses."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tidegate.errors import Invalid
from tidegate.prospects.models import Prospect, ProspectEmail
from tidegate.prospects.services import (
    Outcome,
    Policy,
    create_field,
    create_list,
    create_prospect,
    upsert_prospects,
)


def outcomes(results):
    return [result.outcome.value for result in results]


def test_each_item_gets_its_own_answer_in_order(author, announced):
    known = create_prospect(author, {"email": "known@example.com", "first_name": "Kim"}).prospect
    announced.forget()

    results = upsert_prospects(
        author,
        [
            {"email": "new@example.com"},
            {"email": "KNOWN@example.com", "first_name": "Kim", "company": "Acme"},
            {"email": "known@example.com", "company": "Acme"},
            {"email": "nobody"},
            {},
        ],
    )

    assert outcomes(results) == ["created", "updated", "unchanged", "rejected", "rejected"]
    assert results[1].prospect_id == known.pk
    assert results[3].errors.keys() == {"email"}
    assert announced.changes == [("create", [results[0].prospect_id]), ("change", [known.pk])]


def test_items_that_change_nothing_are_not_announced(author, announced):
    items = [{"email": f"{n}@example.com", "first_name": "Ann", "phone": "112"} for n in range(5)]
    upsert_prospects(author, items)
    before = dict(Prospect.objects.values_list("pk", "updated_at"))
    announced.forget()

    assert set(outcomes(upsert_prospects(author, items))) == {"unchanged"}

    assert announced.changes == []
    assert dict(Prospect.objects.values_list("pk", "updated_at")) == before


def test_an_address_adds_to_a_prospect_and_never_takes_its_first_one(author):
    prospect = create_prospect(author, {"emails": ["main@example.com", "second@example.com"]}).prospect

    upsert_prospects(author, [{"email": "second@example.com", "emails": ["third@example.com"]}])

    emails = Prospect.objects.get(pk=prospect.pk).emails
    assert [entry["value"] for entry in emails] == [
        "main@example.com",
        "second@example.com",
        "third@example.com",
    ]
    assert ProspectEmail.objects.count() == 3


def test_two_items_with_one_address_are_two_changes_of_one_prospect(author, announced):
    results = upsert_prospects(
        author,
        [{"email": "a@example.com", "company": "First"}, {"email": "A@example.com", "company": "Second"}],
    )

    assert outcomes(results) == ["created", "updated"]
    assert results[0].prospect_id == results[1].prospect_id
    assert Prospect.objects.get().company == "Second"
    assert announced.changes == [("create", [results[0].prospect_id])]


def test_an_item_that_could_mean_two_prospects_is_refused(author, announced):
    create_prospect(author, {"email": "a@example.com", "first_name": "Ann"})
    create_prospect(author, {"email": "b@example.com", "first_name": "Bob"})
    announced.forget()

    results = upsert_prospects(
        author, [{"email": "a@example.com", "emails": ["b@example.com"], "company": "X"}]
    )

    assert outcomes(results) == ["rejected"]
    assert "Ann" in results[0].errors["email"][0]
    assert "Bob" in results[0].errors["email"][0]
    assert announced.changes == []
    assert not Prospect.objects.filter(company="X").exists()


@pytest.mark.parametrize(
    ("policy", "company", "job_title", "outcome"),
    [
        (Policy.OVERWRITE, "New", "CEO", "updated"),
        (Policy.FILL, "Old", "CEO", "updated"),
        (Policy.SKIP, "Old", "", "unchanged"),
    ],
)
def test_the_policy_says_what_happens_to_who_is_here_already(author, policy, company, job_title, outcome):
    prospect = create_prospect(author, {"email": "a@example.com", "company": "Old"}).prospect

    results = upsert_prospects(
        author, [{"email": "a@example.com", "company": "New", "job_title": "CEO"}], policy=policy
    )

    after = Prospect.objects.get(pk=prospect.pk)
    assert (after.company, after.job_title) == (company, job_title)
    assert outcomes(results) == [outcome]


def test_filling_up_leaves_every_value_that_is_there(author):
    create_field(author, "Size", "number")
    create_field(author, "Note", "text")
    raw = {"email": "a@example.com", "phone": "111", "email_status": "valid", "custom": {"size": 5}}
    prospect = create_prospect(author, raw).prospect

    upsert_prospects(
        author,
        [
            {
                "email": "a@example.com",
                "phone": "222",
                "email_status": "invalid",
                "custom": {"size": 9, "note": "new"},
            }
        ],
        policy=Policy.FILL,
    )

    after = Prospect.objects.get(pk=prospect.pk)
    assert (after.phone, after.email_status) == ("111", "valid")
    assert after.custom == {"size": "5", "note": "new"}


def test_being_added_to_a_list_is_a_change(author, announced):
    list_id = create_list(author, "Founders").pk
    known = create_prospect(author, {"email": "a@example.com"}).prospect
    announced.forget()

    items: list[dict[str, object]] = [
        {"email": "a@example.com", "list_ids": [list_id]},
        {"email": "b@example.com", "list_ids": [str(list_id)]},
    ]
    first = upsert_prospects(author, items)
    again = upsert_prospects(author, items)

    assert outcomes(first) == ["updated", "created"]
    assert outcomes(again) == ["unchanged", "unchanged"]
    assert announced.changes == [("create", [first[1].prospect_id]), ("change", [known.pk])]


@pytest.mark.parametrize("forged", [[987654321], ["x"], "7", [10**30], [None]])
def test_an_item_with_a_list_that_is_not_there_is_refused_alone(author, forged):
    results = upsert_prospects(
        author, [{"email": "a@example.com", "list_ids": forged}, {"email": "b@example.com"}]
    )

    assert outcomes(results) == ["rejected", "created"]
    assert results[0].errors.keys() == {"list_ids"}


def test_another_workspaces_list_is_not_there(author, stranger):
    theirs = create_list(stranger, "Theirs").pk

    assert outcomes(upsert_prospects(author, [{"email": "a@example.com", "list_ids": [theirs]}])) == [
        "rejected"
    ]


def test_another_workspaces_prospect_is_nobody_here(author, stranger):
    theirs = create_prospect(stranger, {"email": "a@example.com"}).prospect

    results = upsert_prospects(author, [{"email": "a@example.com", "company": "Mine"}])

    assert outcomes(results) == ["created"]
    assert Prospect.objects.get(pk=theirs.pk).company == ""


def test_a_thousand_items_cost_no_more_queries_than_ten(author):
    list_id = create_list(author, "All").pk

    def queries(count: int, start: int) -> int:
        items = [{"email": f"{start + n}@example.com", "list_ids": [list_id]} for n in range(count)]
        with CaptureQueriesContext(
            connection,
        ) as captured:
            upsert_prospects(author, items)
            upsert_prospects(author, [{**item, "company": "Acme"} for item in items])
        return len(captured)

    assert queries(1000, 1000) <= queries(10, 0) + 2
    assert Prospect.objects.filter(company="Acme").count() == 1010


def test_more_than_a_thousand_items_are_refused(author):
    with pytest.raises(Invalid, match="1,000"):
        upsert_prospects(author, [{}] * 1001)


def test_every_outcome_can_be_reached():
    assert {outcome.value for outcome in Outcome} == {"created", "updated", "unchanged", "rejected"}
