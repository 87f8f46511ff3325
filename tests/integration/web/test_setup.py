"""The set-up in steps and the settings page: what can be chosen, what is marked, and that nobody's work is overwritten."""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.builders import make_person, make_prospect
from tests.integration.web.fake_pipedrive import FakePipedrive
from tidegate.core.connection import Reason, Status
from tidegate.core.records import JOB_TITLE, PHONE, Side
from tidegate.core.settings import SYSTEM_MAPPINGS, Constant, Direction, FieldMapping, Settings
from tidegate.errors import RemoteUnavailable
from tidegate.prospects.models import ProspectList
from tidegate.store.models import Connection, Lane, User, Workspace

pytestmark = pytest.mark.django_db

INDUSTRY, HEADCOUNT, LEAD_SOURCE, SEATS, SCORE = ("a" * 40, "b" * 40, "c" * 40, "d" * 40, "e" * 40)
CUSTOM = "custom."
HTMX = {"HX-Request": "true"}


@pytest.fixture
def founders(workspace: Workspace) -> ProspectList:
    return ProspectList.objects.create(workspace_id=workspace.pk, name="Founders")


@pytest.fixture
def connection(founders: ProspectList, connection: Connection) -> Connection:
    """With a list to choose from."""
    return connection


class Setup:
    """A member with one connection's set-up in the browser."""

    def __init__(self, client: Client, connection: Connection) -> None:
        self.client, self.pk = client, connection.pk

    @property
    def connection(self) -> Connection:
        return Connection.objects.get(pk=self.pk)

    @property
    def settings(self) -> Settings:
        return self.connection.get_settings()

    def get(self, page: str) -> str:
        answer = self.client.get(self.path(page))
        assert answer.status_code == 200
        return answer.content.decode()

    def post(self, page: str, data: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
        return self.client.post(
            self.path(page), {"version": self.connection.settings_version, **data}, headers=headers
        )

    def path(self, page: str) -> str:
        return f"/connections/{self.pk}/{page}/"


@pytest.fixture
def alices(owner: Client, connection: Connection) -> Setup:
    return Setup(owner, connection)


def data_form(*rows: tuple[str, str], **changes: Any) -> dict[str, Any]:
    """What the data exchange step sends: everything chosen as a member would, with these rows of the mapping."""
    form: dict[str, Any] = {
        "part": ["from_lists", "owner", "to_list", "mapping", "more"],
        "all_lists": "on",
        "owner_id": "11",
        "sync_to_list": str(ProspectList.objects.get(name="Founders").pk),
        "only_with_email": "on",
        "row": [str(number) for number in range(len(rows))],
    }
    for number, (left, right) in enumerate(rows):
        form |= {f"left-{number}": left, f"right-{number}": right}
    return form | changes


def anchors(text: str) -> list[str]:
    """Where the summary on top leads to; each must be on the page."""
    summary = text.split('id="error-summary"')[1].split("</ul>")[0]
    found = re.findall(r'href="#([\w-]+)"', summary)
    assert all(f'id="{anchor}"' in text for anchor in found), found
    return found


# --- the steps


def test_the_steps_lead_from_connected_to_active(alices: Setup) -> None:
    assert alices.client.get(alices.path("setup"))["Location"] == alices.path("setup/direction")
    answer = alices.post(
        "setup/direction", {"part": "direction", "direction": "two_way", "source_app": "outreach"}
    )
    assert answer["Location"] == alices.path("setup/data")
    answer = alices.post("setup/data", data_form((PHONE, PHONE)))
    assert answer["Location"] == alices.path("setup/constants")
    answer = alices.post("setup/constants", {"part": ["constants-outreach", "constants-pipedrive"]})
    assert answer["Location"] == alices.path("setup/automations")
    answer = alices.post("setup/automations", {"part": "automations"})
    assert answer["Location"] == alices.path("setup/review")
    assert "Everything is ready" in alices.get("setup/review")
    answer = alices.post("setup/review", {})
    assert answer["Location"] == alices.path("setup/launched")
    assert "Bring over what you already have?" in alices.get("setup/launched")
    assert alices.connection.status == Status.ACTIVE
    assert alices.settings.source_app is Side.OUTREACH


@pytest.mark.parametrize(
    ("direction", "walked", "says"),
    [
        ("two_way", True, ["2 prospects from all lists", "1 person into the list “Founders”"]),
        ("two_way", False, ["2 prospects from all lists", "Everyone in Pipedrive, into the list “Founders”"]),
        ("to_pipedrive", True, ["2 prospects from all lists"]),
        ("from_pipedrive", True, ["1 person into the list “Founders”"]),
    ],
)
def test_after_the_launch_all_that_may_travel_is_named(
    alices: Setup, direction: str, walked: bool, says: list[str]
) -> None:
    for name in ("Ada", "Ben"):
        make_prospect(alices.connection.workspace, first_name=name)
    make_person(alices.connection.lane, 7)
    Lane.objects.update(persons_walked_at=timezone.now() if walked else None)
    alices.post("setup/direction", {"part": "direction", "direction": direction})
    alices.post("setup/data", data_form((PHONE, PHONE)))
    Connection.objects.update(launched_at=timezone.now(), status=Status.ACTIVE)
    dialog = alices.get("setup/launched").partition("<dialog")[2].partition("</dialog>")[0]
    assert re.findall("<dd>(.*?)</dd>", dialog) == says


def test_a_step_that_is_done_says_what_was_chosen(alices: Setup) -> None:
    assert "Which way data flows" in alices.get("setup/direction")
    alices.post("setup/direction", {"part": "direction", "direction": "two_way"})
    alices.post("setup/data", data_form((PHONE, PHONE)))
    page = alices.get("setup/constants")
    assert '<span class="sub">Two-way</span>' in page
    assert '<span class="sub">5 fields, all lists</span>' in page
    assert '<span class="sub">Optional</span>' in page, "nothing was chosen there yet"


def test_two_way_is_chosen_to_begin_with(alices: Setup) -> None:
    assert re.search(r'value="two_way"[^>]* checked', alices.get("setup/direction"))


@pytest.mark.parametrize("direction", ["", "sideways"])
def test_a_direction_that_is_none_is_refused(alices: Setup, direction: str) -> None:
    answer = alices.post("setup/direction", {"part": "direction", "direction": direction})
    assert answer.status_code == 422
    assert alices.settings.direction == "two_way"
    assert (
        alices.post("setup/direction", {"part": "direction", "direction": "to_pipedrive"}).status_code == 302
    )
    assert alices.settings.direction == "to_pipedrive"


@pytest.mark.parametrize(
    ("direction", "shown", "left_out"),
    [
        (Direction.TO_PIPEDRIVE, "Owner in Pipedrive", "Sync to list"),
        (Direction.FROM_PIPEDRIVE, "Sync to list", "Owner in Pipedrive"),
    ],
)
def test_one_way_shows_only_what_the_receiver_needs(
    alices: Setup, direction: Direction, shown: str, left_out: str
) -> None:
    alices.post("setup/direction", {"part": "direction", "direction": direction.value})
    page = alices.get("setup/data")
    assert shown in page
    assert left_out not in page


def test_what_a_one_way_step_does_not_show_stays_as_it_was(alices: Setup, founders: ProspectList) -> None:
    alices.post("setup/data", data_form())
    alices.post("setup/direction", {"part": "direction", "direction": "to_pipedrive"})
    alices.post("setup/data", {"part": ["from_lists", "owner"], "all_lists": "on", "owner_id": "12"})
    assert (alices.settings.sync_to_list, alices.settings.owner_id) == (str(founders.pk), "12")


def test_what_is_missing_is_saved_marked_at_its_place_and_then_mended(alices: Setup) -> None:
    answer = alices.post("setup/data", data_form(owner_id="12", sync_to_list=""))
    text = answer.content.decode()
    assert answer.status_code == 422
    assert anchors(text) == ["f-to-list"]
    assert re.search(
        r'id="f-to-list"[^>]*aria-describedby="to-list-error to-list-hint" aria-invalid="true"', text
    )
    assert alices.settings.owner_id == "12"
    version = re.search(r'name="version" value="(\d+)"', text)
    assert version is not None
    assert int(version[1]) == alices.connection.settings_version
    assert alices.post("setup/data", data_form()).status_code == 302


def test_a_first_look_at_a_step_marks_nothing(alices: Setup) -> None:
    assert "error-summary" not in alices.get("setup/data")
    asked = alices.client.get(alices.path("setup/data") + "?problems").content.decode()
    assert anchors(asked) == ["f-to-list"]


def test_the_review_lists_what_is_missing_and_launching_does_not_start(alices: Setup) -> None:
    page = alices.get("setup/review")
    assert "1 thing to fix before you launch" in page
    assert f"{alices.path('setup/data')}?problems#f-to-list" in page
    answer = alices.post("setup/review", {})
    assert answer.status_code == 422
    assert alices.connection.launched_at is None
    alices.post("setup/data", data_form())
    assert alices.post("setup/review", {}).status_code == 302
    assert alices.connection.status == Status.ACTIVE


def test_launching_marks_what_was_deleted_in_pipedrive_since_it_was_chosen(
    alices: Setup, pipedrive: FakePipedrive, founders: ProspectList
) -> None:
    alices.post("setup/data", data_form(sync_to_list=str(founders.pk)))
    assert "Everything is ready" in alices.get("setup/review")
    pipedrive.catalogue = replace(pipedrive.catalogue, users=pipedrive.catalogue.users[1:])

    answer = alices.post("setup/review", {})

    assert answer.status_code == 422
    assert "The chosen Pipedrive user no longer exists." in answer.content.decode()
    assert alices.connection.launched_at is None


def test_a_launch_that_pipedrive_does_not_answer_says_so_and_starts_nothing(
    alices: Setup, pipedrive: FakePipedrive, founders: ProspectList
) -> None:
    alices.post("setup/data", data_form(sync_to_list=str(founders.pk)))
    pipedrive.ends_with = RemoteUnavailable("Pipedrive did not answer.")

    answer = alices.post("setup/review", {})

    assert answer.status_code == 409
    assert "Pipedrive did not answer." in answer.content.decode()
    assert (alices.connection.status, alices.connection.launched_at) == ("paused", None)


def test_leaving_saves_what_is_there(alices: Setup) -> None:
    answer = alices.post("setup/data", data_form(sync_to_list="", only_with_email="", act="exit"))
    assert answer["Location"] == "/integrations/"
    assert alices.settings.only_with_email is False
    assert alices.client.get(alices.path("setup"))["Location"] == alices.path("setup/data")


def test_a_list_is_made_on_the_spot(alices: Setup, workspace: Workspace) -> None:
    alices.post("setup/data", data_form(sync_to_list="new", new_list="  From Pipedrive "))
    made = ProspectList.objects.get(name="From Pipedrive")
    assert alices.settings.sync_to_list == str(made.pk)
    assert made.workspace_id == workspace.pk


@pytest.mark.parametrize("name", ["", "founders"])
def test_a_new_list_without_a_free_name_is_refused_and_nothing_is_saved(alices: Setup, name: str) -> None:
    answer = alices.post("setup/data", data_form(sync_to_list="new", new_list=name, owner_id="12"))
    assert answer.status_code == 422
    assert anchors(answer.content.decode()) == ["f-to-list"]
    assert alices.settings.owner_id == "11"
    assert ProspectList.objects.count() == 1
    assert alices.post("setup/data", data_form(sync_to_list="new", new_list="Others")).status_code == 302


def test_a_new_list_is_not_left_behind_when_saving_fails(alices: Setup) -> None:
    form = data_form(sync_to_list="new", new_list="Others") | {"version": 0}
    assert alices.post("setup/data", form).status_code == 409
    assert ProspectList.objects.count() == 1


def test_single_lists_can_be_chosen_and_none_is_marked(alices: Setup, founders: ProspectList) -> None:
    form = data_form(lists=[str(founders.pk)])
    del form["all_lists"]
    assert alices.post("setup/data", form).status_code == 302
    assert alices.settings.sync_from_lists == (str(founders.pk),)
    answer = alices.post("setup/data", form | {"lists": []})
    assert anchors(answer.content.decode()) == ["from-lists"]


# --- forged and stale values


@pytest.mark.parametrize(
    ("change", "anchor"),
    [
        ({"owner_id": "999"}, "f-owner"),
        ({"owner_id": "13"}, "f-owner"),
        ({"sync_to_list": "999999"}, "f-to-list"),
        ({"all_lists": "", "lists": ["999999"]}, "from-lists"),
    ],
)
def test_ids_that_do_not_exist_are_refused_and_the_right_ones_saved(
    alices: Setup, change: dict[str, Any], anchor: str
) -> None:
    before = alices.settings
    answer = alices.post("setup/data", data_form() | change)
    assert answer.status_code == 422
    assert anchors(answer.content.decode()) == [anchor]
    assert alices.settings == before
    assert alices.post("setup/data", data_form()).status_code == 302


def test_a_list_of_another_workspace_is_refused(alices: Setup, charlie: User) -> None:
    theirs = ProspectList.objects.create(
        workspace_id=Workspace.objects.get(name="Elsewhere").pk, name="Theirs"
    )
    answer = alices.post("setup/data", data_form(sync_to_list=str(theirs.pk)))
    assert answer.status_code == 422
    assert alices.settings.sync_to_list is None


@pytest.mark.parametrize(
    "row",
    [
        (f"{CUSTOM}team_size", LEAD_SOURCE),  # a number to a text
        (f"{CUSTOM}industry", HEADCOUNT),
        (f"{CUSTOM}team_size", "no-such-field"),
        ("no_such_field", HEADCOUNT),
        (PHONE, "email"),
    ],
)
def test_a_pair_that_does_not_fit_is_marked_at_its_row_and_not_saved(
    alices: Setup, row: tuple[str, str]
) -> None:
    answer = alices.post("setup/data", data_form((JOB_TITLE, JOB_TITLE), row))
    assert answer.status_code == 422
    assert set(anchors(answer.content.decode())) == {"right-1"}
    assert FieldMapping(*row) not in alices.settings.mappings
    assert alices.post("setup/data", data_form((f"{CUSTOM}team_size", HEADCOUNT))).status_code == 302


def test_a_field_is_mapped_once_on_each_side(alices: Setup) -> None:
    rows = [(f"{CUSTOM}team_size", HEADCOUNT), (f"{CUSTOM}team_size", SEATS)]
    answer = alices.post("setup/data", data_form(*rows))
    assert anchors(answer.content.decode()) == ["right-1"]
    assert alices.post("setup/data", data_form(rows[0])).status_code == 302


def test_the_locked_pairs_can_not_be_taken_away_by_a_form(alices: Setup) -> None:
    alices.post("setup/data", data_form())
    assert alices.settings.mappings == SYSTEM_MAPPINGS


def test_a_broken_version_counts_as_none(alices: Setup) -> None:
    assert alices.post("setup/data", data_form() | {"version": "²"}).status_code == 302


# --- the mapping


def mapping(alices: Setup, act: str, *rows: tuple[str, str], page: str = "setup/data") -> str:
    answer = alices.post(page, data_form(*rows, act=act), headers=HTMX)
    assert answer.status_code == 200
    text: str = answer.content.decode()
    assert text.lstrip().startswith("<section")
    return text


def options(text: str, control: str) -> list[str]:
    select = text.split(f'id="{control}"')[1].split("</select>")[0]
    return re.findall(r"<option[^>]*>([^<]*)</option>", select)


def test_a_row_is_added_and_its_left_field_chosen_first(alices: Setup) -> None:
    text = mapping(alices, "add", (PHONE, PHONE))
    assert options(text, "left-1")[0] == "Choose a prospect field"
    assert "Phone" not in options(text, "left-1")  # mapped already
    assert "E-mail" not in options(text, "left-1")  # locked
    assert "Choose the field on the left first" in text
    assert re.search(r'id="add-field"[^>]* disabled', text)
    assert "Finish the row above first" in text


def test_the_right_side_offers_only_free_fields_of_the_same_type_that_can_be_written(alices: Setup) -> None:
    text = mapping(alices, "left-0", (f"{CUSTOM}team_size", ""))
    assert options(text, "right-0") == ["Choose a field of type Number", "Headcount", "Seats"]
    assert "only Pipedrive’s 2 free fields of this type are offered" in text
    text = mapping(alices, "left-1", (f"{CUSTOM}team_size", HEADCOUNT), (f"{CUSTOM}met_on", ""))
    assert options(text, "right-1") == ["Choose a field of type Date"]
    assert "Pipedrive has no free field of this type" in text


def test_a_computed_field_is_offered_where_it_is_only_read(alices: Setup) -> None:
    alices.post("setup/direction", {"part": "direction", "direction": "from_pipedrive"})
    text = mapping(alices, "left-0", (f"{CUSTOM}team_size", ""))
    assert "Score, computed" in options(text, "right-0")


def test_choosing_another_left_field_keeps_the_right_one_only_where_it_fits(alices: Setup) -> None:
    kept = mapping(alices, "left-0", (f"{CUSTOM}source", JOB_TITLE))
    assert options(kept, "right-0")[0] == "Job title"
    dropped = mapping(alices, "left-0", (f"{CUSTOM}team_size", JOB_TITLE))
    assert options(dropped, "right-0")[0] == "Choose a field of type Number"


def test_a_link_fits_a_text_field_of_pipedrive(alices: Setup) -> None:
    assert "Lead source" in options(mapping(alices, "left-0", (f"{CUSTOM}website", "")), "right-0")


def test_a_row_is_removed_without_saving(alices: Setup) -> None:
    before = alices.settings
    text = mapping(alices, "remove-0", (PHONE, PHONE), (JOB_TITLE, JOB_TITLE))
    assert options(text, "left-0")[0] == "Position"
    assert 'id="left-1"' not in text
    assert alices.settings == before


def test_a_row_that_is_not_there_is_not_removed(alices: Setup) -> None:
    text = mapping(alices, "remove-7", (PHONE, PHONE))
    assert options(text, "left-0")[0] == "Phone"


def test_an_incomplete_row_is_marked_and_not_saved(alices: Setup) -> None:
    answer = alices.post("setup/data", data_form((f"{CUSTOM}team_size", "")))
    assert answer.status_code == 422
    assert anchors(answer.content.decode()) == ["right-0"]
    assert alices.post("setup/data", data_form((f"{CUSTOM}team_size", SEATS))).status_code == 302
    assert FieldMapping(f"{CUSTOM}team_size", SEATS) in alices.settings.mappings


def test_an_incomplete_row_and_all_that_is_missing_are_told_at_once(alices: Setup) -> None:
    before = alices.settings
    form = data_form((f"{CUSTOM}team_size", ""), ("", ""), sync_to_list="", owner_id="")
    answer = alices.post("setup/data", form)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert anchors(text) == ["f-to-list", "f-owner", "right-0", "left-1"]
    assert "4 things to fix before you continue" in text
    assert '<span class="sub">4 things to fix</span>' in text, "the list of steps counts the same"
    assert "Choose the Pipedrive field, or remove the row." in text
    assert "Choose the prospect field, or remove the row." in text
    assert re.search(r'id="left-1"[^>]* aria-invalid="true"', text)
    assert alices.settings == before
    rows = ((f"{CUSTOM}team_size", ""), ("", ""))
    answer = alices.post("settings", whole_form(*rows, sync_to_list="", owner_id=""))
    assert answer.status_code == 422
    assert anchors(answer.content.decode()) == anchors(text)


def test_saving_to_leave_tells_only_what_can_not_be_saved(alices: Setup) -> None:
    form = data_form((f"{CUSTOM}team_size", ""), sync_to_list="", act="exit")
    assert anchors(alices.post("setup/data", form).content.decode()) == ["right-0"]
    assert alices.post("setup/data", data_form(sync_to_list="", act="exit"))["Location"] == "/integrations/"


def test_a_list_to_be_named_is_told_of_once(alices: Setup) -> None:
    alices.post("setup/data", data_form(sync_to_list="", act="exit"))
    form = data_form((f"{CUSTOM}team_size", ""), sync_to_list="new", new_list="")
    assert anchors(alices.post("setup/data", form).content.decode()) == ["f-to-list", "right-0"]
    named = alices.post("setup/data", form | {"new_list": "People"}).content.decode()
    assert anchors(named) == ["right-0"]


def test_a_field_that_is_gone_is_marked_in_its_row_below_an_incomplete_one(
    alices: Setup, pipedrive: FakePipedrive
) -> None:
    rows = ((f"{CUSTOM}source", ""), (f"{CUSTOM}team_size", HEADCOUNT))
    alices.post("setup/data", data_form(rows[1]))
    pipedrive.delete_field(HEADCOUNT)
    pipedrive.show(alices.connection)
    assert anchors(alices.post("setup/data", data_form(*rows)).content.decode()) == ["right-1", "right-0"]


def test_options_that_the_other_side_lacks_are_named(alices: Setup) -> None:
    text = mapping(alices, "right-0", (f"{CUSTOM}industry", INDUSTRY))
    assert "Pipedrive lacks “Energy”:" in text
    assert "The prospect field lacks “Health”:" in text


def test_without_scripts_the_same_buttons_answer_with_the_whole_page(alices: Setup) -> None:
    answer = alices.post("setup/data", data_form((PHONE, PHONE), act="add", owner_id="12"))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert 'id="left-1"' in text
    assert re.search(r'<option value="12" selected>', text)  # what was chosen meanwhile stays
    assert alices.settings.owner_id == "11"


def test_a_mapped_field_that_was_deleted_stays_visible_and_can_be_replaced(
    alices: Setup, pipedrive: FakePipedrive
) -> None:
    alices.post("setup/data", data_form((f"{CUSTOM}team_size", HEADCOUNT)))
    pipedrive.delete_field(HEADCOUNT)
    pipedrive.show(alices.connection)
    text = alices.client.get(alices.path("setup/data") + "?problems").content.decode()
    assert anchors(text) == ["right-0"]
    assert options(text, "right-0")[0] == "A field that was deleted"
    assert "that was mapped with “Team size” no longer exists" in text
    assert HEADCOUNT not in " ".join(anchors(text)) + options(text, "right-0")[0]
    assert alices.post("setup/data", data_form((f"{CUSTOM}team_size", SEATS))).status_code == 302


def test_in_place_of_a_deleted_field_the_likely_one_is_offered_and_taken(
    alices: Setup, pipedrive: FakePipedrive
) -> None:
    alices.post("setup/data", data_form((f"{CUSTOM}team_size", HEADCOUNT)))
    pipedrive.delete_field(HEADCOUNT)
    pipedrive.show(alices.connection)
    text = alices.client.get(alices.path("setup/data") + "?problems").content.decode()
    assert "“Seats” is free and has the same type." in text
    form = data_form((f"{CUSTOM}team_size", HEADCOUNT), act=f"use-0-{SEATS}")
    assert options(alices.post("setup/data", form).content.decode(), "right-0")[0] == "Seats"


@pytest.mark.parametrize("act", ["use", "use-", "use-9-x", "use-²-x", "use-0"])
def test_a_forged_likely_field_breaks_nothing(alices: Setup, act: str) -> None:
    assert alices.post("setup/data", data_form((f"{CUSTOM}team_size", SEATS), act=act)).status_code == 200
    assert (f"{CUSTOM}team_size", SEATS) not in [(m.outreach, m.pipedrive) for m in alices.settings.mappings]


def test_refreshing_rereads_pipedrive_and_keeps_the_form(alices: Setup, pipedrive: FakePipedrive) -> None:
    pipedrive.delete_field(LEAD_SOURCE)
    text = alices.post("setup/data", data_form(act="refresh", owner_id="12")).content.decode()
    assert "Fields, lists and users are up to date." in text
    assert re.search(r'<option value="12" selected>', text)
    assert "Lead source" not in options(mapping(alices, "left-0", (f"{CUSTOM}source", "")), "right-0")


@pytest.mark.parametrize("page", ["setup/data", "settings"])
def test_a_refresh_marks_what_vanished_where_it_was_used(
    alices: Setup, pipedrive: FakePipedrive, page: str
) -> None:
    alices.post("setup/data", data_form((f"{CUSTOM}source", LEAD_SOURCE)))
    pipedrive.delete_field(LEAD_SOURCE)
    answer = alices.post(page, data_form((f"{CUSTOM}source", LEAD_SOURCE), act="refresh"))
    assert answer.status_code == 200
    assert anchors(answer.content.decode()) == ["right-0"]


def test_a_refresh_in_the_set_up_marks_nothing_that_is_still_to_be_chosen(alices: Setup) -> None:
    text = alices.post("setup/data", data_form(act="refresh", sync_to_list="")).content.decode()
    assert "error-summary" not in text


def test_a_refresh_that_fails_is_said_and_loses_nothing(alices: Setup, pipedrive: FakePipedrive) -> None:
    pipedrive.ends_with = RemoteUnavailable("Pipedrive does not answer.")
    text = alices.post("setup/data", data_form(act="refresh", owner_id="12")).content.decode()
    assert "Pipedrive does not answer." in text
    assert re.search(r'<option value="12" selected>', text)
    assert alices.post("setup/data", data_form()).status_code == 302


def test_choosing_with_a_pointer_leads_on_and_typing_does_not(alices: Setup) -> None:
    form = data_form((f"{CUSTOM}team_size", ""), act="left-0")
    typed = alices.post("setup/data", form, headers=HTMX).content.decode()
    pointed = alices.post("setup/data", form | {"pointer": "1"}, headers=HTMX).content.decode()
    assert "autofocus" not in typed
    assert re.search(r'id="right-0"[^>]* autofocus', pointed)


# --- constants


def constants_form(side: str, key: str, value: str, **changes: Any) -> dict[str, Any]:
    return {
        "part": f"constants-{side}",
        f"constant-{side}-field": key,
        f"constant-{side}-value": value,
    } | changes


def test_constants_are_kept_for_either_side(alices: Setup) -> None:
    form = constants_form("pipedrive", LEAD_SOURCE, "Tidegate") | constants_form(
        "outreach", f"{CUSTOM}industry", "Retail"
    )
    alices.post("setup/constants", form | {"part": ["constants-outreach", "constants-pipedrive"]})
    assert set(alices.settings.constants) == {
        Constant(Side.OUTREACH, f"{CUSTOM}industry", "Retail"),
        Constant(Side.PIPEDRIVE, LEAD_SOURCE, "Tidegate"),
    }
    assert "<b>Lead source</b> becomes “Tidegate”" in alices.get("setup/review")


def test_the_control_follows_the_type_of_the_constant_field(alices: Setup) -> None:
    answer = alices.post(
        "setup/constants", constants_form("outreach", f"{CUSTOM}industry", "", act="constants"), headers=HTMX
    )
    assert options(answer.content.decode(), "constant-value-outreach-0") == [
        "Choose…",
        "Software",
        "Retail",
        "Energy",
    ]
    answer = alices.post(
        "setup/constants", constants_form("outreach", f"{CUSTOM}met_on", "", act="constants"), headers=HTMX
    )
    assert 'input type="date"' in answer.content.decode()
    assert alices.settings.constants == ()


@pytest.mark.parametrize(
    ("key", "value"), [(HEADCOUNT, "many"), (LEAD_SOURCE, ""), ("no-such-field", "x"), (PHONE, "x")]
)
def test_a_constant_that_does_not_fit_is_marked_and_can_be_mended(
    alices: Setup, key: str, value: str
) -> None:
    answer = alices.post("setup/constants", constants_form("pipedrive", key, value))
    assert answer.status_code == 422
    assert anchors(answer.content.decode()) == ["constant-value-pipedrive-0"]
    assert alices.post("setup/constants", constants_form("pipedrive", HEADCOUNT, "12")).status_code == 302


def test_a_mapped_field_is_not_offered_as_a_constant(alices: Setup) -> None:
    alices.post("setup/data", data_form((f"{CUSTOM}source", LEAD_SOURCE)))
    offered = options(alices.get("setup/constants"), "constant-field-pipedrive-0")
    assert offered == ["No constant", "Headcount (Number)", "Industry (Single option)", "Seats (Number)"]


def test_a_constant_is_taken_away_by_choosing_none(alices: Setup) -> None:
    alices.post("setup/constants", constants_form("pipedrive", LEAD_SOURCE, "Tidegate"))
    alices.post("setup/constants", constants_form("pipedrive", "", "Tidegate"))
    assert alices.settings.constants == ()


# --- the settings page


def whole_form(*rows: tuple[str, str], **changes: Any) -> dict[str, Any]:
    parts = [
        "direction",
        "from_lists",
        "owner",
        "to_list",
        "mapping",
        "more",
        "constants-outreach",
        "constants-pipedrive",
    ]
    return data_form(*rows) | {"part": parts, "direction": "two_way", "source_app": "pipedrive"} | changes


def test_all_settings_are_saved_together(alices: Setup) -> None:
    form = whole_form((PHONE, PHONE), direction="from_pipedrive", owner_id="12") | constants_form(
        "pipedrive", LEAD_SOURCE, "T"
    )
    answer = alices.post("settings", form | {"part": whole_form()["part"]})
    assert answer["Location"] == alices.path("settings")
    saved = alices.settings
    assert (saved.direction, saved.owner_id, len(saved.constants)) == (Direction.FROM_PIPEDRIVE, "12", 1)


def test_the_second_of_two_editors_is_told_and_overwrites_nothing(alices: Setup) -> None:
    stale = alices.connection.settings_version
    alices.post("settings", whole_form(owner_id="12"))
    answer = alices.post("settings", whole_form(only_with_email="") | {"version": stale})
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Somebody else saved these settings meanwhile" in text
    assert alices.settings.owner_id == "12"
    assert alices.settings.only_with_email is True
    assert not re.search(
        r'name="only_with_email"[^>]* checked', text
    )  # the second one's entries are still there

    again = alices.post("settings", whole_form(only_with_email="") | {"version": stale})
    assert again.status_code == 409  # trying harder does not help
    current = alices.connection.settings_version
    answer = alices.post(
        "settings", whole_form(only_with_email="", overwrite=str(current)) | {"version": stale}
    )
    assert answer.status_code == 302
    assert alices.settings.only_with_email is False


def test_overwriting_what_was_not_seen_is_refused(alices: Setup) -> None:
    stale = alices.connection.settings_version
    alices.post("settings", whole_form(owner_id="12"))
    answer = alices.post("settings", whole_form(overwrite=str(stale)) | {"version": stale})
    assert answer.status_code == 409
    assert alices.settings.owner_id == "12"


def test_the_page_counts_what_is_not_saved_yet(alices: Setup) -> None:
    alices.post("settings", whole_form())
    answer = alices.post(
        "settings", whole_form(owner_id="12", only_with_email="", act="changes"), headers=HTMX
    )
    text = answer.content.decode()
    assert "2 unsaved changes" in text
    assert "Owner, Prospects without an e-mail address" in text
    assert alices.settings.owner_id == "11"


def test_a_viewer_sees_the_settings_and_changes_nothing(viewer: Client, alices: Setup) -> None:
    page = viewer.get(alices.path("settings"))
    assert page.status_code == 200
    assert "Save changes" not in page.content.decode()
    assert viewer.post(alices.path("settings"), whole_form(owner_id="12")).status_code == 403
    assert alices.settings.owner_id == "11"


def test_the_settings_of_another_workspace_are_not_there(stranger: Client, alices: Setup) -> None:
    for page in ("settings", "setup", "setup/data", "setup/review"):
        assert stranger.get(alices.path(page)).status_code == 404
        assert stranger.post(alices.path(page), {}).status_code == 404


def test_mending_the_settings_of_a_failed_connection_starts_it_again(
    alices: Setup, pipedrive: FakePipedrive
) -> None:
    alices.post("settings", whole_form((f"{CUSTOM}team_size", HEADCOUNT)))
    alices.post("setup/review", {})
    pipedrive.delete_field(HEADCOUNT)
    pipedrive.show(alices.connection)
    Connection.objects.update(status=Status.FAILED, reason=Reason.INCOMPLETE)
    assert anchors(alices.get("settings")) == ["right-0"]
    alices.post("settings", whole_form((f"{CUSTOM}team_size", SEATS)))
    assert alices.connection.status == Status.ACTIVE


def test_settings_that_are_still_incomplete_are_saved_and_stay_marked(alices: Setup) -> None:
    Connection.objects.update(status=Status.FAILED, reason=Reason.INCOMPLETE)
    answer = alices.post("settings", whole_form(sync_to_list="", owner_id="12"))
    assert answer.status_code == 302
    assert anchors(alices.get("settings")) == ["f-to-list"]
    assert (alices.connection.status, alices.settings.owner_id) == (Status.FAILED, "12")


def test_a_deleted_list_stays_visible_where_it_was_used(
    alices: Setup, founders: ProspectList, pipedrive: FakePipedrive
) -> None:
    alices.post("settings", whole_form())
    founders.delete()
    pipedrive.show(alices.connection)
    text = alices.get("settings")
    assert options(text, "f-to-list")[0] == "A list that was deleted"
    assert anchors(text) == ["f-to-list"]


def test_200_fields_and_1000_lists_are_shown_in_one_page(
    alices: Setup, workspace: Workspace, pipedrive: FakePipedrive
) -> None:
    ProspectList.objects.bulk_create(
        ProspectList(workspace_id=workspace.pk, name=f"List {n}") for n in range(1000)
    )
    pipedrive.show(alices.connection)
    text = alices.get("settings")
    assert text.count('name="lists"') == 1001
