"""Needs attention: what waits for a person, by kind, and the ways out: retry, choose, ignore."""

from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.builders import make_attention, make_connection, make_person, make_prospect
from tidegate.errors import Conflict
from tidegate.prospects.models import CustomField, FieldType, Prospect
from tidegate.prospects.services import Author, create_field
from tidegate.store.models import Attention, Change, Connection, Link, Workspace
from tidegate.wiring import actions


@pytest.fixture
def live(workspace: Workspace) -> Connection:
    return make_connection(workspace)


@pytest.fixture
def ambiguous(live: Connection) -> Attention:
    make_person(live.lane, 31, "Bram de Wit", "bram@polderlicht.example", organization="Polderlicht")
    make_person(live.lane, 32, "B. de Wit", "bram@polderlicht.example", "b@polderlicht.example")
    facts = {"candidates": ["31", "32"], "candidates_side": "pipedrive"}
    return make_attention(live, "ambiguous", prospect_id="15", record_name="Bram", facts=facts)


def page(client: Client, connection: Connection, **query: str) -> str:
    answer = client.get(reverse("attention", args=[connection.pk]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_waits_in_another_workspace_is_not_found(stranger: Client, live: Connection) -> None:
    case = make_attention(live)
    assert stranger.get(reverse("attention", args=[live.pk])).status_code == 404
    assert stranger.get(reverse("attention-csv", args=[live.pk])).status_code == 404
    for name, args in (
        ("attention-retry", [case.pk]),
        ("attention-settle", [case.pk]),
        ("attention-retry-many", []),
        ("attention-ignore-many", []),
    ):
        assert stranger.post(reverse(name, args=[live.pk, *args])).status_code == 404


def test_a_case_of_another_connection_is_not_found(
    owner: Client, live: Connection, workspace: Workspace
) -> None:
    other = make_attention(make_connection(workspace))
    assert owner.post(reverse("attention-retry", args=[live.pk, other.pk])).status_code == 404


def test_nothing_to_do_is_good_news(owner: Client, live: Connection) -> None:
    make_attention(live, settled_at=timezone.now(), settled_by="sync")
    text = page(owner, live)
    assert "Nothing needs you" in text
    assert "by itself" in text


def test_cases_are_grouped_by_kind_and_the_rest_is_one_click_away(owner: Client, live: Connection) -> None:
    for number in range(13):
        make_attention(live, record_name=f"Ada {number}")
    make_attention(live, "gone", record_name="Old One")
    text = page(owner, live)
    assert "Retry all 14" in text
    assert "Retry 13" in text
    assert "Show 3 more" in text
    assert text.index("A value doesn’t fit") < text.index("The linked record is no longer there")
    assert "Ada 0" in page(owner, live, kind="invalid")


def test_a_kind_nobody_has_heard_of_speaks_for_itself(owner: Client, live: Connection) -> None:
    make_attention(live, "brand-new", message="The moon is full.", cure="Wait a week.")
    text = page(owner, live)
    assert "The moon is full." in text
    assert "Wait a week." in text


def test_candidates_stand_next_to_each_other_with_what_tells_them_apart(
    owner: Client, live: Connection, ambiguous: Attention
) -> None:
    text = page(owner, live)
    for part in ("Bram de Wit", "B. de Wit", "Polderlicht", "b@polderlicht.example", "/person/31"):
        assert part in text


def test_a_candidate_on_the_prospects_side_is_shown_too(
    owner: Client, live: Connection, workspace: Workspace
) -> None:
    one = make_prospect(workspace, first_name="Tess", last_name="Marlow", company="Marlow Print")
    facts = {"candidates": [str(one.pk), "999999"], "candidates_side": "outreach"}
    make_attention(live, "ambiguous", prospect_id="", person_id="77", facts=facts)
    text = page(owner, live)
    assert "Tess Marlow" in text
    assert "Marlow Print" in text
    assert "Prospect 999999" in text


def test_a_chosen_candidate_is_linked_and_looked_at(
    owner: Client, live: Connection, ambiguous: Attention
) -> None:
    address = reverse("attention-settle", args=[live.pk, ambiguous.pk])
    answer = owner.post(address, {"choose": "1", "candidate": "32"}, follow=True)
    assert "is linked with the record you chose" in answer.content.decode()
    assert Link.objects.get(connection=live, prospect_id="15").person_id == "32"
    ambiguous.refresh_from_db()
    assert ambiguous.settled_by == "Alice Lindqvist"


def test_none_of_these_is_remembered(owner: Client, live: Connection, ambiguous: Attention) -> None:
    assert "None of these" in page(owner, live)
    answer = owner.post(reverse("attention-settle", args=[live.pk, ambiguous.pk]), {"none": "1"}, follow=True)
    assert "is none of them. The answer is remembered." in answer.content.decode()
    assert set(live.kept_apart.values_list("prospect_id", "person_id")) == {("15", "31"), ("15", "32")}


def test_two_prospects_of_one_person_are_shown_with_no_third_answer(
    owner: Client, live: Connection, workspace: Workspace
) -> None:
    both = [make_prospect(workspace, first_name=name) for name in ("Tess", "Tessa")]
    facts = {"candidates": [str(p.pk) for p in both], "candidates_side": "outreach", "survivor": "9"}
    make_attention(live, "merged", prospect_id=str(both[1].pk), person_id="8", facts=facts)
    text = page(owner, live)
    assert "Two linked persons were merged into one in Pipedrive" in text
    assert "Tess " in text and "Tessa " in text
    assert "None of these" not in text


@pytest.mark.parametrize("chosen", ["", "33"])
def test_only_one_of_the_candidates_can_be_chosen(
    owner: Client, live: Connection, ambiguous: Attention, chosen: str
) -> None:
    address = reverse("attention-settle", args=[live.pk, ambiguous.pk])
    answer = owner.post(address, {"choose": "1", "candidate": chosen}, follow=True)
    assert "Choose one of the records that fit. Nothing was changed." in answer.content.decode()
    assert not Link.objects.exists()
    ambiguous.refresh_from_db()
    assert ambiguous.settled_at is None


def test_an_ignored_case_is_settled_and_writes_nothing(owner: Client, live: Connection) -> None:
    case = make_attention(live)
    owner.post(reverse("attention-settle", args=[live.pk, case.pk]))
    case.refresh_from_db()
    assert case.settled_by == "Alice Lindqvist"
    assert not Change.objects.exists()
    assert owner.post(reverse("attention-settle", args=[live.pk, case.pk])).status_code == 404


def test_a_retry_looks_at_the_record_again(owner: Client, live: Connection) -> None:
    case = make_attention(live, prospect_id="15")
    answer = owner.post(reverse("attention-retry", args=[live.pk, case.pk]), follow=True)
    assert "Ada Wren is being tried again." in answer.content.decode()
    assert Change.objects.get().record_id == "15"


def test_a_retry_of_a_kind_leaves_the_others_alone(owner: Client, live: Connection) -> None:
    for number in range(3):
        make_attention(live, prospect_id=str(number))
    make_attention(live, "gone", prospect_id="9")
    owner.post(reverse("attention-retry-many", args=[live.pk]), {"kind": "invalid"})
    assert sorted(Change.objects.values_list("record_id", flat=True)) == ["0", "1", "2"]
    owner.post(reverse("attention-ignore-many", args=[live.pk]), {"kind": "gone"})
    assert live.attention.filter(settled_at=None).count() == 3


# --- corrected on the spot


@pytest.fixture
def refused(live: Connection) -> Attention:
    """A number of staff that Pipedrive's field can't hold, of a prospect with a name and an address."""
    create_field(Author(live.workspace_id, "Alice", "page"), "Team size", FieldType.TEXT)
    prospect = make_prospect(live.workspace, email="ada@millrace.example", custom={"team_size": "about 40"})
    facts = {"values": {"employees": "about 40"}, "correct": {"outreach": ["custom.team_size"]}}
    return make_attention(live, prospect_id=str(prospect.pk), facts=facts)


def correct(client: Client, case: Attention, text: str) -> Any:
    address = reverse("attention-correct", args=[case.connection_id, case.pk])
    return client.post(address, {"custom.team_size": text}, follow=True)


def test_a_refused_value_of_a_prospect_is_corrected_on_the_spot(
    owner: Client, live: Connection, refused: Attention
) -> None:
    """It is an edit like any other: told under the member's name, and followed at once. Other fields stay."""
    text = page(owner, live)
    assert 'value="about 40"' in text
    assert "ada@millrace.example" in text
    assert "Save and retry" in text
    answer = correct(owner, refused, "40")
    assert "Saved. Signe Aaltonen is being tried again." in answer.content.decode()
    prospect = Prospect.objects.get(pk=refused.prospect_id)
    assert (prospect.custom, prospect.first_name) == ({"team_size": "40"}, "Signe")
    [change] = Change.objects.all()
    assert (change.record_id, change.actor) == (refused.prospect_id, "Alice Lindqvist")


def test_a_value_that_was_left_as_it_is_is_tried_again_all_the_same(
    owner: Client, refused: Attention
) -> None:
    correct(owner, refused, "about 40")
    [change] = Change.objects.all()
    assert (change.record_id, change.source) == (refused.prospect_id, "retry")


def test_a_correction_that_the_prospect_cannot_hold_is_refused_beside_it(
    owner: Client, live: Connection, refused: Attention
) -> None:
    answer = correct(owner, refused, "x" * 70_000)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert "autofocus" in answer.content.decode()
    assert not Change.objects.exists()


def test_what_comes_from_pipedrive_is_corrected_there(owner: Client, live: Connection) -> None:
    facts = {"values": {"phone": "?"}, "correct": {"pipedrive": ["phone"]}}
    make_attention(live, person_id="31", facts=facts)
    text = page(owner, live)
    assert "Correct it in Pipedrive" in text
    assert "Save and retry" not in text


def test_a_value_that_is_no_option_leads_to_where_the_option_is_added(
    viewer: Client, live: Connection
) -> None:
    make_attention(live, record_name="Tess Marlow")
    lead = f'<a href="{reverse("settings", args=[live.pk])}#data">'
    assert lead not in page(viewer, live)
    make_attention(live, record_name="Ada Wren", facts={"lacks_option": True})
    assert page(viewer, live).count(lead) == 1


def test_nothing_is_corrected_where_the_prospect_or_its_field_is_gone(
    owner: Client, live: Connection, refused: Attention
) -> None:
    CustomField.objects.all().delete()
    assert "Save and retry" not in page(owner, live)
    Prospect.objects.all().delete()
    assert "Save and retry" not in page(owner, live)
    assert correct(owner, refused, "40").status_code == 404


def test_only_who_may_edit_corrects(viewer: Client, stranger: Client, refused: Attention) -> None:
    assert "Save and retry" not in page(viewer, refused.connection)
    assert correct(viewer, refused, "40").status_code == 403
    assert correct(stranger, refused, "40").status_code == 404


def test_what_stands_in_the_way_is_said(
    owner: Client, live: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **facts: Any) -> None:
        raise Conflict("One of the two is linked to another record already.")

    monkeypatch.setattr(actions, "retry_attention", refuse)
    case = make_attention(live)
    answer = owner.post(reverse("attention-retry", args=[live.pk, case.pk]), follow=True)
    assert "One of the two is linked to another record already." in answer.content.decode()


def test_a_viewer_may_look_but_not_settle(viewer: Client, live: Connection, ambiguous: Attention) -> None:
    text = page(viewer, live)
    assert "Bram de Wit" in text
    assert '<button type="submit"' not in text.split("<main")[1]
    for name in ("attention-retry", "attention-settle"):
        assert viewer.post(reverse(name, args=[live.pk, ambiguous.pk])).status_code == 403
    ambiguous.refresh_from_db()
    assert ambiguous.settled_at is None


# --- Technical details

REFUSED = {
    "method": "PATCH",
    "path": "/api/v2/persons/31?ids=1,2",
    "status": 400,
    "text": "Validation failed: name: <b>too long</b>",
    "code": "ERR_SCHEMA",
    "at": "2026-05-12T09:40:07+00:00",
    "tries": 3,
}


def test_a_case_that_came_from_an_answer_shows_it_in_a_computers_words(
    viewer: Client, live: Connection
) -> None:
    case = make_attention(live, prospect_id="15", person_id="31", details=REFUSED)
    text = unescape(page(viewer, live))
    shown = text.partition(f'<pre id="details-{case.pk}"')[2].partition(">")[2].partition("</pre>")[0]
    assert shown.splitlines() == [
        "PATCH /api/v2/persons/31?ids=1,2    400 Bad Request",
        "Validation failed: name: <b>too long</b>",
        "",
        "Code: ERR_SCHEMA",
        "Answered at: 2026-05-12T09:40:07+00:00",
        "Tries: 3",
        "Prospect: 15",
        "Person: 31",
        f"Case: {case.pk}",
    ]
    assert f'data-copy="#details-{case.pk}"' in text
    assert "<b>too long</b>" not in page(viewer, live)


def test_what_is_not_known_of_an_answer_is_left_out(owner: Client, live: Connection) -> None:
    details = {**REFUSED, "status": 799, "text": "", "code": "", "of": "17"}
    del details["tries"]
    make_attention(live, "automation", prospect_id="15", person_id="", details=details)
    text = page(owner, live)
    assert "    799\n" in text
    assert "The answer gives no reason." in text
    assert "Run: 17" in text
    for absent in ("Code:", "Tries:", "Person:"):
        assert absent not in text


def test_a_case_that_no_app_answered_shows_no_details(
    owner: Client, live: Connection, ambiguous: Attention
) -> None:
    make_attention(live)
    assert "Technical details" not in page(owner, live)


def test_a_question_that_came_from_an_answer_shows_it_beside_its_choices(
    owner: Client, live: Connection, ambiguous: Attention
) -> None:
    ambiguous.details = REFUSED
    ambiguous.save()
    assert f'id="details-{ambiguous.pk}"' in page(owner, live)


def test_the_file_holds_the_details_too(owner: Client, live: Connection) -> None:
    make_attention(live, details=REFUSED)
    answer = owner.get(reverse("attention-csv", args=[live.pk]))
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]  # it is streamed
    assert "Technical details" in text
    assert "400 Bad Request" in text
