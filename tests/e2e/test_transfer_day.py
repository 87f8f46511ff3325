"""A transfer before the running demo: chosen, previewed, started, paused, continued, reported and undone in the browser, with a
real worker writing to the sandbox all the while.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE, SIZES, Visitor
from tests.e2e.test_first_day import sign_in
from tests.processes.demo import Demo, connect_by_oauth, eventually, running_demo

PEOPLE = 460
"""More than two pages, the first of which is written slowly: there is time to press a button."""
LONG = 240_000
"""Milliseconds for what a worker has to do meanwhile."""


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running_demo() as running:
        yield running


@pytest.fixture
def member(browser: Browser, demo: Demo) -> Iterator[Visitor]:
    context = browser.new_context(viewport=SIZES["wide"])  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    visitor = Visitor(page, demo.facts["web_url"])
    yield visitor
    context.close()
    assert not visitor.faults, visitor.faults


def test_a_transfer_is_previewed_run_with_a_pause_reported_and_undone(member: Visitor, demo: Demo) -> None:
    page = member.page
    connection = launched(demo)
    before = everyone(demo)
    sign_in(member, demo)
    member.open(f"/connections/{connection}/transfers/")
    page.get_by_label("To Pipedrive", exact=True).check()
    expect(page.get_by_text(f"{PEOPLE} prospects from the list “Fair”")).to_be_visible()

    page.get_by_role("button", name="Preview the transfer").click()
    expect(page.get_by_role("button", name="Start transfer")).to_be_visible(timeout=LONG)
    expect(figure(page, "Create")).to_have_text("456")
    expect(figure(page, "Conflict")).to_have_text("2")
    expect(figure(page, "Skip")).to_have_text("1")
    expect(
        page.get_by_text("Add one, or switch off “Only sync prospects with an e-mail address”.")
    ).to_be_visible()
    assert everyone(demo) == before, "a preview writes nothing"
    member.looks_well("day-transfer-1-preview")
    page.get_by_role("link", name="Conflict").click()
    expect(page.locator("#records")).to_contain_text("fair0@fair.example")
    expect(page.locator("#records del").first).to_have_text("Guest")
    page.get_by_role("link", name="Change choices").click()
    expect(page.get_by_label("To Pipedrive", exact=True)).to_be_checked()
    page.go_back()

    demo.faults(kind="latency", calls="POST /api/v2/persons", seconds=2, times=260)
    page.get_by_role("button", name="Start transfer").click()
    expect(page.get_by_role("heading", name="Transferring to Pipedrive")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text(re.compile("Paused .* by "))).to_be_visible()
    member.looks_well("day-transfer-2-paused")
    held = newest(demo, connection)
    assert (held["state"], held["done"] < PEOPLE) == ("paused", True)
    eventually(
        lambda: len(everyone(demo)) - len(before) == newest(demo, connection)["created"],
        "all that was written is counted",
    )
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("heading", name="Transferred to Pipedrive")).to_be_visible(timeout=LONG)
    expect(figure(page, "Created")).to_have_text("456")
    expect(page.get_by_text("conflicts decided")).to_be_visible()
    assert len(everyone(demo)) == len(before) + 456
    assert not [name for name in everyone(demo).values() if name.endswith("Guest")], "the source app won"
    member.looks_well("day-transfer-3-report")

    page.get_by_role("button", name="Undo transfer").click()
    dialog = page.get_by_role("dialog", name="Undo this transfer?")
    dialog.get_by_label("Also delete the people and organizations it created in Pipedrive").check()
    dialog.get_by_role("button", name="Preview undo").click()
    number = page.get_by_label(re.compile("the number of records, to confirm"))
    expect(number).to_be_visible(timeout=LONG)
    member.looks_well("day-transfer-4-undo-preview")
    told = page.get_by_text(re.compile(r"Type \d+, the number")).inner_text()
    number.fill(re.findall(r"\d+", told)[0])
    page.locator("#preview-start").click()
    expect(page.get_by_role("heading", name="The transfer was undone")).to_be_visible(timeout=LONG)
    assert everyone(demo) == before, "as if nothing had been"
    member.looks_well("day-transfer-5-undo-report")


def launched(demo: Demo) -> str:
    """A connection that takes people from the list “Fair”: new ones, two who are known under another name, one who is the
    same already, and one without an address.
    """
    fair = demo.post("/lists", {"name": "Fair"})["id"]
    items = [{**person(number), "list_ids": [fair]} for number in range(PEOPLE - 1)]
    nobody = {"first_name": "Nora", "last_name": "Nil", "company": "Fair company 1", "list_ids": [fair]}
    demo.post("/prospects/bulk", {"items": [*items, nobody]})
    for number, last_name in ((0, "Guest"), (1, "Guest"), (2, "Visitor")):
        known = person(number)
        body = {
            "first_name": known["first_name"],
            "last_name": last_name,
            "emails": [{"value": known["email"], "primary": True}],
        }
        demo.pipedrive.post("/api/v2/persons", json=body).raise_for_status()
    connection = connect_by_oauth(demo)
    receiving = demo.post("/lists", {"name": "From Pipedrive"})["id"]
    demo.patch(f"/connections/{connection}", {"sync_to_list": receiving, "sync_from_lists": [fair]})
    demo.post(f"/connections/{connection}/launch")
    health = f"/connections/{connection}/health"
    eventually(lambda: demo.get(health)["checked_at"], "the first look at Pipedrive")
    return connection


def person(number: int) -> dict[str, Any]:
    return {
        "email": f"fair{number}@fair.example",
        "first_name": f"Fair{number}",
        "last_name": "Visitor",
        **({} if number < 3 else {"company": f"Fair company {number % 9}"}),
    }


def everyone(demo: Demo) -> dict[int, str]:
    """Id -> name of every person in the sandbox."""
    return {found["id"]: found["name"] for found in demo.persons()}


def newest(demo: Demo, connection: str) -> dict[str, Any]:
    """The transfer that was begun last."""
    return dict(demo.get(f"/connections/{connection}/transfers")["data"][0])


def figure(page: Page, name: str) -> Any:
    """The number under this word among the page's figures."""
    return page.locator(".tally > *", has=page.locator(".lbl", has_text=re.compile(f"^{name}$"))).locator("b")
