"""Activities (v2), activity types and notes (v1)."""

import pytest

from tests.unit.sandbox.conftest import data, error

ACTIVITIES = "/api/v2/activities"


def new(ask, **given):
    return data(ask("POST", ACTIVITIES, given))


def test_the_person_is_set_through_participants(ask):
    activity = new(ask, subject="Call", type="call", participants=[{"person_id": 2}, {"person_id": 3}])

    assert activity["person_id"] == 2
    assert activity["participants"] == [{"person_id": 2, "primary": True}, {"person_id": 3, "primary": False}]


def test_person_id_in_the_body_is_refused(ask):
    assert "person_id: Parameter 'person_id' is not allowed" in error(
        ask("POST", ACTIVITIES, {"person_id": 1})
    )


def test_an_activity_without_a_subject_takes_its_types_name(ask):
    assert new(ask)["subject"] == "Call"
    assert new(ask, type="lunch")["subject"] == "Lunch"


def test_times_of_day_come_back_with_seconds(ask):
    activity = new(ask, due_date="2026-01-31", due_time="09:30", duration="00:45")

    assert (activity["due_time"], activity["duration"]) == ("09:30:00", "00:45:00")


def test_done_sets_and_clears_its_moment(ask):
    activity = new(ask, done=True)
    undone = data(ask("PATCH", f"{ACTIVITIES}/{activity['id']}", {"done": False}))

    assert activity["marked_as_done_time"]
    assert undone["marked_as_done_time"] is None


def test_attendees_come_only_on_request(ask):
    activity = new(ask, attendees=[{"email": "a@example.com"}])

    assert "attendees" not in activity
    asked = data(ask("GET", f"{ACTIVITIES}/{activity['id']}", include_fields="attendees"))
    assert asked["attendees"] == [{"email": "a@example.com"}]


@pytest.mark.parametrize(
    "given",
    [
        {"type": "nonsense"},
        {"done": 1},
        {"due_date": "tomorrow"},
        {"due_time": "9:30"},
        {"due_time": "24:00"},
        {"duration": "1h"},
        {"deal_id": 99},
        {"lead_id": "39c433f0-8a4c-11ec-8728-09968f0a1ca0"},
        {"participants": [{"person_id": 99}]},
        {"participants": [1]},
        {"participants": [{"person_id": 1, "primary_flag": True}]},
        {"priority": 1},
        {"note": "x" * (100 * 1024 + 1)},
        {"location": {}},
        {"marked_as_done_time": "2026-01-01T00:00:00Z"},
    ],
    ids=lambda given: str(given)[:60],
)
def test_a_write_that_pipedrive_refuses_is_refused(ask, given):
    assert ask("POST", ACTIVITIES, given).status == 400


def test_activities_are_listed_by_their_links_and_flags(ask):
    deal = data(ask("POST", "/api/v2/deals", {"title": "T"}))["id"]
    done = new(ask, deal_id=deal, done=True, participants=[{"person_id": 4}, {"person_id": 5}])["id"]
    todo = new(ask, deal_id=deal)["id"]

    assert [one["id"] for one in data(ask("GET", ACTIVITIES, deal_id=deal))] == [done, todo]
    assert [one["id"] for one in data(ask("GET", ACTIVITIES, deal_id=deal, done="false"))] == [todo]
    assert done in [one["id"] for one in data(ask("GET", ACTIVITIES, person_id=4))]
    assert done not in [one["id"] for one in data(ask("GET", ACTIVITIES, person_id=5))]
    assert ask("GET", ACTIVITIES, type="call").status == 400


def test_a_walk_by_due_date_includes_activities_without_one(ask):
    without = new(ask)["id"]
    dated = new(ask, due_date="2020-01-01")["id"]

    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        answer = ask("GET", ACTIVITIES, sort_by="due_date", limit=1, **cursor)
        seen += [one["id"] for one in data(answer)]
        if answer.body["additional_data"]["next_cursor"] is None:
            break
        cursor = {"cursor": answer.body["additional_data"]["next_cursor"]}

    assert seen[:2] == [without, dated]
    assert len(seen) == len(set(seen)) == 4


def test_a_key_string_comes_from_the_first_name_and_stays(ask):
    kind = data(ask("POST", "/v1/activityTypes", {"name": "E-mail sent", "icon_key": "email"}))
    renamed = data(ask("PUT", f"/v1/activityTypes/{kind['id']}", {"name": "Mail"}))

    assert kind["key_string"] == renamed["key_string"] == "e_mail_sent"
    assert renamed["name"] == "Mail"
    assert new(ask, type="e_mail_sent")["type"] == "e_mail_sent"


def test_deleting_an_activity_type_deactivates_it(ask):
    assert data(ask("DELETE", "/v1/activityTypes/1"))["active_flag"] is False

    assert data(ask("GET", "/v1/activityTypes"))[0]["active_flag"] is False
    assert ask("POST", ACTIVITIES, {"type": "call"}).status == 400


@pytest.mark.parametrize(
    "given", [{}, {"name": "X"}, {"name": "X", "icon_key": "nix"}, {"icon_key": "email"}], ids=str
)
def test_an_activity_type_needs_a_name_and_a_known_icon(ask, given):
    assert ask("POST", "/v1/activityTypes", given).status == 400


def test_only_an_admin_changes_activity_types(ask):
    assert ask("POST", "/v1/activityTypes", {"name": "X", "icon_key": "email"}, user=2).status == 403


def test_a_note_needs_content_and_something_to_hang_on(ask):
    assert ask("POST", "/v1/notes", {"content": "x"}).status == 400
    assert ask("POST", "/v1/notes", {"person_id": 1}).status == 400
    assert ask("POST", "/v1/notes", {"content": "x", "person_id": 99}).status == 400


def test_a_note_shows_names_and_times_in_the_v1_form(ask):
    note = data(ask("POST", "/v1/notes", {"content": "<b>x</b><script>y</script>", "person_id": "1"}))

    assert note["content"] == "<b>x</b>"
    assert note["person"]["name"]
    assert note["user"]["is_you"] is True
    assert note["pinned_to_person_flag"] is False
    assert len(note["add_time"]) == 19 and note["add_time"][10] == " "


def test_pins_come_as_numbers_and_leave_as_booleans(ask):
    note = data(ask("POST", "/v1/notes", {"content": "x", "person_id": 1, "pinned_to_person_flag": 1}))

    assert note["pinned_to_person_flag"] is True
    assert [one["id"] for one in data(ask("GET", "/v1/notes", pinned_to_person_flag=1))] == [note["id"]]
    assert data(ask("GET", "/v1/notes", pinned_to_person_flag=0)) == []


def test_a_deleted_note_stays_readable_and_inactive(ask):
    number = data(ask("POST", "/v1/notes", {"content": "x", "person_id": 1}))["id"]

    assert data(ask("DELETE", f"/v1/notes/{number}")) is True
    assert data(ask("GET", f"/v1/notes/{number}"))["active_flag"] is False
    assert data(ask("GET", "/v1/notes")) == []


def test_notes_are_paged_by_start_with_a_next_start_only_where_more_follows(ask):
    for text in "abc":
        ask("POST", "/v1/notes", {"content": text, "person_id": 1})

    first = ask("GET", "/v1/notes", limit=2, sort="id DESC").body
    last = ask("GET", "/v1/notes", limit=2, start=2, sort="id DESC").body

    assert [one["content"] for one in first["data"] + last["data"]] == ["c", "b", "a"]
    assert first["additional_data"]["pagination"]["next_start"] == 2
    assert "next_start" not in last["additional_data"]["pagination"]
    assert ask("GET", "/v1/notes", sort="nix ASC").status == 400


def test_only_an_admin_writes_a_note_for_somebody_else(ask):
    given = {"content": "x", "person_id": 1, "user_id": 3}

    assert data(ask("POST", "/v1/notes", given))["user_id"] == 3
    assert ask("POST", "/v1/notes", given, user=2).status == 403
