"""The activity log: what it says of each entry, its filters and pages, one record's story, and its file."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from tests.builders import field_change, make_connection, make_log_entry, make_person, make_prospect
from tidegate.core.settings import Direction, FieldMapping, settings_to_json
from tidegate.prospects.models import Prospect
from tidegate.store.models import Change, Connection, LogEntry, Workspace


@pytest.fixture
def live(workspace: Workspace) -> Connection:
    return make_connection(workspace)


def log(client: Client, connection: Connection, **query: str) -> str:
    answer = client.get(reverse("activity", args=[connection.pk]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def rows(client: Client, connection: Connection, **query: str) -> list[list[str]]:
    answer = client.get(reverse("activity-csv", args=[connection.pk]), query)
    text = b"".join(answer).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_the_log_of_another_workspace_is_not_found(stranger: Client, live: Connection) -> None:
    entry = make_log_entry(live)
    for name, args in (("activity", []), ("activity-csv", []), ("activity-record", [entry.pk])):
        assert stranger.get(reverse(name, args=[live.pk, *args])).status_code == 404


def test_an_entry_of_another_connection_is_not_found(
    owner: Client, live: Connection, workspace: Workspace
) -> None:
    other = make_log_entry(make_connection(workspace))
    assert owner.get(reverse("activity-record", args=[live.pk, other.pk])).status_code == 404


def test_an_empty_log_says_what_will_be_here(owner: Client, live: Connection) -> None:
    assert "Every change that Tidegate writes into either app is listed here" in log(owner, live)


def test_both_values_of_a_conflict_are_kept(owner: Client, live: Connection) -> None:
    change = field_change("Position", "Technical director", "CTO", lost="Technical director", conflict=True)
    entry = make_log_entry(live, changes=[change])
    text = log(owner, live)
    assert "Conflict" in text
    assert "on both sides, Tidegate Prospects won" in text
    text = owner.get(reverse("activity-record", args=[live.pk, entry.pk])).content.decode()
    assert (
        "Both apps had changed it. Tidegate Prospects wins; the other value was “Technical director”." in text
    )


# --- the value that lost


@pytest.fixture(params=["pipedrive", "outreach"])
def decided(request: pytest.FixtureRequest, live: Connection) -> LogEntry:
    """A conflict over the position that the prospect's value won, or Pipedrive's."""
    prospect = make_prospect(live.workspace, job_title="CTO")
    mapping = FieldMapping("job_title", "title_in_pipedrive")
    settings = replace(live.get_settings(), mappings=(*live.get_settings().mappings, mapping))
    Connection.objects.filter(pk=live.pk).update(settings=settings_to_json(settings))
    field = "job_title" if request.param == "outreach" else "title_in_pipedrive"
    change = field_change("Position", "Chair", "CTO", lost="Chair", conflict=True, field=field)
    return make_log_entry(live, side=request.param, prospect_id=str(prospect.pk), changes=[change])


def story(client: Client, entry: LogEntry) -> str:
    return client.get(reverse("activity-record", args=[entry.connection_id, entry.pk])).content.decode()


def use_instead(client: Client, entry: LogEntry, field: str = "") -> Any:
    address = reverse("activity-instead", args=[entry.connection_id, entry.pk])
    return client.post(address, {"field": field or entry.changes[0]["field"]}, follow=True)


def test_the_value_that_lost_is_taken_after_all(owner: Client, decided: LogEntry) -> None:
    """It is an edit of the prospect, told under the member's name, and travels as any other."""
    assert "Use “Chair” instead" in story(owner, decided)
    answer = use_instead(owner, decided)
    assert "Position is “Chair” again, and on its way to Pipedrive." in answer.content.decode()
    prospect = Prospect.objects.get(pk=decided.prospect_id)
    assert prospect.job_title == "Chair"
    [change] = Change.objects.all()
    assert (change.record_id, change.actor) == (decided.prospect_id, "Alice Lindqvist")
    assert "Use “Chair” instead" not in story(owner, decided)


def test_what_was_changed_since_is_left_alone(owner: Client, decided: LogEntry) -> None:
    Prospect.objects.filter(pk=decided.prospect_id).update(job_title="CEO")
    assert "instead" not in story(owner, decided)
    answer = use_instead(owner, decided)
    assert "Position was changed since. Nothing was done" in answer.content.decode()
    assert Prospect.objects.get(pk=decided.prospect_id).job_title == "CEO"
    assert not Change.objects.exists()


def test_nothing_is_taken_back_that_would_stay_where_it_is(
    owner: Client, live: Connection, decided: LogEntry
) -> None:
    settings = replace(live.get_settings(), direction=Direction.FROM_PIPEDRIVE)
    Connection.objects.filter(pk=live.pk).update(settings=settings_to_json(settings))
    assert "instead" not in story(owner, decided)
    assert use_instead(owner, decided).status_code == 404


def test_only_a_conflict_of_ones_own_workspace_is_turned_round(
    owner: Client, viewer: Client, stranger: Client, decided: LogEntry
) -> None:
    assert "instead" not in story(viewer, decided)
    assert use_instead(viewer, decided).status_code == 403
    assert use_instead(stranger, decided).status_code == 404
    assert use_instead(owner, decided, "phone").status_code == 404


def test_an_edit_that_a_write_overtook_is_told_as_such(owner: Client, live: Connection) -> None:
    change = field_change("Position", "President", "Director")
    entry = make_log_entry(live, act="overtaken", changes=[change], message="It was given back.")
    assert "Edited in the moment of a write" in log(owner, live)
    text = owner.get(reverse("activity-record", args=[live.pk, entry.pk])).content.decode()
    assert "It was given back." in text and "President" in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"direction": "to_pipedrive"}, {"Ada", "Bea"}),
        ({"direction": "from_pipedrive"}, {"Cid"}),
        ({"act": "create"}, {"Bea"}),
        ({"act": "conflict"}, {"Cid"}),
        ({"cause": "transfer"}, {"Bea"}),
        ({"q": "ad"}, {"Ada"}),
        ({"q": "CID@PORT"}, {"Cid"}),
        ({"since": "today"}, {"Ada", "Cid"}),
        ({"since": "7"}, {"Ada", "Bea", "Cid"}),
        ({"act": "create", "cause": "live"}, set()),
        ({"act": "unheard of", "since": "never"}, {"Ada", "Bea", "Cid"}),
    ],
)
def test_each_filter_leaves_what_it_says(
    owner: Client, live: Connection, query: dict[str, str], found: set[str]
) -> None:
    make_person(live.lane, 33, "Cid", "cid@port.example")
    make_log_entry(live, record_name="Ada", person_id="31")
    yesterday = timezone.now() - timedelta(days=2)
    make_log_entry(live, record_name="Bea", act="create", cause="transfer", at=yesterday, person_id="32")
    conflict = field_change(conflict=True, lost="+1")
    make_log_entry(live, record_name="Cid", side="outreach", changes=[conflict], person_id="33")
    assert {row[3] for row in rows(owner, live, **query)[1:]} == found
    text = log(owner, live, **query)
    assert {name for name in ("Ada", "Bea", "Cid") if f">{name}<" in text} == found


def test_no_match_offers_to_clear_the_filters(owner: Client, live: Connection) -> None:
    make_log_entry(live)
    text = log(owner, live, q="Zebedee")
    assert "No change fits" in text
    assert "Clear the filters" in text


def test_pages_go_on_where_they_stopped_while_new_entries_come_in(owner: Client, live: Connection) -> None:
    now = timezone.now()
    for number in range(120):
        make_log_entry(live, record_name=f"Number {number:03}", at=now - timedelta(seconds=number))
    seen: list[str] = []
    address = reverse("activity", args=[live.pk])
    for _page in range(3):
        answer = owner.get(address)
        seen += [line.entry.record_name for line in answer.context["lines"]]
        make_log_entry(live, record_name="New")
        address = f"{reverse('activity', args=[live.pk])}?older={answer.context['page'].older}"
    assert seen == [f"Number {number:03}" for number in range(120)]
    assert answer.context["page"].older is None
    back = owner.get(reverse("activity", args=[live.pk]), {"newer": answer.context["page"].newer})
    assert [line.entry.record_name for line in back.context["lines"]] == seen[50:100]


def test_a_broken_cursor_starts_at_the_newest(owner: Client, live: Connection) -> None:
    make_log_entry(live)
    assert "Signe Aaltonen" in log(owner, live, older="%%%")


def test_what_an_automation_changed_is_named_by_what_was_done(owner: Client, live: Connection) -> None:
    said = "Move the deal to a specific stage: Contacted"
    entry = make_log_entry(
        live, cause="automation", message=said, changes=[field_change("Stage", "Lead in", "Contacted")]
    )
    text = owner.get(reverse("activity-record", args=[live.pk, entry.pk])).content.decode()
    story = text.partition('<ol class="timeline">')[2]
    assert f"<b>{said}</b>" in story
    assert story.count(said) == 1
    assert "field went to Pipedrive" not in story


def test_the_drawer_names_the_year_only_where_its_story_began_before_this_one(
    owner: Client, live: Connection
) -> None:
    entry = make_log_entry(live)
    address = reverse("activity-record", args=[live.pk, entry.pk])
    there = ZoneInfo(live.workspace.time_zone)
    day = date_format(timezone.localtime(entry.at, there), "j F")
    assert f"1 change since {day}<" in owner.get(address).content.decode()
    long_ago = make_log_entry(live, at=timezone.now() - timedelta(days=400))
    day = date_format(timezone.localtime(long_ago.at, there), "j F Y")
    assert f"2 changes since {day}<" in owner.get(address).content.decode()


def test_the_drawer_tells_the_whole_story_of_one_record(owner: Client, live: Connection) -> None:
    make_log_entry(live, act="link", message="Same e-mail address.", at=timezone.now() - timedelta(days=3))
    entry = make_log_entry(live, changes=[field_change("Phone"), field_change("Position", "CEO", "Chair")])
    make_log_entry(live, record_name="Somebody else", prospect_id="99", person_id="98")
    answer = owner.get(reverse("activity-record", args=[live.pk, entry.pk]))
    text = answer.content.decode()
    assert [line.title for line in answer.context["story"]] == [
        "2 fields went to Pipedrive",
        "Linked with a person in Pipedrive",
    ]
    assert "Same e-mail address." in text
    assert "2 changes since" in text
    assert 'href="https://northlight.pipedrive.com/person/21"' in text


def test_focus_returns_to_the_row_whose_drawer_is_closed(owner: Client, live: Connection) -> None:
    entry = make_log_entry(live)
    was_at = f"http://testserver{reverse('activity-record', args=[live.pk, entry.pk])}?q=x"
    answer = owner.get(
        reverse("activity", args=[live.pk]), headers={"HX-Request": "true", "HX-Current-URL": was_at}
    )
    assert answer.context["came_from"] == entry.pk


def test_times_are_in_the_zone_of_the_workspace(owner: Client, live: Connection) -> None:
    from datetime import UTC, datetime

    make_log_entry(live, at=datetime(2026, 3, 2, 22, 30, 5, tzinfo=UTC))
    text = log(owner, live)
    assert "23:30:05" in text  # Stockholm
    assert rows(owner, live)[1][0] == "2026-03-02T23:30:05+01:00"


def test_the_file_has_a_row_for_each_field_and_runs_nothing_in_a_spreadsheet(
    owner: Client, live: Connection
) -> None:
    make_log_entry(
        live, record_name="=HYPERLINK(1)", changes=[field_change("Phone"), field_change("Note", "-a", "@b")]
    )
    table = rows(owner, live)
    assert len(table) == 3
    assert table[1][3] == "'=HYPERLINK(1)"
    assert table[1][8] == "+358 9 555 0148"  # a phone number stays as it is
    assert table[2][7:9] == ["'-a", "'@b"]
