"""The prospect store in a real browser: its pages look well, and each way through works with and without scripts."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tests.builders import make_person
from tests.e2e.conftest import Visitor, apart
from tidegate import cli
from tidegate.core.connection import Status
from tidegate.prospects.events.recording import Telling, record_events
from tidegate.prospects.importing import uploads
from tidegate.prospects.models import FieldType, Import, Prospect
from tidegate.prospects.services import Author, create_field, create_list, create_prospect, upsert_prospects
from tidegate.store.models import Attention, Connection, Link, LogEntry, Workspace

SAMPLE = Path(cli.__file__).parent / "sample" / "prospects.csv"


@pytest.fixture
def author(workspace: Workspace) -> Author:
    return Author(workspace.pk, "Alice", "page")


def furnish(author: Author) -> Prospect:
    """Sixty people in a list, and one with a value of every type."""
    list_id = create_list(author, "Nordic SaaS founders").pk
    for kind in FieldType:
        options = ["Red", "Blue"] if kind in (FieldType.OPTION, FieldType.OPTIONS) else []
        create_field(author, f"A {kind.label}", kind.value, options)
    people = [
        {
            "email": f"p{n}@a-rather-long-name-of-a-company.example.com",
            "first_name": f"Pat{n:02}",
            "list_ids": [list_id],
        }
        for n in range(60)
    ]
    upsert_prospects(author, people)
    custom = {"a_number": 5, "a_link": "https://example.com", "a_multiple_options": ["Red"]}
    raw = {
        "email": "ines.carvalho@brightwater.example",
        "first_name": "Inês",
        "last_name": "Carvalho",
        "job_title": "Head of Operations",
        "company": "Brightwater Lda",
        "custom": custom,
    }
    ines = create_prospect(author, raw, list_ids=[list_id]).prospect
    happened = [
        "email_sent",
        "email_opened",
        "link_clicked",
        "email_replied",
        "email_bounced",
        "unsubscribed",
    ]
    record_events(author, [Telling(event(n, kind)) for n, kind in enumerate(happened)], source="import")
    return ines


def event(number: int, kind: str) -> dict[str, object]:
    """What the person of this number did, as many days ago, in a campaign with a name of some length."""
    address = f"p{number}@a-rather-long-name-of-a-company.example.com"
    at = (timezone.now() - timedelta(days=number)).isoformat()
    campaign = {"name": "Q2 introduction, Nordic founders and their boards"}
    return {"key": kind, "type": kind, "at": at, "prospect": {"email": address}, "campaign": campaign}


def link_up(prospect: Prospect, connection: Connection) -> None:
    Link.objects.create(
        connection=connection, prospect_id=str(prospect.pk), person_id="4182", written_at=timezone.now()
    )
    other = Prospect.objects.exclude(pk=prospect.pk).order_by("name_key").first()
    assert other is not None
    Attention.objects.create(
        connection=connection, kind="ambiguous", prospect_id=str(other.pk), message="2 people share it."
    )
    make_person(connection.lane, 4182, "Inês Carvalho", organization="Brightwater Lda")
    change = {"field": "company", "name": "Company", "kind": "text", "before": "Old", "after": "New"}
    LogEntry.objects.create(
        connection=connection,
        side="pipedrive",
        act="update",
        prospect_id=str(prospect.pk),
        person_id="4182",
        changes=[change],
    )


def run_imports() -> None:
    for found in Import.objects.filter(state="running"):
        uploads.advance(found.pk, until=timezone.now() + timedelta(minutes=1))


def test_an_empty_store_looks_well(visitor: Visitor, workspace: Workspace) -> None:
    visitor.sign_in()
    visitor.open("/prospects/")
    visitor.looks_well("prospects-empty")


def test_an_empty_store_beside_pipedrive_offers_a_transfer(visitor: Visitor, connection: Connection) -> None:
    visitor.sign_in()
    visitor.open("/prospects/")
    visitor.looks_well("prospects-empty-connected")
    visitor.follow(visitor.page.get_by_role("link", name="Transfer from Pipedrive"))
    assert f"/connections/{connection.pk}/transfers/" in visitor.page.url


def test_a_new_list_is_begun_on_a_phone(visitor: Visitor, workspace: Workspace) -> None:
    visitor.sign_in()
    visitor.page.set_viewport_size({"width": 375, "height": 812})
    visitor.open("/prospects/")
    visitor.page.get_by_text("More for prospects").locator("..").click()
    visitor.follow(visitor.page.get_by_role("link", name="New list"))
    assert visitor.page.url.endswith("/prospects/lists/new/")


def test_the_pages_of_the_store_look_well(visitor: Visitor, author: Author, connection: Connection) -> None:
    prospect = apart(furnish, author)
    apart(link_up, prospect, connection)
    apart(create_list, author, "Webinar sign-ups, March")
    connection.status = Status.ACTIVE
    connection.save()
    visitor.sign_in()
    for name, path in {
        "prospects": "/prospects/?rows=10",
        "prospects-changed": "/prospects/?rows=10&sort=-changed",
        "prospects-event": "/prospects/?event=email_replied",
        "prospects-nobody": "/prospects/?q=zzz",
        "prospect": f"/prospects/{prospect.pk}/",
        "prospect-edit": f"/prospects/{prospect.pk}/edit/",
        "prospect-new": "/prospects/new/",
        "prospect-delete": f"/prospects/{prospect.pk}/delete/",
        "prospect-fields": "/prospects/fields/",
        "prospect-field": "/prospects/fields/a_single_option/",
        "list-new": "/prospects/lists/new/",
        "import-file": "/prospects/import/",
    }.items():
        visitor.open(path)
        visitor.looks_well(name)
    visitor.open(f"/prospects/?rows=10&list={prospect.lists.get().pk}")
    for name in ("Pat00", "Pat02", "Pat03"):
        visitor.page.get_by_role("row", name=name).get_by_role("checkbox").check()
    visitor.looks_well("prospects-bulk")


def test_people_are_found_ticked_and_moved(visitor: Visitor, author: Author) -> None:
    apart(furnish, author)
    apart(create_list, author, "Old customers")
    visitor.sign_in()
    visitor.open("/prospects/?rows=10")
    page = visitor.page

    page.locator("#page-next").click()
    page.get_by_text("11 to 20 of 61").wait_for()
    page.locator("#rows-50").click()
    page.get_by_text("1 to 50 of 61").wait_for()
    page.locator("#rows-10").click()
    page.get_by_text("1 to 10 of 61").wait_for()
    page.locator("#sort-name").click()
    page.get_by_role("row", name="Pat59").wait_for()
    page.locator("#prospect-search").fill("pat0")
    page.get_by_text("1 to 10 of 10").wait_for()
    assert "q=pat0&" in f"{page.url}&"
    assert page.locator("tbody th").first.inner_text().startswith("Pat09"), "the order stays"
    page.locator("#tick-all").check()
    assert page.locator("#ticked").inner_text() == "10 selected"
    visitor.looks_well("prospects-ticked")
    page.get_by_text("Add to list").click()
    page.get_by_role("button", name="Old customers").click()
    page.get_by_text("10 prospects added to Old customers").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("10 prospects removed from Old customers").wait_for()


def test_the_filter_of_events_changes_table_head_and_views_in_place(
    visitor: Visitor, author: Author, connection: Connection
) -> None:
    apart(furnish, author)
    visitor.sign_in()
    visitor.open("/prospects/")
    page = visitor.page

    page.get_by_text("61 prospects, 0 in Pipedrive").wait_for()
    page.get_by_label("Event", exact=True).select_option("replied_lately")
    page.get_by_text("1 to 1 of 1").wait_for()
    page.get_by_text("1 prospect", exact=True).wait_for()
    chosen = page.locator("#prospects-lists [aria-current=page]")
    assert chosen.inner_text().startswith("Replied in the last 7 days")
    assert "event=replied_lately" in page.url

    page.get_by_role("link", name="Changed last").click()
    page.locator("#sort-changed").wait_for()
    page.locator("#sort-name").click()
    page.get_by_role("columnheader", name="Last event").wait_for()
    page.locator("#prospects-lists [aria-current=page]", has_text="All prospects").wait_for()


def test_a_prospect_is_edited_with_what_does_not_fit_said_at_its_place(
    visitor: Visitor, author: Author
) -> None:
    prospect = apart(furnish, author)
    visitor.sign_in()
    visitor.open(f"/prospects/{prospect.pk}/edit/")
    page = visitor.page

    page.get_by_label("A Number").fill("many")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="“many” is not a number").wait_for()
    visitor.faults.clear()  # the browser notes the 422 itself
    visitor.looks_well("prospect-edit-wrong")
    page.get_by_label("A Number").fill("7")
    page.get_by_label("A Date and time").fill("2026-07-01T10:00")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("1 July 2026, 10:00").wait_for()


def test_a_file_is_imported(visitor: Visitor, author: Author) -> None:
    visitor.sign_in()
    visitor.open("/prospects/import/")
    page = visitor.page
    page.locator("#file").set_input_files(SAMPLE)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Import 500 rows").wait_for()
    visitor.looks_well("import-columns")

    page.locator("#column-1").select_option("first_name")
    page.get_by_text("“First name” goes there already.").wait_for()
    visitor.looks_well("import-columns-wrong")
    page.locator("#column-1").select_option("last_name")
    page.get_by_role("button", name="Import 500 rows").wait_for()
    page.locator("#import-new-list").fill("Everybody")
    page.get_by_role("button", name="Import 500 rows").click()
    page.get_by_text("You can leave this page").wait_for()
    visitor.looks_well("import-running")
    apart(run_imports)
    page.get_by_role("heading", name="Import done").wait_for()
    visitor.looks_well("import-done")
    page.get_by_role("link", name="Show prospects").click()
    page.get_by_text("1 to 50 of 500").wait_for()


def test_a_check_says_what_is_new_known_twice_and_wrong_and_what_live_sync_will_take(
    visitor: Visitor, author: Author, connection: Connection, tmp_path: Path
) -> None:
    visitor.sign_in()
    connection.status, connection.launched_at = Status.ACTIVE, timezone.now()
    connection.save()
    apart(create_prospect, author, {"email": "aino@lumipuu.example", "first_name": "Aino"})
    file = tmp_path / "nordics-may.csv"
    file.write_text(
        "email,first,last,company,employees,fax\n"
        "aino@lumipuu.example,Aino,Virtanen,Lumipuu Oy,about 40,1\n"
        "bjorn.dahl@kajplats.example,Björn,Dahl,Kajplats AB,12,2\n"
        "bjorn.dahl@kajplats.example,Björn,Dahl,Kajplats AB,12,3\n"
        "not an address,Nobody,At All,,7,4\n"
    )
    visitor.open("/prospects/import/")
    page = visitor.page
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("employees").select_option("Team size")
    page.get_by_text("Live sync is active").wait_for()
    visitor.looks_well("import-check")
    page.get_by_text("Twice in the file, first one counts").wait_for()


def test_all_of_it_works_without_scripts(visitor_without_scripts: Visitor, author: Author) -> None:
    apart(furnish, author)
    apart(create_list, author, "Old customers")
    visitor = visitor_without_scripts
    visitor.sign_in()
    visitor.open("/prospects/?rows=10")
    page = visitor.page

    page.locator("#page-next").click()
    page.get_by_text("11 to 20 of 61").wait_for()
    page.locator("#sort-name").click()
    page.locator("#prospect-search").fill("pat0")
    page.keyboard.press("Enter")
    page.get_by_text("1 to 10 of 10").wait_for()
    page.locator("tbody input.box").first.check()
    page.get_by_text("Add to list").click()
    page.get_by_role("button", name="Old customers").click()
    page.get_by_text("1 prospect added to Old customers").wait_for()
    visitor.open("/prospects/import/")
    page.locator("#file").set_input_files(SAMPLE)
    page.get_by_role("button", name="Continue").click()
    page.locator("#column-15").select_option("skip")
    page.get_by_role("button", name="Import 500 rows").click()
    page.get_by_text("You can leave this page").wait_for()
    apart(run_imports)
    page.get_by_role("link", name="Show how far it is").click()
    page.get_by_role("heading", name="Import done").wait_for()
