"""Transfers: the choice, the watch over a running one, its end, and what a stale page may do."""

import csv
import io
import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.builders import (
    field_change,
    make_attention,
    make_change,
    make_connection,
    make_list,
    make_log_entry,
    make_person,
    make_prospect,
    make_transfer,
    make_transfer_record,
    refused_value,
)
from tidegate.core.catalogue import NamedList, OutreachCatalogue, PersonFilter, PipedriveCatalogue
from tidegate.core.connection import Reason, Status
from tidegate.core.records import Side
from tidegate.core.settings import NO_ADDRESS, Constant, Direction, Settings, settings_to_json
from tidegate.core.transfer import Include
from tidegate.errors import Conflict, Invalid
from tidegate.prospects.models import CampaignEmail, CampaignEvent, Prospect
from tidegate.store.models import Change, Connection, Lane, Transfer, Workspace
from tidegate.store.schedule import LaneSchedule
from tidegate.store.transfers import run_previewed
from tidegate.wiring import actions


@pytest.fixture
def live(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Connection:
    named = make_list(workspace, "From Pipedrive")
    lists = (NamedList(str(named.pk), named.name),)
    monkeypatch.setattr(actions, "outreach_catalogue", lambda connection: OutreachCatalogue(lists=lists))
    monkeypatch.setattr(actions, "pipedrive_catalogue", lambda connection: PipedriveCatalogue())
    settings = Settings(sync_to_list=str(named.pk), owner_id="7")
    return make_connection(workspace, settings=settings, secret=b"sealed")


@pytest.fixture
def running(live: Connection) -> Transfer:
    Connection.objects.filter(pk=live.pk).update(status=Status.SYNCING, before_syncing=Status.ACTIVE)
    began = timezone.now() - timedelta(seconds=100)
    figures: dict[str, Any] = {"total": 3434, "created": 1187, "updated": 802, "failed": 3}
    return make_transfer(live, **figures, started_at=began, pace=[[0, 0], [99, 1992]])


@pytest.fixture
def began(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Direction, Side | None]]:
    """What transfers were asked for."""
    asked: list[tuple[Direction, Side | None]] = []

    def start(
        connection: Connection, *, direction: Direction, source_app: Side | None, actor: str, include: Include
    ) -> Transfer:
        asked.append((direction, source_app))
        return make_transfer(
            connection,
            direction=direction,
            source_app=source_app,
            created_by=actor,
            past_emails=include.past_emails,
            constants=include.constants,
        )

    monkeypatch.setattr(actions, "start_transfer", start)
    return asked


def page(client: Client, name: str, *args: object, **query: str) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_transfers_of_another_workspace_are_not_found(
    stranger: Client, live: Connection, running: Transfer
) -> None:
    assert stranger.get(reverse("transfers", args=[live.pk])).status_code == 404
    assert (
        stranger.post(reverse("transfers", args=[live.pk]), {"direction": "to_pipedrive"}).status_code == 404
    )
    for name in ("transfer", "transfer-progress", "transfer-csv"):
        assert stranger.get(reverse(name, args=[live.pk, running.pk])).status_code == 404
    for name in ("transfer-pause", "transfer-continue", "transfer-cancel"):
        assert stranger.post(reverse(name, args=[live.pk, running.pk])).status_code == 404


def test_a_transfer_of_another_connection_is_not_found(
    owner: Client, live: Connection, workspace: Workspace
) -> None:
    other = make_transfer(make_connection(workspace))
    assert owner.get(reverse("transfer", args=[live.pk, other.pk])).status_code == 404
    assert owner.get(reverse("transfer", args=[live.pk, uuid.uuid4()])).status_code == 404


def test_both_ways_are_offered_with_what_is_there(
    owner: Client, live: Connection, workspace: Workspace
) -> None:
    make_prospect(workspace)
    text = page(owner, "transfers", live.pk)
    assert "1 prospects from all lists" in text or "1 prospect from all lists" in text
    assert "Everyone in Pipedrive, into the list “From Pipedrive”" in text  # not walked yet: no figure
    assert "No transfer" not in text


def test_a_filter_is_named_in_place_of_a_figure_that_counts_everyone(
    owner: Client, live: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = PipedriveCatalogue(filters=(PersonFilter("21", "Marketing allowed"),))
    monkeypatch.setattr(actions, "pipedrive_catalogue", lambda connection: there)
    live.settings = settings_to_json(replace(live.get_settings(), filter_id="21"))
    live.save()
    Lane.objects.filter(pk=live.lane_id).update(persons_walked_at=timezone.now())
    make_person(live.lane, 1)

    text = page(owner, "transfers", live.pk)

    assert "Everyone in the Pipedrive filter “Marketing allowed”, into the list “From Pipedrive”" in text
    assert "1 person into" not in text


def test_the_sender_is_the_source_unless_chosen_otherwise(
    owner: Client, live: Connection, began: list[tuple[Direction, Side | None]]
) -> None:
    address = reverse("transfers", args=[live.pk])
    answer = owner.post(address, {"direction": "from_pipedrive"})
    assert answer["Location"].startswith(address)
    Transfer.objects.all().delete()
    owner.post(address, {"direction": "to_pipedrive", "source_app": "pipedrive"})
    assert began == [(Direction.FROM_PIPEDRIVE, Side.PIPEDRIVE), (Direction.TO_PIPEDRIVE, Side.PIPEDRIVE)]


@pytest.mark.parametrize(
    ("ticked", "include"),
    [
        ({"past_emails": "1", "constants": "1"}, Include(past_emails=True, constants=True)),
        ({"constants": "1"}, Include(past_emails=False, constants=True)),
        ({}, Include(past_emails=False, constants=False)),
    ],
)
def test_what_is_not_ticked_is_left_out(
    owner: Client,
    live: Connection,
    began: list[tuple[Direction, Side | None]],
    ticked: dict[str, str],
    include: Include,
) -> None:
    owner.post(reverse("transfers", args=[live.pk]), {"direction": "to_pipedrive", **ticked})
    assert len(began) == 1
    made = Transfer.objects.get()
    assert (made.past_emails, made.constants) == (include.past_emails, include.constants)


def sent_email(prospect: Prospect, key: str) -> CampaignEmail:
    facts = {"workspace_id": prospect.workspace_id, "key": key, "prospect": prospect}
    email = CampaignEmail.objects.create(**facts)
    CampaignEvent.objects.create(**facts, type="email_sent", at=timezone.now(), email=email, digest=key)
    return email


def test_past_emails_are_offered_with_their_number_until_they_are_activities(
    owner: Client, live: Connection
) -> None:
    offer = "Past campaign e-mails as done activities"
    prospect = make_prospect(live.workspace, email="ada@engine.example")
    assert offer not in page(owner, "transfers", live.pk)

    first, second = (sent_email(prospect, key) for key in ("a", "b"))
    CampaignEmail.objects.create(workspace_id=prospect.workspace_id, key="untold", prospect=prospect)
    text = page(owner, "transfers", live.pk)
    assert "2 e-mails. You can leave them out to save API budget." in text
    assert 'name="past_emails" value="1" id="t-emails" checked' in text
    live.email_activities.create(email_id=str(first.pk), prospect_id=str(prospect.pk))
    assert "1 e-mail. You can leave it out" in page(owner, "transfers", live.pk)
    live.email_activities.create(email_id=str(second.pk), prospect_id=str(prospect.pk))
    assert offer not in page(owner, "transfers", live.pk)


def test_no_past_emails_are_offered_where_they_become_no_activities(owner: Client, live: Connection) -> None:
    prospect = make_prospect(live.workspace, email="ada@engine.example")
    sent_email(prospect, "a")
    settings = replace(live.get_settings(), include_email_history=False)
    Connection.objects.filter(pk=live.pk).update(settings=settings_to_json(settings))

    assert "Past campaign e-mails" not in page(owner, "transfers", live.pk)


def test_changing_the_direction_proposes_its_sender(owner: Client, live: Connection) -> None:
    answer = owner.get(reverse("transfers", args=[live.pk]), {"direction": "from_pipedrive"})
    assert answer.context["choice"].source_app is Side.PIPEDRIVE


@pytest.mark.parametrize("direction", ["", "two_way", "sideways"])
def test_a_transfer_goes_one_way(
    owner: Client, live: Connection, began: list[tuple[Direction, Side | None]], direction: str
) -> None:
    answer = owner.post(reverse("transfers", args=[live.pk]), {"direction": direction})
    assert answer.status_code == 422
    assert "Choose which way the records go." in answer.content.decode()
    assert began == []


def test_a_second_transfer_leads_to_the_one_that_runs(
    owner: Client, live: Connection, running: Transfer
) -> None:
    answer = owner.post(reverse("transfers", args=[live.pk]), {"direction": "to_pipedrive"}, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("transfer", args=[live.pk, running.pk])
    assert "A transfer is running already. Nothing new was started" in answer.content.decode()
    assert Transfer.objects.count() == 1


def test_incomplete_settings_are_named(
    owner: Client, live: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **facts: object) -> Transfer:
        raise Invalid(errors={"owner_id": ["Choose the Pipedrive user who will own new people."]})

    monkeypatch.setattr(actions, "start_transfer", refuse)
    answer = owner.post(reverse("transfers", args=[live.pk]), {"direction": "to_pipedrive"})
    assert answer.status_code == 422
    assert "Choose the Pipedrive user who will own new people." in answer.content.decode()


def test_a_lost_authorisation_is_said(
    owner: Client, live: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **facts: object) -> Transfer:
        raise Conflict("Pipedrive no longer accepts this connection. Reconnect it first.")

    monkeypatch.setattr(actions, "start_transfer", refuse)
    answer = owner.post(reverse("transfers", args=[live.pk]), {"direction": "to_pipedrive"})
    assert "Reconnect it first." in answer.content.decode()


def test_while_one_runs_no_other_can_be_started(owner: Client, live: Connection, running: Transfer) -> None:
    text = page(owner, "transfers", live.pk)
    assert "Start the transfer" not in text
    assert "Show transfer" in text


def test_progress_is_told_in_figures_and_words(owner: Client, live: Connection, running: Transfer) -> None:
    make_change(live)
    make_transfer_record(running, outcome="failed", name="Ada Wren", reason="Team size is not a number.")
    text = page(owner, "transfer", live.pk, running.pk)
    assert "<title>58 %, Transferring to Pipedrive" in text
    assert "1,992 of 3,434 records" in text
    assert "50 % done" in text  # spoken every ten percent
    assert "left" in text
    assert "Team size is not a number." in text
    assert page(owner, "transfer-progress", live.pk, running.pk).lstrip().startswith("<title>58 %")


def test_the_pace_since_the_start_is_drawn_and_told(
    owner: Client, live: Connection, running: Transfer
) -> None:
    assert "Records a second since the start" not in page(owner, "transfer", live.pk, running.pk)
    running.pace = [[0, 0], [10, 400], [20, 440], [30, 740]]
    running.save()
    text = page(owner, "transfer-progress", live.pk, running.pk)
    assert "Records a second since the start: between 4.0 and 40.0" in text
    assert 'class="edge" d="M0 4.5 120 30.1 240 11.6"' in text


def test_a_failed_record_is_listed_with_how_to_fix_it_until_that_was_done(
    owner: Client, live: Connection
) -> None:
    done = make_transfer(live, state="done", total=2, failed=2)
    make_transfer_record(done, outcome="failed", name="Ada Wren", source_id="41", reason="Not a number.")
    make_transfer_record(done, outcome="failed", name="Bram de Wit", source_id="42", reason="Too long.")
    attention = make_attention(live, prospect_id="41", cure="Correct the value in her profile.")
    make_attention(live, kind="invalid", prospect_id="43", cure="Somebody else’s.")
    text = page(owner, "transfer", live.pk, done.pk)
    assert "How to fix it" in text
    assert "Correct the value in her profile." in text
    assert "Somebody else’s." not in text
    assert "How to fix it" not in page(owner, "transfer", live.pk, done.pk, outcome="all")
    attention.settled_at = timezone.now()
    attention.save()
    assert "Correct the value in her profile." not in page(owner, "transfer", live.pk, done.pk)


def test_own_writes_coming_back_are_no_live_changes_that_wait(
    owner: Client, live: Connection, running: Transfer
) -> None:
    for source in ("own", "own", "webhook", "store"):
        make_change(live, source=source)
    assert owner.get(reverse("transfer", args=[live.pk, running.pk])).context["waiting"] == 2
    assert "2 live changes, until the transfer ends" in page(owner, "overview", live.pk)


def test_the_newest_records_come_with_their_time(owner: Client, live: Connection, running: Transfer) -> None:
    make_transfer_record(running, name="Ada Wren", at=datetime(2026, 5, 14, 9, 58, 4, tzinfo=UTC))
    make_transfer_record(running, name="Daniel Hofer")
    text = page(owner, "transfer", live.pk, running.pk)
    assert "14 May 11:58:04" in text  # in Stockholm, where the workspace is
    assert text.index("Daniel Hofer") < text.index("Ada Wren")


def test_of_chosen_records_only_those_that_are_dealt_with_are_told(
    owner: Client, live: Connection, running: Transfer
) -> None:
    """The rows of a retry were there before it."""
    Transfer.objects.filter(pk=running.pk).update(picked=True)
    make_transfer_record(running, name="Done Before", at=running.began_at - timedelta(minutes=1))
    make_transfer_record(running, name="Retried Now")
    make_transfer_record(running, name="Still Waiting", outcome="waiting")
    told = owner.get(reverse("transfer", args=[live.pk, running.pk])).context["latest"]
    assert [words["record"].name for words in told] == ["Retried Now"]


def test_what_nobody_can_know_yet_is_not_shown(owner: Client, live: Connection) -> None:
    young = make_transfer(live, direction="from_pipedrive")
    text = page(owner, "transfer", live.pk, young.pk)
    assert "records so far" in text
    assert " left" not in text
    assert "Pace</h2>" not in text


def test_a_watch_over_a_finished_transfer_leads_to_the_report(owner: Client, live: Connection) -> None:
    done = make_transfer(live, state="done")
    answer = owner.get(reverse("transfer-progress", args=[live.pk, done.pk]), headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == reverse("transfer", args=[live.pk, done.pk])


def test_a_transfer_that_had_to_stop_says_why(owner: Client, live: Connection, running: Transfer) -> None:
    why = "Pipedrive no longer accepts this connection’s authorisation."
    Connection.objects.filter(pk=live.pk).update(status=Status.PAUSED, reason=Reason.RECONNECT)
    Transfer.objects.filter(pk=running.pk).update(state="paused", state_text=why)
    text = page(owner, "transfer", live.pk, running.pk)
    assert "The transfer had to stop" in text
    assert "It goes on where it was" in text
    assert reverse("integrations") in text.split("<main")[1]


def test_only_a_wait_that_lasts_is_told(owner: Client, live: Connection, running: Transfer) -> None:
    lane = live.lane
    lane.wait_reason = "Today’s API budget is used up."
    for seconds, told in ((3, False), (3600, True)):
        lane.wait_until = timezone.now() + timedelta(seconds=seconds)
        lane.save()
        assert (lane.wait_reason in page(owner, "transfer", live.pk, running.pk)) is told


def test_a_transfer_that_waits_for_the_budget_says_so_wherever_it_is_shown(
    owner: Client, live: Connection, running: Transfer
) -> None:
    """The company's other work goes on: it is this transfer that waits, and not the lane."""
    Transfer.objects.filter(pk=running.pk).update(
        put_off_until=timezone.now() + timedelta(minutes=185), state_text="Its share is used up."
    )
    pages = [
        page(owner, "transfer", live.pk, running.pk),
        page(owner, "overview", live.pk),
        owner.get(reverse("integrations")).content.decode(),
    ]
    for text in pages:
        assert "Its share is used up." in text
        assert "in 3 h 5 min" in text


def test_a_transfer_is_paused_continued_and_cancelled(
    owner: Client, live: Connection, running: Transfer
) -> None:
    owner.post(reverse("transfer-pause", args=[live.pk, running.pk]))
    running.refresh_from_db()
    assert running.state == "paused"
    assert "Transfer paused" in page(owner, "transfer", live.pk, running.pk)
    owner.post(reverse("transfer-continue", args=[live.pk, running.pk]))
    running.refresh_from_db()
    assert running.state == "running"
    answer = owner.post(reverse("transfer-cancel", args=[live.pk, running.pk]), follow=True)
    assert "Transfer to Pipedrive cancelled" in answer.content.decode()
    live.refresh_from_db()
    assert live.status == Status.ACTIVE


def test_a_button_of_a_stale_page_changes_nothing_and_says_so(owner: Client, live: Connection) -> None:
    done = make_transfer(live, state="done")
    for name in ("transfer-pause", "transfer-continue", "transfer-cancel"):
        answer = owner.post(reverse(name, args=[live.pk, done.pk]), follow=True)
        assert "This transfer has ended already. Nothing was changed." in answer.content.decode()
    done.refresh_from_db()
    assert done.state == "done"


def test_pausing_twice_is_said_and_harmless(owner: Client, live: Connection, running: Transfer) -> None:
    owner.post(reverse("transfer-pause", args=[live.pk, running.pk]))
    answer = owner.post(reverse("transfer-pause", args=[live.pk, running.pk]), follow=True)
    assert "This transfer is not running." in answer.content.decode()


def test_the_report_lists_the_failed_first(owner: Client, live: Connection) -> None:
    done = make_transfer(live, state="done", total=3, created=1, failed=2)
    make_transfer_record(done, outcome="created", name="Daniel Hofer")
    make_transfer_record(done, outcome="failed", name="Ada Wren", reason="Team size is not a number.")
    make_transfer_record(done, outcome="attention", name="Bram de Wit", reason="Two people fit.")
    text = page(owner, "transfer", live.pk, done.pk)
    assert "Ada Wren" in text
    assert "Bram de Wit" in text
    assert "1 waits for a choice" in text
    assert "Daniel Hofer" not in text
    assert "Daniel Hofer" in page(owner, "transfer", live.pk, done.pk, outcome="all")
    assert "Ada Wren" not in page(owner, "transfer", live.pk, done.pk, outcome="created")


def test_the_report_goes_page_by_page(owner: Client, live: Connection) -> None:
    done = make_transfer(live, state="done")
    for number in range(70):
        make_transfer_record(done, name=f"Number {number:03}")
    answer = owner.get(reverse("transfer", args=[live.pk, done.pk]))
    assert len(answer.context["records"]) == 50
    answer = owner.get(reverse("transfer", args=[live.pk, done.pk]), {"after": answer.context["next_after"]})
    assert [words["record"].name for words in answer.context["records"]] == [
        f"Number {number:03}" for number in range(50, 70)
    ]
    assert answer.context["next_after"] is None


def test_the_file_has_every_record_with_its_reason(owner: Client, live: Connection) -> None:
    done = make_transfer(live, state="done")
    make_transfer_record(done, outcome="updated", changes=[field_change()], source_id="15", target_id="25")
    make_transfer_record(done, outcome="skipped", name="No Mail", reason="No e-mail address.", source_id="16")
    answer = owner.get(reverse("transfer-csv", args=[live.pk, done.pk]))
    table = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
    assert table[1] == ["Daniel Hofer", "updated", "", "15", "25", "Phone", "", "+358 9 555 0148"]
    assert table[2][:4] == ["No Mail", "skipped", "No e-mail address.", "16"]


WILD = "“Wild” is not one of its options"


def with_refusals(transfer: Transfer) -> None:
    """Three of whom one value stays behind, one of them with a second one; and one that comes whole."""
    for name in ("Ann One", "Bo Two"):
        make_transfer_record(transfer, name=name, refusals=[refused_value()])
    more = [refused_value(), refused_value("Season", WILD)]
    make_transfer_record(transfer, name="Cy Three", outcome="updated", refusals=more, reason="Season: wild.")
    make_transfer_record(transfer, name="Whole Four")


def rows_of(text: str, panel: str) -> list[list[str]]:
    """The cells of the table in the panel of this id, as plain text."""
    body = text.split(f'id="{panel}"')[1].split("<tbody>")[1].split("</tbody>")[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in body.split("</tr>")]
    return [[re.sub("<[^>]+>", " ", cell) for cell in row] for row in cells if row]


@pytest.mark.parametrize(
    ("state", "heading"),
    [
        ("ready", "3 records would travel without one of their values"),
        ("done", "3 records travelled without one of their values"),
    ],
)
def test_values_that_stay_behind_are_counted_by_field_and_reason(
    owner: Client, live: Connection, state: str, heading: str
) -> None:
    transfer = make_transfer(live, state=state, planned={"persons_created": 4}, finished_at=timezone.now())
    with_refusals(transfer)
    text = page(owner, "transfer", live.pk, transfer.pk)
    assert heading in text
    assert rows_of(text, "refused") == [
        ["Lead source Pipedrive ", "“Retail” is not one of its options", "3", "Ann One"],
        ["Season Pipedrive ", WILD, "1", "Cy Three"],
    ]
    assert "the most frequent" not in text


def test_a_preview_in_the_making_does_not_count_them_at_each_look(owner: Client, live: Connection) -> None:
    transfer = make_transfer(live, state="preview")
    with_refusals(transfer)
    assert 'id="refused"' not in page(owner, "transfer", live.pk, transfer.pk)


def test_what_was_undone_is_in_step_with_nothing_any_more(owner: Client, live: Connection) -> None:
    undone = make_transfer(live, state="undone", finished_at=timezone.now())
    with_refusals(undone)
    text = page(owner, "transfer", live.pk, undone.pk)
    assert "3 records travelled without one of their values" in text
    assert "in step" not in text


def test_of_very_many_reasons_the_most_frequent_are_shown(owner: Client, live: Connection) -> None:
    done = make_transfer(live, state="done", finished_at=timezone.now())
    with_refusals(done)
    for number in range(20):
        make_transfer_record(done, refusals=[refused_value("Zone", f"“{number}” is not one of its options")])
    text = page(owner, "transfer", live.pk, done.pk)
    assert "23 records travelled without one of their values" in text
    assert len(rows_of(text, "refused")) == 20
    assert "These are the most frequent; the CSV file has all." in text


def test_a_transfer_of_which_all_values_travel_says_nothing_of_them(owner: Client, live: Connection) -> None:
    done = make_transfer(live, state="done", finished_at=timezone.now())
    make_transfer_record(done)
    assert 'id="refused"' not in page(owner, "transfer", live.pk, done.pk)


def test_the_csv_file_can_hold_the_records_that_lack_a_value_alone(owner: Client, live: Connection) -> None:
    done = make_transfer(live, state="done")
    with_refusals(done)
    answer = owner.get(reverse("transfer-csv", args=[live.pk, done.pk]), {"refused": "1"})
    table = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
    assert [row[0] for row in table[1:]] == ["Ann One", "Bo Two", "Cy Three"]
    assert table[3][2] == "Season: wild."


def test_earlier_transfers_are_listed(owner: Client, live: Connection) -> None:
    make_transfer(live, state="done", created=2611, failed=4)
    make_transfer(live, state="cancelled", total=8920, created=312)
    text = page(owner, "transfers", live.pk)
    assert "2,611 created" in text
    assert "4 failed" in text
    assert "Cancelled after 312 of 8,920" in text


def test_constants_are_announced(
    owner: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tidegate.core.catalogue import Field
    from tidegate.core.values import Kind

    source = Field("source", "Lead source", Kind.TEXT, custom=True)
    monkeypatch.setattr(actions, "outreach_catalogue", lambda connection: OutreachCatalogue())
    monkeypatch.setattr(
        actions, "pipedrive_catalogue", lambda connection: PipedriveCatalogue(fields=(source,))
    )
    settings = Settings(owner_id="7", constants=(Constant(Side.PIPEDRIVE, "source", "Tidegate"),))
    connection = make_connection(workspace, settings=settings)
    assert "Lead source becomes “Tidegate” on everyone created or updated." in page(
        owner, "transfers", connection.pk
    )
    assert re.search(
        r'name="constants" value="1" id="t-constants" checked', page(owner, "transfers", connection.pk)
    )
    text = page(owner, "transfers", connection.pk, direction="from_pipedrive")
    assert "Lead source" not in text
    assert "No list receives people yet" in text


def test_a_viewer_may_watch_but_not_steer(viewer: Client, live: Connection, running: Transfer) -> None:
    text = page(viewer, "transfer", live.pk, running.pk)
    assert "58 %" in text
    assert "Cancel transfer" not in text
    for name in ("transfer-pause", "transfer-cancel"):
        assert viewer.post(reverse(name, args=[live.pk, running.pk])).status_code == 403
    assert viewer.post(reverse("transfers", args=[live.pk]), {"direction": "to_pipedrive"}).status_code == 403
    running.refresh_from_db()
    assert running.state == "running"


def test_a_running_transfer_shows_on_the_overview(owner: Client, live: Connection, running: Transfer) -> None:
    make_log_entry(live, transfer=running)
    Transfer.objects.filter(pk=running.pk).update(planned={"persons_created": 2}, tokens=3)
    text = page(owner, "overview", live.pk)
    assert "1,992 of 3,434 records" in text
    assert "Transfer to Pipedrive, 58 %" in text
    assert "this transfer adds 27" in text  # 30 were estimated
    assert reverse("transfer", args=[live.pk, running.pk]) in text


def test_a_pause_is_told_with_its_moment_and_who_pressed_it(
    owner: Client, live: Connection, running: Transfer
) -> None:
    owner.post(reverse("transfer-pause", args=[live.pk, running.pk]))
    running.refresh_from_db()
    assert running.paused_by == "Alice Lindqvist"
    assert "by Alice Lindqvist" in page(owner, "transfer", live.pk, running.pk)
    owner.post(reverse("transfer-continue", args=[live.pk, running.pk]))
    running.refresh_from_db()
    assert (running.paused_at, running.paused_by) == (None, "")


def test_why_a_run_stood_still_is_told_beside_its_pace(
    owner: Client, live: Connection, running: Transfer
) -> None:
    assert 'id="dip"' not in page(owner, "transfer", live.pk, running.pk)
    LaneSchedule().wait(live.lane_id, timezone.now() + timedelta(seconds=30), "Pipedrive asked for a pause.")
    running.refresh_from_db()
    [[second, why]] = running.waits
    assert second >= 100
    assert why == "Pipedrive asked for a pause."
    assert "Pipedrive asked for a pause." in page(owner, "transfer", live.pk, running.pk)


def test_a_run_is_measured_against_its_preview(owner: Client, ready: Transfer) -> None:
    Transfer.objects.filter(pk=ready.pk).update(settings_version=ready.connection.settings_version)
    run_previewed(ready, actor="Alice")
    text = page(owner, "transfer", ready.connection_id, ready.pk)
    assert '<span class="sub">of 2</span>' in text
    assert '<span class="sub">of 1</span>' in text
    make_transfer_record(ready, outcome="skipped", source_id="9")
    Transfer.objects.filter(pk=ready.pk).update(state="done", tokens=38, finished_at=timezone.now())
    text = page(owner, "transfer", ready.connection_id, ready.pk)
    assert "38 tokens, 2 fewer than estimated" in text
    assert "as in the preview" in text
    assert "To Pipedrive, all lists" in text


def test_the_report_tells_of_the_changes_that_waited(owner: Client, done: Transfer) -> None:
    began = timezone.now() - timedelta(minutes=9)
    Transfer.objects.filter(pk=done.pk).update(started_at=began, finished_at=timezone.now())
    assert "Live sync is active again." in page(owner, "transfer", done.connection_id, done.pk)
    for _ in range(2):
        make_change(done.connection, received_at=began + timedelta(minutes=1))
    make_change(
        done.connection, received_at=began + timedelta(minutes=1), done_at=timezone.now(), outcome="echo"
    )
    assert "the changes that waited are being applied" in page(owner, "transfer", done.connection_id, done.pk)
    Change.objects.filter(connection=done.connection, done_at=None).update(
        done_at=timezone.now(), outcome="updated"
    )
    text = page(owner, "transfer", done.connection_id, done.pk)
    assert "Live sync is active again, and the 2 changes that waited have been applied." in text


def test_a_report_counts_the_conflicts_that_were_decided(owner: Client, done: Transfer) -> None:
    make_transfer_record(
        done,
        outcome="updated",
        changes=[field_change("Job title", "CTO", "Chair", conflict=True, lost="CTO")],
    )
    make_transfer_record(done, outcome="updated", changes=[field_change()])
    assert "1 conflict decided" in page(owner, "transfer", done.connection_id, done.pk)


@pytest.mark.parametrize("direction", ["to_pipedrive", "from_pipedrive"])
def test_beside_a_name_stands_the_address(owner: Client, done: Transfer, direction: str) -> None:
    prospect = make_prospect(done.connection.workspace, email="daniel@alpenrad.example")
    make_person(done.connection.lane, 77, "Daniel Hofer", "daniel@alpenrad.example")
    done.records.all().delete()
    Transfer.objects.filter(pk=done.pk).update(direction=direction)
    source = str(prospect.pk) if direction == "to_pipedrive" else "77"
    make_transfer_record(done, source_id=source)
    text = page(owner, "transfer", done.connection_id, done.pk, outcome="created")
    assert '<span class="sub">daniel@alpenrad.example</span>' in text


# --- preview


@pytest.fixture
def ready(live: Connection) -> Transfer:
    planned = {
        "persons_created": 2,
        "persons_updated": 1,
        "organizations_created": 1,
        "conflicts": 1,
    }
    preview = make_transfer(live, state="ready", total=4, created=2, updated=1, skipped=1, planned=planned)
    Transfer.objects.filter(pk=preview.pk).update(finished_at=timezone.now())
    make_transfer_record(
        preview, source_id="9", name="Nora Nil", outcome="skipped", reason="No e-mail address."
    )
    return preview


def test_a_preview_shows_what_would_happen_and_what_it_costs(owner: Client, ready: Transfer) -> None:
    page = owner.get(reverse("transfer", args=[ready.connection_id, ready.pk])).content.decode()

    assert "Nothing has been written" in page
    assert "No e-mail address." in page
    assert 'id="preview-tokens">40 ' in page  # four writes of 5 tokens and one catch-up of the index
    assert 'id="preview-start"' in page
    assert "1 would be left out" in page
    assert re.search(r"Today [\d,]+ tokens are left for transfers, and [\d,]+ of them afterwards\.", page)


def test_a_ready_preview_is_started_from_its_page(owner: Client, ready: Transfer) -> None:
    Connection.objects.filter(pk=ready.connection_id).update(settings_version=ready.settings_version + 1)
    address = reverse("transfer-start", args=[ready.connection_id, ready.pk])

    answer = owner.post(address, follow=True)

    ready.refresh_from_db()
    assert ready.state == "ready"
    assert "settings" in answer.content.decode()


def test_a_preview_can_be_dropped(owner: Client, ready: Transfer) -> None:
    owner.post(reverse("transfer-cancel", args=[ready.connection_id, ready.pk]))

    ready.refresh_from_db()
    assert ready.state == "cancelled"


def test_a_preview_shows_examples_field_by_field_and_who_wins(owner: Client, ready: Transfer) -> None:
    change = field_change("Job title", "Technical director", "CTO", conflict=True, lost="Technical director")
    make_transfer_record(ready, source_id="8", name="Jonas Brandt", outcome="updated", changes=[change])
    address = reverse("transfer", args=[ready.connection_id, ready.pk])

    text = owner.get(address, {"outcome": "conflict"}).content.decode()

    assert "<del>Technical director</del>" in text
    assert "<ins>CTO</ins>" in text
    assert "Tidegate Prospects wins" in text
    assert "Nora Nil" not in owner.get(address, {"outcome": "updated"}).content.decode().partition("sk-h")[0]
    assert "1 organization created" in text


def test_a_preview_marks_constants_and_organizations_that_are_made(owner: Client, ready: Transfer) -> None:
    live = ready.connection
    make_person(live.lane, 31, "Bram de Wit", organization="Polderlicht BV")
    constant = Constant(Side.PIPEDRIVE, "lead_source", "Tidegate")
    settings = replace(live.get_settings(), constants=(constant,))
    Transfer.objects.filter(pk=ready.pk).update(settings=settings_to_json(settings))
    for number, organization in enumerate(("Looplane", "Polderlicht BV")):
        there = {"before": None, "after": organization, "side": "pipedrive"}
        source = {"before": None, "after": "Tidegate", "side": "pipedrive"}
        changes = [field_change("Organization", **there), field_change("Lead source", **source)]
        make_transfer_record(ready, source_id=str(number), changes=changes)

    shown = owner.get(reverse("transfer", args=[live.pk, ready.pk]), {"outcome": "created"})

    told = [
        [(line.name, mark) for line, mark in words["marked_fields"]] for words in shown.context["records"]
    ]
    assert told == [
        [("Organization", "new"), ("Lead source", "constant")],
        [("Organization", ""), ("Lead source", "constant")],
    ]
    assert '<span class="faint xs">new</span>' in shown.content.decode()


def test_the_budget_shows_what_a_transfer_takes_and_what_is_left_of_it(
    owner: Client, ready: Transfer
) -> None:
    """As long as the day's budget: the rest is spent on later days."""
    text = page(owner, "transfer", ready.connection_id, ready.pk)
    assert "this transfer adds 40" in text
    assert "This transfer" in text
    Transfer.objects.filter(pk=ready.pk).update(state="running", tokens=30, started_at=timezone.now())
    text = page(owner, "transfer", ready.connection_id, ready.pk)
    assert "this transfer adds 10" in text
    Transfer.objects.filter(pk=ready.pk).update(tokens=50)
    assert "this transfer adds" not in page(owner, "transfer", ready.connection_id, ready.pk)


def test_conflicts_and_other_updates_are_told_apart(owner: Client, ready: Transfer) -> None:
    """The figures of a preview add up to all its records."""
    change = field_change("Job title", "Technical director", "CTO", conflict=True, lost="Technical director")
    make_transfer_record(ready, source_id="8", name="Jonas Brandt", outcome="updated", changes=[change])
    make_transfer_record(ready, source_id="7", name="Signe Aaltonen", outcome="updated")
    address = reverse("transfer", args=[ready.connection_id, ready.pk])

    shown = {t.outcome: t.count for t in owner.get(address).context["tallies"]}
    updated = owner.get(address, {"outcome": "updated"}).context["records"]

    assert (shown["updated"], shown["conflict"]) == (1, 1)
    assert [words["record"].name for words in updated] == ["Signe Aaltonen"]


def test_what_is_left_out_comes_with_what_can_be_done(owner: Client, ready: Transfer) -> None:
    make_transfer_record(ready, source_id="6", outcome="skipped", reason=NO_ADDRESS)
    text = owner.get(reverse("transfer", args=[ready.connection_id, ready.pk])).content.decode()
    assert "Add one, or switch off “Only sync prospects with an e-mail address”." in text


def test_the_choices_of_a_preview_can_be_changed(owner: Client, ready: Transfer) -> None:
    Transfer.objects.filter(pk=ready.pk).update(source_app="pipedrive")
    text = owner.get(reverse("transfer", args=[ready.connection_id, ready.pk])).content.decode()
    address = re.findall(r'id="change-choices" href="([^"]+)"', text)[0].replace("&amp;", "&")
    choice = owner.get(address).context["choice"]
    assert (choice.direction, choice.source_app) == (Direction.TO_PIPEDRIVE, Side.PIPEDRIVE)


def test_only_the_chosen_records_of_a_preview_are_started(
    owner: Client, ready: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(actions, "start_previewed", lambda found, **given: asked.append(given["records"]))
    address = reverse("transfer-start", args=[ready.connection_id, ready.pk])

    owner.post(address, {"only": "1", "record": ["9", "8"]})
    owner.post(address)

    assert asked == [["9", "8"], None]


# --- undo and retry


@pytest.fixture
def done(live: Connection) -> Transfer:
    Connection.objects.filter(pk=live.pk).update(secret=b"sealed")
    transfer = make_transfer(live, state="done", total=3, created=1, updated=1, failed=1)
    make_transfer_record(transfer, source_id="1", target_id="21")
    make_transfer_record(transfer, source_id="2", outcome="failed", name="Ada Wren", reason="Too long.")
    return transfer


def test_the_report_offers_an_undo_until_it_is_too_late(
    owner: Client, viewer: Client, done: Transfer
) -> None:
    address = reverse("transfer", args=[done.connection_id, done.pk])
    assert "Undo possible until" in owner.get(address).content.decode()
    assert "undo-preview" not in viewer.get(address).content.decode()

    Transfer.objects.filter(pk=done.pk).update(finished_at=timezone.now() - timedelta(days=31))

    assert "undo-preview" not in owner.get(address).content.decode()
    answer = owner.post(reverse("transfer-undo", args=[done.connection_id, done.pk]), follow=True)
    assert "can be undone for 30 days" in answer.content.decode()


@pytest.mark.parametrize(
    ("direction", "made", "changed"),
    [("to_pipedrive", "1 person", "2 people"), ("from_pipedrive", "1 prospect", "2 prospects")],
)
def test_the_question_of_an_undo_counts_what_the_transfer_made_and_changed(
    owner: Client, done: Transfer, direction: str, made: str, changed: str
) -> None:
    Transfer.objects.filter(pk=done.pk).update(direction=direction)
    for name in ("Ed Five", "Flo Six"):
        make_transfer_record(done, outcome="updated", name=name)
    for number in (31, 32):
        done.organizations.create(organization_id=number, name=f"Company {number}")

    text = owner.get(reverse("transfer", args=[done.connection_id, done.pk])).content.decode()

    dialog = text.partition('<dialog class="dialog" id="undo"')[2].partition("</dialog>")[0]
    assert re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", dialog) == [
        (made, "was created by it"),
        ("2 organizations", "were created by it"),
        (changed, "got other values"),
    ]


def test_an_undo_leads_to_its_preview_and_asks_for_the_number_of_many(owner: Client, done: Transfer) -> None:
    undo_address = reverse("transfer-undo", args=[done.connection_id, done.pk])
    answer = owner.post(undo_address, {"delete_created": "1"}, follow=True)
    undo = done.undos.get()
    assert answer.redirect_chain[-1][0] == reverse("transfer", args=[done.connection_id, undo.pk])
    assert "Preview of the undo" in answer.content.decode()
    assert undo.delete_created

    Transfer.objects.filter(pk=undo.pk).update(
        state="ready", deleted=120, restored=5, planned={"persons_deleted": 120, "persons_updated": 5}
    )
    text = owner.get(answer.redirect_chain[-1][0]).content.decode()
    assert "Type <b>125</b>" in text
    assert "120 people deleted" in text
    start = reverse("transfer-start", args=[done.connection_id, undo.pk])
    assert "Type 125 to confirm" in owner.post(start, {"confirm": "100"}, follow=True).content.decode()
    undo.refresh_from_db()
    assert undo.state == "ready"
    assert "Undoing the transfer" in owner.post(start, {"confirm": "125"}, follow=True).content.decode()


@pytest.mark.parametrize("typed", ["100", "many", "-125", ""])
def test_a_wrong_number_is_marked_at_its_field(owner: Client, done: Transfer, typed: str) -> None:
    owner.post(reverse("transfer-undo", args=[done.connection_id, done.pk]))
    undo = done.undos.get()
    Transfer.objects.filter(pk=undo.pk).update(state="ready", restored=125, planned={"persons_updated": 125})
    address = reverse("transfer", args=[done.connection_id, undo.pk])
    assert "aria-invalid" not in owner.get(address).content.decode()

    answer = owner.post(reverse("transfer-start", args=[done.connection_id, undo.pk]), {"confirm": typed})

    assert answer.status_code == 422
    text = answer.content.decode()
    field = re.findall('<input [^>]*id="un-c"[^>]*>', text)[0]
    assert f'value="{typed}" aria-invalid="true" aria-describedby="un-c-error" autofocus' in field
    said = text.partition('<div id="un-c-error">')[2].partition("</div>")[0]
    assert "Type 125 to confirm that 125 records are undone." in said
    assert text.count("Type 125 to confirm") == 1, "at the field, and not as a passing message as well"


def test_where_a_wrong_number_was_refused_every_way_leads_back_to_the_preview(
    owner: Client, done: Transfer
) -> None:
    address = reverse("transfer", args=[done.connection_id, done.pk])
    assert owner.get(f"{address}start/")["Location"] == address
    assert owner.get(f"{address}start/?outcome=all")["Location"] == f"{address}?outcome=all"
    done.refresh_from_db()
    assert done.state == "done"


def test_a_wrong_number_after_the_undo_began_leads_to_where_it_is(owner: Client, done: Transfer) -> None:
    owner.post(reverse("transfer-undo", args=[done.connection_id, done.pk]))
    undo = done.undos.get()
    Transfer.objects.filter(pk=undo.pk).update(state="running", restored=125)
    start = reverse("transfer-start", args=[done.connection_id, undo.pk])
    answer = owner.post(start, {"confirm": "1"}, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("transfer", args=[done.connection_id, undo.pk])


def test_one_record_is_undone_alone(owner: Client, done: Transfer) -> None:
    owner.post(reverse("transfer-undo", args=[done.connection_id, done.pk]), {"record": "1"})

    undo = done.undos.get()
    assert (undo.picked, undo.total) == (True, 1)


def test_one_created_record_is_deleted_only_where_that_was_ticked(owner: Client, done: Transfer) -> None:
    make_transfer_record(done, source_id="3", target_id="23", outcome="updated", name="Ed Five")
    address = reverse("transfer", args=[done.connection_id, done.pk])
    text = owner.get(address, {"outcome": "all"}).content.decode()
    created, updated = (done.records.get(source_id=i).pk for i in ("1", "3"))
    dialog = text.partition(f'<dialog class="dialog" id="undo-{created}"')[2].partition("</dialog>")[0]
    assert 'type="checkbox" name="delete_created"' in dialog
    assert "Delete the person it created in Pipedrive" in dialog
    assert f'id="undo-{updated}"' not in text  # nothing to ask: its earlier values are put back
    assert 'type="hidden" name="delete_created"' not in text

    undo_address = reverse("transfer-undo", args=[done.connection_id, done.pk])
    owner.post(undo_address, {"record": "1"})
    owner.post(undo_address, {"record": "1", "delete_created": "1"})

    assert list(done.undos.order_by("created_at").values_list("delete_created", flat=True)) == [False, True]


def test_the_failed_are_retried_alone(owner: Client, done: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(actions, "retry_failed", lambda found, **given: asked.append(given["records"]))
    text = owner.get(reverse("transfer", args=[done.connection_id, done.pk])).content.decode()
    assert "Retry all" not in text  # its own button says it already
    assert 'aria-label="Retry Ada Wren"' in text
    assert "can be retried below" in text
    make_transfer_record(done, outcome="failed", name="Bram de Wit")
    assert "Retry all 2" in page(owner, "transfer", done.connection_id, done.pk)

    address = reverse("transfer-retry", args=[done.connection_id, done.pk])
    owner.post(address)
    owner.post(address, {"record": "2"})

    assert asked == [None, ["2"]]


def test_an_undone_transfer_leads_to_the_report_of_its_undo(owner: Client, done: Transfer) -> None:
    Transfer.objects.filter(pk=done.pk).update(state="undone")
    undo = make_transfer(done.connection, state="done", undoes=done, restored=1, deleted=1, kept=1)
    make_transfer_record(undo, outcome="kept", name="Ed Five", reason="Job title was changed since.")

    report = owner.get(reverse("transfer", args=[done.connection_id, done.pk])).content.decode()
    assert reverse("transfer", args=[done.connection_id, undo.pk]) in report
    text = owner.get(reverse("transfer", args=[done.connection_id, undo.pk])).content.decode()
    assert "The transfer was undone" in text
    assert "Job title was changed since." in text
    assert "1 restored, 1 deleted, 1 left alone" in page(owner, "transfers", done.connection_id)
