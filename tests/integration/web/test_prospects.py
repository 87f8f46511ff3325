"""The pages of the prospect store, as a member uses them and as nobody else may."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.builders import make_connection
from tidegate.core.settings import Settings, settings_to_json
from tidegate.prospects import queries
from tidegate.prospects.events.recording import Telling, record_events
from tidegate.prospects.importing import uploads
from tidegate.prospects.models import CustomField, FieldType, Import, Prospect, ProspectList
from tidegate.prospects.services import (
    Author,
    add_to_list,
    create_field,
    create_list,
    create_prospect,
)
from tidegate.store.models import Attention, Change, Connection, Link, LogEntry, Workspace
from tidegate.web.prospects import views


@pytest.fixture
def author(workspace: Workspace) -> Author:
    return Author(workspace.pk, "Alice", "page")


def make(author: Author, name: str = "Ann", **raw: Any) -> Prospect:
    address = {"email": f"{name.lower()}@example.com"} if "emails" not in raw else {}
    return create_prospect(author, {"first_name": name, **address, **raw}).prospect


def names(page: Any) -> list[str]:
    return re.findall(r'<a class="plain"[^>]*>([^<]*)</a>', page.content.decode())


def link(page: Any, element_id: str) -> str:
    found = re.search(rf'id="{element_id}" href="([^"]*)"', page.content.decode())
    assert found, f"there is no link {element_id}"
    return found[1].replace("&amp;", "&")


# --- The table ---


def test_an_empty_store_says_how_people_get_here(owner: Client):
    page = owner.get("/prospects/")

    assert "No prospects yet" in page.content.decode()
    assert "Import CSV" in page.content.decode()


def test_the_table_is_sorted_by_name_and_can_be_turned_round(owner: Client, author: Author):
    for name in ("Béa", "ann", "Cleo"):
        make(author, name, emails=[f"{name.encode('ascii', 'ignore').decode().lower()}@example.com"])

    page = owner.get("/prospects/")

    assert names(page) == ["ann", "Béa", "Cleo"]
    assert 'aria-sort="ascending"' in page.content.decode()
    assert names(owner.get(link(page, "sort-name"))) == ["Cleo", "Béa", "ann"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ANN", ["Ann"]), ("q=ines", ["Inês"]), ("q=acme", ["Ann", "Bob"]), ("q=bob@example", ["Bob"]), ("q=nn", []),
        ("q=%27%3B+%26+%7C+%21", []), ("q=%00", ["Ann", "Bob", "Inês"]), ("status=valid", ["Bob"]),
        ("status=nonsense", ["Ann", "Bob", "Inês"]), ("list=987654321", ["Ann", "Bob", "Inês"]), ("list=x&sort=y&rows=z", ["Ann", "Bob", "Inês"]),
        ("cursor=nonsense", ["Ann", "Bob", "Inês"]),
    ],
)  # fmt: skip
def test_prospects_are_found(owner: Client, author: Author, query: str, found: list[str]):
    make(author, "Ann", company="Acme")
    make(author, "Bob", company="Acme", email_status="valid")
    make(author, "Inês", emails=["ic@example.com"])

    assert names(owner.get(f"/prospects/?{query}")) == found


def test_pages_go_forth_and_back_through_everybody(owner: Client, author: Author):
    for number in range(25):
        make(author, f"P{number:02}")

    first = owner.get("/prospects/?rows=10")
    second = owner.get("/prospects/" + link(first, "page-next").removeprefix("/prospects/"))
    third = owner.get(link(second, "page-next"))

    assert [name for page in (first, second, third) for name in names(page)] == [
        f"P{n:02}" for n in range(25)
    ]
    assert "11 to 20 of 25" in second.content.decode()
    assert 'id="page-next"' not in third.content.decode()
    back = owner.get(link(third, "page-previous"))
    assert names(back) == names(second)
    assert "11 to 20 of 25" in back.content.decode()
    home = owner.get(link(back, "page-previous"))
    assert names(home) == names(first)
    assert 'id="page-previous"' not in home.content.decode()


def test_a_page_has_as_many_rows_as_were_chosen(owner: Client, author: Author):
    for number in range(12):
        make(author, f"P{number:02}")

    page = owner.get(link(owner.get("/prospects/?q=p&sort=-name"), "rows-10"))

    assert names(page) == [f"P{number:02}" for number in range(11, 1, -1)]
    kept = re.findall(r'form="prospect-filters" name="(\w+)" value="([^"]*)"', page.content.decode())
    assert kept == [("sort", "-name"), ("rows", "10")], "searching on keeps them"


def test_few_people_need_no_choice_of_rows(owner: Client, author: Author):
    make(author, "Ann")

    assert 'id="rows-' not in owner.get("/prospects/").content.decode()


def test_people_of_one_name_are_not_lost_between_pages(owner: Client, author: Author):
    ids = [make(author, "Ann", emails=[f"ann{n}@example.com"]).pk for n in range(25)]

    page = owner.get("/prospects/?rows=10")
    met = re.findall(r'value="(\d+)" id="tick', page.content.decode())
    while 'id="page-next"' in page.content.decode():
        page = owner.get(link(page, "page-next"))
        met += re.findall(r'value="(\d+)" id="tick', page.content.decode())

    assert [int(found) for found in met] == ids


def test_a_row_says_how_the_prospect_stands_in_pipedrive(
    owner: Client, author: Author, connection: Connection
):
    linked, asked, bare = make(author, "Linked"), make(author, "Asked"), make(author, "Bare", emails=[])
    make(author, "Missing")
    Link.objects.create(connection=connection, prospect_id=str(linked.pk), person_id="7")
    Attention.objects.create(
        connection=connection, kind="ambiguous", prospect_id=str(asked.pk), message="Two fit."
    )

    page = owner.get("/prospects/").content.decode()
    for word in ("Linked", "Needs attention", "Two fit.", "Not there yet", "Left out", "No e-mail address"):
        assert word in page
    assert names(owner.get("/prospects/?pipedrive=linked")) == ["Linked"]
    assert names(owner.get("/prospects/?pipedrive=attention")) == ["Asked"]
    assert names(owner.get("/prospects/?pipedrive=missing")) == ["Asked", "Bare", "Missing"]
    assert bare.pk


def tell(author: Author, name: str, kind: str, *, days: float = 0, **facts: Any) -> None:
    at = (timezone.now() - timedelta(days=days)).isoformat()
    about = {"prospect": {"email": f"{name.lower()}@example.com"}, "key": f"{name}-{kind}-{days}"}
    (result,) = record_events(author, [Telling({**about, "type": kind, "at": at, **facts})], source="api")
    assert not result.errors


def cells(page: Any, column: int) -> list[str]:
    """What the rows say in a column, as text."""
    body = page.content.decode().split("<tbody>")[1].split("</tbody>")[0]
    rows = [re.findall(r"<t[dh][ >].*?</t[dh]>", row, re.DOTALL) for row in body.split("</tr>")[:-1]]
    return [" ".join(re.sub(r"<[^>]+>", " ", row[column]).split()) for row in rows]


def test_a_row_says_what_happened_last(owner: Client, author: Author):
    for name in ("Ann", "Bob", "Cleo"):
        make(author, name)
    tell(author, "Ann", "email_sent", days=2, campaign={"name": "Q2 intro, Nordics"}, email={"id": "m1"})
    tell(author, "Ann", "link_clicked", email={"id": "m1"})
    tell(author, "Ann", "email_opened", email={"id": "m1"}, automatic=True)
    tell(author, "Bob", "email_bounced")

    page = owner.get("/prospects/")

    assert "Last event" in page.content.decode()
    assert cells(page, 3) == [
        "Clicked a link Q2 intro, Nordics, today",
        "Bounced today",
        "No e-mail yet In no campaign",
    ]


def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(
    owner: Client, author: Author, connection: Connection, django_assert_num_queries: Any
):
    """Nor on what the rows have to tell."""
    make(author, "Ann")
    with CaptureQueriesContext(database) as few:
        owner.get("/prospects/")
    for number in range(9):
        prospect = make(author, f"P{number}")
        tell(author, f"P{number}", "email_sent", campaign={"name": "Q2"}, email={"id": f"m{number}"})
        Link.objects.create(connection=connection, prospect_id=str(prospect.pk), person_id=str(number))

    with django_assert_num_queries(len(few)):
        owner.get("/prospects/")


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ("", ["Ann", "Bob", "Cleo"]), ("nonsense", ["Ann", "Bob", "Cleo"]), ("email_sent", ["Ann", "Bob"]),
        ("email_replied", ["Ann", "Bob"]), ("replied_lately", ["Bob"]), ("unsubscribed", []),
    ],
)  # fmt: skip
def test_prospects_are_found_by_what_happened(owner: Client, author: Author, event: str, found: list[str]):
    for name, days in (("Ann", 8), ("Bob", 6)):
        make(author, name)
        tell(author, name, "email_sent", days=9)
        tell(author, name, "email_replied", days=days)
    make(author, "Cleo")

    page = owner.get(f"/prospects/?event={event}&rows=10")

    assert names(page) == found
    exported = b"".join(owner.get(f"/prospects/prospects.csv?event={event}").streaming_content).decode()  # type: ignore[attr-defined]
    assert [name for name in ("Ann", "Bob", "Cleo") if f"{name.lower()}@" in exported] == found


def test_all_with_an_event_can_be_chosen_at_once(owner: Client, author: Author):
    list_id = create_list(author, "Warm").pk
    for number in range(12):
        make(author, f"P{number}")
        if number % 2:
            tell(author, f"P{number}", "email_opened")
    shown = owner.get("/prospects/?event=email_opened&rows=10").content.decode()
    assert '<input type="hidden" name="event" value="email_opened">' in shown

    owner.post("/prospects/act/", {"all": "1", "event": "email_opened", "add_to": list_id})

    assert ProspectList.objects.get().prospects.count() == 6


def text_of(page: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())


def test_the_head_says_how_many_are_in_pipedrive(owner: Client, author: Author, connection: Connection):
    list_id = create_list(author, "Founders").pk
    people = [make(author, name) for name in ("Ann", "Bob", "Cleo")]
    add_to_list(author, list_id, [people[1].pk, people[2].pk])
    for prospect in people[:2]:
        Link.objects.create(connection=connection, prospect_id=str(prospect.pk), person_id=str(prospect.pk))
    Link.objects.create(connection=connection, prospect_id="999999", person_id="of somebody who was deleted")

    assert "3 prospects, 2 in Pipedrive" in text_of(owner.get("/prospects/"))
    assert "2 prospects, 1 in Pipedrive" in text_of(owner.get(f"/prospects/?list={list_id}"))
    assert "in Pipedrive" not in text_of(owner.get("/prospects/?q=ann")).split("1 prospect", 1)[1][:20]


def test_in_a_large_store_the_head_counts_short_lists_alone(
    owner: Client, author: Author, connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    list_id = create_list(author, "Founders").pk
    people = [make(author, name) for name in ("Ann", "Bob", "Cleo")]
    add_to_list(author, list_id, [people[0].pk])
    monkeypatch.setattr(views, "COUNTED_AMONG", 2)
    monkeypatch.setattr(queries, "FEW", 1)

    assert "1 prospect, 0 in Pipedrive" in text_of(owner.get(f"/prospects/?list={list_id}"))
    everybody = text_of(owner.get("/prospects/"))
    assert "3 prospects " in everybody
    assert "3 prospects," not in everybody
    assert "Not in Pipedrive yet Replied in the last 7 days Unverified e-mail" in everybody


def test_without_pipedrive_the_head_says_how_many_there_are(owner: Client, author: Author):
    make(author, "Ann")

    text = text_of(owner.get("/prospects/"))

    assert "1 prospect " in text
    assert "Not in Pipedrive yet" not in text


def test_views_are_filters_with_their_numbers(owner: Client, author: Author, connection: Connection):
    ann = make(author, "Ann")
    make(author, "Bob", email_status="valid")
    make(author, "Cleo")
    tell(author, "Bob", "email_replied", days=1)
    Link.objects.create(connection=connection, prospect_id=str(ann.pk), person_id="7")

    page = owner.get("/prospects/")
    views = re.findall(
        r'<a href="(/prospects/\?[^"]*)"><span>([^<]*)</span>(?:<span class="n">(\d+))?',
        page.content.decode(),
    )

    assert [(word, number) for _, word, number in views] == [
        ("Not in Pipedrive yet", "2"),
        ("Replied in the last 7 days", "1"),
        ("Unverified e-mail", "2"),
        ("Changed last", ""),
    ]
    shown = [(names(owner.get(address)), address) for address, *_ in views]
    assert [sorted(people) for people, _ in shown] == [
        ["Bob", "Cleo"], ["Bob"], ["Ann", "Cleo"], ["Ann", "Bob", "Cleo"]
    ]  # fmt: skip
    for address, *_ in views:
        assert f'href="{address}" aria-current="page"' in owner.get(address).content.decode()


def test_who_changed_last_comes_first_in_that_view_and_its_column_says_when(owner: Client, author: Author):
    for name in ("Cleo", "Ann", "Bob"):
        make(author, name)

    page = owner.get("/prospects/?sort=-changed")

    assert names(page) == ["Bob", "Ann", "Cleo"]
    assert cells(page, 3) == ["just now"] * 3
    assert names(owner.get(link(page, "sort-changed"))) == ["Cleo", "Ann", "Bob"]


def test_a_name_that_is_markup_stays_text(owner: Client, author: Author):
    prospect = make(
        author, "<script>alert(1)</script>", emails=["x@example.com"], company="<b>", job_title="&"
    )

    for address in ("/prospects/", f"/prospects/{prospect.pk}/", f"/prospects/{prospect.pk}/edit/"):
        assert "<script>alert" not in owner.get(address).content.decode()


# --- Acting on many ---


def test_chosen_prospects_enter_and_leave_a_list(owner: Client, author: Author):
    list_id = create_list(author, "Founders").pk
    ids = [make(author, name).pk for name in ("Ann", "Bob", "Cleo")]

    answer = owner.post("/prospects/act/", {"ids": ids[:2], "add_to": list_id}, follow=True)
    assert "2 prospects added to Founders" in answer.content.decode()
    answer = owner.post("/prospects/act/", {"ids": ids, "list": list_id, "do": "remove"}, follow=True)
    assert "2 prospects removed from Founders" in answer.content.decode()
    assert answer.redirect_chain[-1][0] == f"/prospects/?list={list_id}"
    assert ProspectList.objects.get().prospects.count() == 0


def test_a_move_is_taken_back_exactly(owner: Client, author: Author):
    list_id = create_list(author, "Founders").pk
    ids = [make(author, name).pk for name in ("Ann", "Bob", "Cleo")]
    add_to_list(author, list_id, ids[:1])

    owner.post("/prospects/act/", {"ids": ids, "add_to": list_id})
    assert ProspectList.objects.get().prospects.count() == 3
    answer = owner.post("/prospects/undo/", follow=True)
    assert "2 prospects removed from Founders" in answer.content.decode()
    assert ProspectList.objects.get().prospects.get().pk == ids[0]
    assert "nothing to undo" in owner.post("/prospects/undo/", follow=True).content.decode()


def test_all_that_are_shown_can_be_chosen_at_once(owner: Client, author: Author):
    list_id = create_list(author, "Founders").pk
    for number in range(60):
        make(author, f"P{number}", company="Acme" if number % 2 else "Other")

    owner.post("/prospects/act/", {"all": "1", "q": "acme", "add_to": list_id})

    assert ProspectList.objects.get().prospects.count() == 30


def test_deleting_many_is_asked_first_and_again_when_there_are_more(owner: Client, author: Author):
    ids = [make(author, name).pk for name in ("Ann", "Bob")]

    asked = owner.post("/prospects/act/", {"all": "1", "do": "delete"})
    assert "Delete 2 prospects?" in asked.content.decode()
    assert Prospect.objects.count() == 2
    make(author, "Cleo")
    again = owner.post("/prospects/act/", {"all": "1", "do": "delete", "expected": "2"})
    assert "Delete 3 prospects?" in again.content.decode()
    done = owner.post("/prospects/act/", {"ids": ids, "do": "delete", "expected": "2"}, follow=True)
    assert "2 prospects deleted" in done.content.decode()
    assert Prospect.objects.count() == 1


def test_chosen_prospects_can_begin_a_new_list(owner: Client, author: Author):
    ids = [make(author, name).pk for name in ("Ann", "Bob")]

    asked = owner.post("/prospects/act/", {"ids": ids, "add_to": "new"})
    assert "With the 2 prospects you chose." in asked.content.decode()
    owner.post("/prospects/lists/new/", {"ids": ids, "name": "Fresh"})

    assert ProspectList.objects.get().prospects.count() == 2


def test_chosen_prospects_are_exported_alone(owner: Client, author: Author):
    ids = [make(author, name).pk for name in ("Ann", "Bob")]

    answer = owner.post("/prospects/act/", {"ids": ids[:1], "do": "export"})
    content = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    everybody = b"".join(owner.get("/prospects/prospects.csv").streaming_content).decode()  # type: ignore[attr-defined]

    assert "ann@example.com" in content
    assert "bob@example.com" not in content
    assert "bob@example.com" in everybody


@pytest.mark.parametrize(
    "body",
    [{}, {"ids": ["x", "-1", "9" * 30]}, {"add_to": "1"}, {"all": "1", "q": "nobody"}],
    ids=["nothing", "forged", "no ids", "nobody found"],
)
def test_nobody_chosen_changes_nothing(owner: Client, author: Author, body: dict[str, Any]):
    make(author)

    answer = owner.post("/prospects/act/", {"do": "delete", "expected": "1", **body}, follow=True)

    assert "Nobody was chosen" in answer.content.decode()
    assert Prospect.objects.count() == 1


# --- One prospect ---


def test_prospects_are_synced_now_where_live_sync_is_on(owner: Client, workspace: Workspace, author: Author):
    found = [make(author, name) for name in ("Ann", "Bo")]
    ids = [prospect.pk for prospect in found]
    assert "Sync now" not in owner.get("/prospects/").content.decode()
    answer = owner.post("/prospects/act/", {"ids": ids, "do": "sync"}, follow=True)
    assert "Live sync is not on, so nothing was synced." in answer.content.decode()

    connection = make_connection(workspace)
    assert "Sync now" in owner.get("/prospects/").content.decode()
    answer = owner.post("/prospects/act/", {"ids": ids, "do": "sync"}, follow=True)
    assert "2 prospects are being synced." in answer.content.decode()
    assert 'id="sync-now"' in owner.get(f"/prospects/{ids[0]}/").content.decode()
    answer = owner.post(f"/prospects/{ids[0]}/sync/", follow=True)
    assert "Ann is being synced." in answer.content.decode()
    told = Change.objects.filter(source="asked").order_by("id").values_list("record_id", "actor")
    assert list(told) == [(str(pk), "Alice Lindqvist") for pk in (*ids, ids[0])]

    Connection.objects.filter(pk=connection.pk).update(status="paused")
    assert "Sync now" not in owner.get(f"/prospects/{ids[0]}/").content.decode()
    answer = owner.post(f"/prospects/{ids[0]}/sync/", follow=True)
    assert "Live sync is not on" in answer.content.decode()


def test_only_who_may_edit_has_a_prospect_synced(viewer: Client, stranger: Client, author: Author):
    found = make(author)
    make_connection(Workspace.objects.get(pk=author.workspace_id))
    assert "Sync now" not in viewer.get(f"/prospects/{found.pk}/").content.decode()
    assert viewer.post(f"/prospects/{found.pk}/sync/").status_code == 403
    assert stranger.post(f"/prospects/{found.pk}/sync/").status_code == 404


def test_a_prospect_is_added_by_hand(owner: Client, author: Author):
    create_field(author, "Team size", "number")
    list_id = create_list(author, "Founders").pk
    body = {"emails": "ann@example.com\nb@example.com", "first_name": "Ann", "custom.team_size": "1 200",
            "email_status": "unverified", "list": list_id}  # fmt: skip

    answer = owner.post("/prospects/new/", body, follow=True)

    prospect = Prospect.objects.get()
    assert "Ann added" in answer.content.decode()
    assert [entry["value"] for entry in prospect.emails] == ["ann@example.com", "b@example.com"]
    assert prospect.custom == {"team_size": "1200"}
    assert prospect.lists.get().pk == list_id
    assert prospect.origin == "page"


VALUES = {
    "text": "Hello", "long_text": "one\r\ntwo", "number": "12.5", "money": "12 EUR", "date": "2026-03-31", "time": "09:30",
    "datetime": "2026-07-01T10:00", "date_range": "2026-03-01/2026-03-31", "boolean": "yes", "option": "Blue",
    "options": ["Blue", "Red"], "phone": "112; 113", "email": "x@example.com", "address": "1 Quay\r\nPorto",
    "link": "https://example.com",
}  # fmt: skip
KEPT = {
    "text": "Hello", "long_text": "one\ntwo", "number": "12.5", "money": {"amount": "12", "currency": "EUR"}, "date": "2026-03-31",
    "time": {"at": "09:30:00", "zone": None}, "datetime": "2026-07-01T08:00:00+00:00",
    "date_range": {"start": "2026-03-01", "end": "2026-03-31"}, "boolean": True, "option": "Blue", "options": ["Red", "Blue"],
    "phone": ["112", "113"], "email": ["x@example.com"], "address": {"text": "1 Quay\nPorto", "parts": []}, "link": "https://example.com",
}  # fmt: skip


def shown_in(page: str) -> dict[str, Any]:
    """What a browser would send back from this form, untouched."""
    from html import unescape

    sent: dict[str, Any] = {}
    for name, inner in re.findall(r'<textarea name="([^"]+)"[^>]*>\n?(.*?)</textarea>', page, re.S):
        sent[name] = unescape(inner)
    for name, inner in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'value="([^"]*)"[^>]* selected', inner)
        sent[name] = unescape(chosen[1]) if chosen else ""
    for tag in re.findall(r"<input [^>]*>", page):
        attributes = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        if attributes.get("type") == "checkbox":
            if " checked" in tag:
                sent.setdefault(attributes["name"], []).append(unescape(attributes["value"]))
        elif attributes.get("type") in ("text", "date", "datetime-local"):
            sent[attributes["name"]] = unescape(attributes.get("value", ""))
    return sent


@pytest.mark.parametrize("kind", FieldType)
def test_a_value_of_every_type_is_typed_in_and_stays_when_saved_untouched(
    owner: Client, author: Author, kind: FieldType
):
    options = ["Red", "Blue"] if kind in (FieldType.OPTION, FieldType.OPTIONS) else []
    create_field(author, "Extra", kind.value, options)
    prospect = make(author)
    address = f"/prospects/{prospect.pk}/edit/"

    body = {**shown_in(owner.get(address).content.decode()), "custom.extra": VALUES[kind.value]}
    answer = owner.post(address, body)
    assert answer.status_code == 302, answer.content.decode()
    prospect.refresh_from_db()
    assert prospect.custom == {"extra": KEPT[kind.value]}

    before = prospect.updated_at
    assert owner.post(address, shown_in(owner.get(address).content.decode())).status_code == 302
    prospect.refresh_from_db()
    assert prospect.custom == {"extra": KEPT[kind.value]}
    assert prospect.updated_at == before
    assert owner.get(f"/prospects/{prospect.pk}/").status_code == 200


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"emails": "nobody"}, "not a valid e-mail address"),
        ({"first_name": "x" * 300}, "300 of 255"),
        ({"custom.extra": "many"}, "not a number"),
        ({"emails": "bob@example.com"}, "Bob has the address"),
        ({"emails": "", "first_name": "", "phones": ""}, "needs a name"),
        ({"email_status": "great"}, "not one of the available choices"),
    ],
)
def test_what_does_not_fit_is_said_at_its_place_and_the_page_can_be_mended(
    owner: Client, author: Author, body: dict[str, str], text: str
):
    create_field(author, "Extra", "number")
    make(author, "Bob")
    prospect = make(author, "Ann")
    address = f"/prospects/{prospect.pk}/edit/"
    form = shown_in(owner.get(address).content.decode())

    refused = owner.post(address, {**form, **body})
    assert refused.status_code == 422
    assert text in refused.content.decode()
    assert 'aria-invalid="true"' in refused.content.decode()
    assert Prospect.objects.get(pk=prospect.pk).updated_at == prospect.updated_at
    assert owner.post(address, {**form, "company": "Acme"}).status_code == 302
    assert Prospect.objects.get(pk=prospect.pk).company == "Acme"


def test_two_who_edit_different_fields_do_not_undo_each_other(owner: Client, author: Author):
    prospect = make(author, "Ann", company="Old")
    address = f"/prospects/{prospect.pk}/edit/"
    seen_before = shown_in(owner.get(address).content.decode())
    owner.post(address, {**seen_before, "company": "New"})

    owner.post(address, {**shown_in(owner.get(address).content.decode()), "job_title": "CEO"})

    prospect.refresh_from_db()
    assert (prospect.company, prospect.job_title) == ("New", "CEO")


def test_a_prospect_shows_its_link_its_story_and_its_double(
    owner: Client, author: Author, connection: Connection
):
    prospect = make(author, "Ann")
    double = create_prospect(
        author, {"first_name": "Double", "email": "ann@example.com"}, allow_double=True
    ).prospect
    Link.objects.create(connection=connection, prospect_id=str(prospect.pk), person_id="4182")
    change = {"field": "company", "name": "Company", "kind": "text", "before": "Old", "after": "New"}
    LogEntry.objects.create(
        connection=connection,
        side="pipedrive",
        act="update",
        prospect_id=str(prospect.pk),
        person_id="4182",
        changes=[change],
    )

    page = owner.get(f"/prospects/{prospect.pk}/").content.decode()

    assert f'href="{connection.api_domain}/person/4182"' in page
    assert "Somebody else has the same e-mail address" in page
    assert f"/prospects/{double.pk}/" in page
    assert "Old</del>" in page


def test_a_prospect_is_deleted_after_a_question(owner: Client, author: Author):
    prospect = make(author)

    assert "Delete Ann?" in owner.get(f"/prospects/{prospect.pk}/delete/").content.decode()
    assert Prospect.objects.count() == 1
    owner.post(f"/prospects/{prospect.pk}/delete/")
    assert Prospect.objects.count() == 0


def test_a_prospect_enters_and_leaves_lists_on_its_own_page(owner: Client, author: Author):
    prospect = make(author)
    list_id = create_list(author, "Founders").pk
    address = f"/prospects/{prospect.pk}/lists/"

    owner.post(address, {"add": list_id})
    assert prospect.lists.count() == 1
    owner.post(address, {"remove": list_id})
    assert prospect.lists.count() == 0
    for wrong in ({"add": ""}, {"add": "x"}, {"remove": "987654321"}, {}):
        assert "Choose a list first." in owner.post(address, wrong, follow=True).content.decode()


# --- Lists and fields ---


def test_a_list_is_made_renamed_and_deleted(owner: Client, author: Author):
    owner.post("/prospects/lists/new/", {"name": "Founders"})
    found = ProspectList.objects.get()
    refused = owner.post("/prospects/lists/new/", {"name": "founders"})
    assert refused.status_code == 422
    assert "already" in refused.content.decode()
    owner.post(f"/prospects/lists/{found.pk}/rename/", {"name": "Customers"})
    found.refresh_from_db()
    assert found.name == "Customers"
    add_to_list(author, found.pk, [make(author).pk])
    assert "Its 1 prospect stays" in owner.get(f"/prospects/lists/{found.pk}/delete/").content.decode()
    owner.post(f"/prospects/lists/{found.pk}/delete/")
    assert not ProspectList.objects.exists()
    assert Prospect.objects.count() == 1


def test_deleting_a_list_that_is_synced_warns(owner: Client, author: Author, connection: Connection):
    found = create_list(author, "Founders")
    connection.settings = settings_to_json(Settings(sync_to_list=str(found.pk)))
    connection.save()

    assert "uses this list" in owner.get(f"/prospects/lists/{found.pk}/delete/").content.decode()


def test_fields_are_made_changed_and_deleted(owner: Client, author: Author):
    owner.post("/prospects/fields/", {"name": "Colour", "type": "option", "options": "Red\nBlue\n\n"})
    made = CustomField.objects.get()
    assert made.options == ["Red", "Blue"]
    prospect = make(author, custom={"colour": "Blue"})

    body = {"name": "Tint", "option_0": "Red", "option_1": "Navy", "options": "Green"}
    owner.post("/prospects/fields/colour/", body)
    made.refresh_from_db()
    prospect.refresh_from_db()
    assert (made.name, made.options) == ("Tint", ["Red", "Navy", "Green"])
    assert prospect.custom == {"colour": "Navy"}

    refused = owner.post(
        "/prospects/fields/colour/", {"name": "Tint", "option_0": "Red", "option_1": "", "option_2": "Green"}
    )
    assert refused.status_code == 422
    assert "1 prospect has “Navy”" in refused.content.decode()
    assert "1 prospect loses its value" in owner.get("/prospects/fields/colour/delete/").content.decode()
    owner.post("/prospects/fields/colour/delete/")
    assert not CustomField.objects.exists()


@pytest.mark.parametrize("name", ["", "Company", "Size"])
def test_a_field_that_can_not_be_made_is_said_at_its_place(owner: Client, author: Author, name: str):
    create_field(author, "Size", "number")

    refused = owner.post("/prospects/fields/", {"name": name, "type": "text", "options": ""})

    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.content.decode()
    assert CustomField.objects.count() == 1


# --- Import ---

FILE = "Email,First name,Team size\nann@example.com,Ann,12\nnobody,Bob,3\nann@example.com,Twice,\ncleo@example.com,Cleo,many\n"


def upload(client: Client, content: str | bytes = FILE) -> Any:
    raw = content if isinstance(content, bytes) else content.encode()
    return client.post("/prospects/import/", {"file": SimpleUploadedFile("mine.csv", raw)})


def run_jobs() -> None:
    from datetime import timedelta

    from django.utils import timezone

    for found in Import.objects.filter(state="running"):
        assert not uploads.advance(found.pk, until=timezone.now() + timedelta(minutes=1))


def test_a_file_is_matched_checked_and_imported(owner: Client, author: Author):
    address = upload(owner)["Location"]
    page = owner.get(address).content.decode()
    assert "Import 2 rows" in page
    assert "New field, Number" in page
    assert "Line 3" in page
    assert not Prospect.objects.exists()
    assert not CustomField.objects.exists()

    body = {"column-0": "email", "column-1": "first_name", "column-2": "new:number", "new_list": "Spring"}
    checked = owner.post(address, {**body, "policy": "overwrite"}).content.decode()
    assert "1 value does not fit and stays empty" in checked
    assert not Prospect.objects.exists()

    owner.post(address, {**body, "policy": "overwrite", "start": "1"})
    assert "Importing mine.csv" in owner.get(address).content.decode()
    assert owner.get(f"{address}progress/").status_code == 200
    run_jobs()

    done = owner.get(address).content.decode()
    assert "Import done" in done
    assert "not a valid e-mail address" in done
    assert owner.get(f"{address}progress/")["HX-Redirect"] == address
    assert sorted(Prospect.objects.values_list("first_name", flat=True)) == ["Ann", "Cleo"]
    assert ProspectList.objects.get().prospects.count() == 2
    assert Import.objects.get().counts == {"created": 2, "rejected": 1, "twice": 1}
    rest = b"".join(owner.get(f"{address}problems.csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert "nobody,Bob,3,3," in rest
    assert "cleo@example.com,Cleo,many,5," in rest


def test_mended_rows_can_be_imported_as_they_come(owner: Client, author: Author):
    address = upload(owner)["Location"]
    owner.post(address, {"column-2": "new:number", "policy": "fill", "start": "1"})
    run_jobs()
    rest = b"".join(owner.get(f"{address}problems.csv").streaming_content).decode()  # type: ignore[attr-defined]

    second = upload(owner, rest.replace("nobody", "bob@example.com").replace("many", "7"))["Location"]
    owner.post(second, {"policy": "fill", "start": "1"})
    run_jobs()

    assert {p.first_name: p.custom for p in Prospect.objects.all()} == {
        "Ann": {"team_size": "12"}, "Bob": {"team_size": "3"}, "Cleo": {"team_size": "7"}
    }  # fmt: skip
    assert CustomField.objects.count() == 1


def test_an_import_that_lost_its_worker_goes_on_where_it_was(owner: Client, author: Author):
    from django.utils import timezone

    rows = "".join(f"p{n}@example.com,P{n}\n" for n in range(1200))
    address = upload(owner, "Email,First name\n" + rows + "p1@example.com,Twice\n")["Location"]
    owner.post(address, {"policy": "overwrite", "start": "1"})
    found = Import.objects.get()

    assert uploads.advance(found.pk, until=timezone.now())
    assert Prospect.objects.count() == 500
    run_jobs()

    found.refresh_from_db()
    assert found.counts == {"created": 1200, "twice": 1}
    assert found.state == "done"
    assert bytes(found.content) == b""
    assert Prospect.objects.get(first_name="P1").email == "p1@example.com"


def test_an_import_can_be_stopped(owner: Client, author: Author):
    address = upload(owner)["Location"]
    owner.post(address, {"policy": "fill", "start": "1"})

    owner.post(f"{address}stop/")
    run_jobs()

    assert "The import stopped" in owner.get(address).content.decode()
    assert not Prospect.objects.exists()


def test_an_import_starts_once_however_often_it_is_asked_for(owner: Client, author: Author):
    address = upload(owner)["Location"]
    for _ in range(2):
        owner.post(address, {"policy": "fill", "start": "1"})
    run_jobs()

    assert owner.post(address, {"policy": "fill", "start": "1"}).status_code == 200
    assert Prospect.objects.count() == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"ann@example.com,Ann\n", "does not name the columns"),
        (b"Email\n", "holds no rows"),
        (b"PK\x03\x04rest", "Excel workbook"),
    ],
)
def test_a_file_that_can_not_be_used_is_refused_in_a_sentence(owner: Client, content: bytes, reason: str):
    refused = upload(owner, content)

    assert refused.status_code == 422
    assert reason in refused.content.decode()
    assert not Import.objects.exists()
    assert upload(owner).status_code == 302


def test_no_file_at_all_is_said(owner: Client):
    assert "Choose a file first." in owner.post("/prospects/import/").content.decode()


def test_a_file_read_in_the_wrong_letters_can_be_read_again(owner: Client):
    address = upload(owner, "Name,Email\nЖук,z@example.com\n".encode("cp1251"))["Location"]

    owner.post(address, {"reread": "1", "encoding": "cp1251", "delimiter": ","})

    assert "Жук" in owner.get(address).content.decode()


def test_columns_that_can_not_work_are_marked_and_nothing_starts(owner: Client, author: Author):
    address = upload(owner)["Location"]

    refused = owner.post(
        address, {"column-0": "email", "column-1": "email", "column-2": "skip", "start": "1"}
    )

    assert refused.status_code == 422
    assert "goes there already" in refused.content.decode()
    assert Import.objects.get().state == "uploaded"
    assert "says who it is" in owner.post(address, {f"column-{n}": "skip" for n in range(3)}).content.decode()


# --- Who may ---

READ = ["/prospects/", "/prospects/{id}/", "/prospects/prospects.csv", "/prospects/fields/", "/prospects/import/{run}/progress/"]  # fmt: skip
WRITE = [
    "/prospects/new/", "/prospects/{id}/edit/", "/prospects/{id}/delete/", "/prospects/lists/new/",
    "/prospects/lists/{list}/rename/", "/prospects/lists/{list}/delete/", "/prospects/fields/size/",
    "/prospects/fields/size/delete/", "/prospects/import/", "/prospects/import/{run}/",
]  # fmt: skip
POST_ONLY = ["/prospects/act/", "/prospects/undo/", "/prospects/{id}/lists/", "/prospects/import/{run}/stop/"]


@pytest.fixture
def things(author: Author) -> dict[str, Any]:
    create_field(author, "Size", "number")
    run = uploads.receive(author, "mine.csv", FILE.encode())
    return {"id": make(author).pk, "list": create_list(author, "Founders").pk, "run": run.pk}


@pytest.mark.parametrize("address", [*WRITE, *POST_ONLY])
def test_a_viewer_changes_nothing(viewer: Client, things: dict[str, Any], address: str):
    assert viewer.post(address.format(**things)).status_code == 403
    assert Prospect.objects.count() == ProspectList.objects.count() == CustomField.objects.count() == 1


def test_a_viewer_sees_the_store_without_anything_to_press(viewer: Client, things: dict[str, Any]):
    for address in READ[:4]:
        assert viewer.get(address.format(**things)).status_code == 200
    page = viewer.get("/prospects/").content.decode()
    for word in ("Add prospect", "Import CSV", "New list", 'type="checkbox"'):
        assert word not in page


@pytest.mark.parametrize("address", [a for a in [*READ, *WRITE, *POST_ONLY] if "{" in a or "size" in a])
def test_a_stranger_finds_nothing(stranger: Client, things: dict[str, Any], address: str):
    for method in (stranger.get, stranger.post):
        assert method(address.format(**things)).status_code in (404, 405)
    assert Prospect.objects.count() == ProspectList.objects.count() == CustomField.objects.count() == 1


def test_a_strangers_ids_choose_nobody(stranger: Client, things: dict[str, Any]):
    stranger.post("/prospects/act/", {"ids": [things["id"]], "do": "delete", "expected": "1"})
    stranger.post("/prospects/act/", {"ids": [things["id"]], "add_to": things["list"]})
    stranger.post("/prospects/act/", {"all": "1", "do": "delete", "expected": "1"})

    assert Prospect.objects.count() == 1
    assert ProspectList.objects.get().prospects.count() == 0


@pytest.mark.parametrize("address", [*READ, *WRITE])
def test_who_is_not_signed_in_is_asked_to(client: Client, things: dict[str, Any], address: str):
    assert client.get(address.format(**things))["Location"].startswith("/login/")
