"""Somebody new before the running demo: sign in, connect at the sandbox, launch, transfer, edit in both apps.

Real processes and nothing faked between the browser and the sandbox, so that addresses, cookies and policies have to
fit together across two servers.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import PATIENCE, SIZES, Visitor
from tests.processes.demo import Demo, eventually, running_demo


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running_demo() as running:
        yield running


@pytest.fixture
def newcomer(browser: Browser, demo: Demo) -> Iterator[Visitor]:
    context = browser.new_context(viewport=SIZES["wide"])  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    visitor = Visitor(page, demo.facts["web_url"])
    yield visitor
    context.close()
    assert not visitor.faults, visitor.faults


def test_from_the_sign_in_to_two_apps_in_step(newcomer: Visitor, demo: Demo) -> None:
    page = newcomer.page
    sign_in(newcomer, demo)
    connect(newcomer)
    launch(page)
    page.get_by_role("link", name="Set up a transfer").click()
    page.get_by_label("To Pipedrive", exact=True).check()
    page.get_by_role("button", name="Start the transfer").click()
    expect(page.get_by_role("heading", name="Transferred to Pipedrive")).to_be_visible(timeout=240_000)
    connection_id = demo.get("/connections")["data"][0]["id"]
    eventually(
        lambda: demo.get(f"/connections/{connection_id}/health")["waiting"] == 0, "nothing waits", seconds=120
    )

    entry = demo.get(f"/connections/{connection_id}/log", limit=1)["data"][0]
    person, prospect = entry["person_id"], entry["prospect_id"]
    edit_in_the_sandbox(page, demo, person, "Ingrid")
    eventually(lambda: demo.get(f"/prospects/{prospect}")["first_name"] == "Ingrid", "the edit came over")
    newcomer.open(f"/prospects/{prospect}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ingrid")

    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("First name").fill("Astrid")
    page.get_by_role("button", name="Save").click()
    eventually(lambda: name_in_pipedrive(demo, person) == "Astrid", "the edit went over")
    page.goto(f"{demo.facts['sandbox_url']}/people/{person}")
    expect(page.get_by_label("First name")).to_have_value("Astrid")
    expect(page.get_by_text("Changed by: Tidegate")).to_be_visible()


def test_refusing_at_the_consent_page_leads_back_with_a_word(newcomer: Visitor, demo: Demo) -> None:
    sign_in(newcomer, demo)
    newcomer.open("/integrations/connect/pipedrive/")
    newcomer.page.get_by_role("button", name="Connect").click()
    newcomer.page.get_by_role("button", name="Choose account").click()
    newcomer.page.get_by_role("button", name="Refuse").click()
    newcomer.page.wait_for_url(f"{demo.facts['web_url']}/**")
    expect(newcomer.page.get_by_role("main")).to_contain_text("You did not agree")
    newcomer.faults.clear()  # the browser notes the answer's status itself


def test_a_deal_is_dragged_to_another_stage(newcomer: Visitor, demo: Demo) -> None:
    page = newcomer.page
    deal = demo.pipedrive.get("/api/v2/deals", params={"status": "open", "limit": 1}).json()["data"][0]
    page.goto(f"{demo.facts['sandbox_url']}/deals?pipeline={deal['pipeline_id']}")
    card = page.locator(".deal", has_text=deal["title"]).first
    target = page.locator(f".column:not([data-stage='{deal['stage_id']}'])").last

    with page.expect_navigation():
        drag(page, card, target)

    moved = demo.pipedrive.get(f"/api/v2/deals/{deal['id']}").json()["data"]
    assert str(moved["stage_id"]) == target.get_attribute("data-stage")


def test_a_deal_is_moved_by_keyboard_alone(newcomer: Visitor, demo: Demo) -> None:
    deal, stage = deal_and_another_stage(demo)
    page = newcomer.page
    page.goto(f"{demo.facts['sandbox_url']}/deals?pipeline={deal['pipeline_id']}")

    page.get_by_label(f"Move or end {deal['title']}").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type(stage["name"])
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")

    assert demo.pipedrive.get(f"/api/v2/deals/{deal['id']}").json()["data"]["stage_id"] == stage["id"]


def test_a_deal_is_moved_and_a_person_changed_without_scripts(browser: Browser, demo: Demo) -> None:
    deal, stage = deal_and_another_stage(demo)
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{demo.facts['sandbox_url']}/deals?pipeline={deal['pipeline_id']}")
        card = page.locator(".deal", has_text=deal["title"]).first
        card.get_by_text("Move or end").click()
        card.get_by_label(f"Stage of {deal['title']}").select_option(stage["name"])
        card.get_by_role("button", name="Move", exact=True).click()
        expect(page.get_by_label(stage["name"], exact=True)).to_contain_text(deal["title"])

        page.goto(f"{demo.facts['sandbox_url']}/people/2")
        page.get_by_label("Last name").fill("Plain")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_label("Last name")).to_have_value("Plain")

    assert demo.pipedrive.get(f"/api/v2/deals/{deal['id']}").json()["data"]["stage_id"] == stage["id"]


@pytest.mark.parametrize(
    "path", ["deals", "people", "people/1", "activities", "organizations/1", "deliveries", "calls"]
)
def test_the_sandboxs_pages_fit_every_screen_and_axe_finds_nothing(
    newcomer: Visitor, demo: Demo, path: str
) -> None:
    newcomer.page.goto(f"{demo.facts['sandbox_url']}/{path}")
    newcomer.looks_well("sandbox-" + path.replace("/", "-"))


# --- what the story is told with


def deal_and_another_stage(demo: Demo) -> tuple[dict[str, Any], dict[str, Any]]:
    """An open deal, and the last stage of its pipeline that it is not in."""
    deal = demo.pipedrive.get("/api/v2/deals", params={"status": "open", "limit": 1}).json()["data"][0]
    stages = demo.pipedrive.get("/api/v2/stages", params={"pipeline_id": deal["pipeline_id"]}).json()["data"]
    return deal, [stage for stage in stages if stage["id"] != deal["stage_id"]][-1]


def drag(page: Page, card: Locator, column: Locator) -> None:
    """Sideways, so that nothing has to scroll under the mouse: columns are equally high."""
    card.scroll_into_view_if_needed()
    start, end = card.bounding_box(), column.bounding_box()
    assert start and end
    height = start["y"] + start["height"] / 2
    page.mouse.move(start["x"] + start["width"] / 2, height)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, height, steps=5)
    page.mouse.up()


def sign_in(visitor: Visitor, demo: Demo) -> None:
    visitor.open("/")
    visitor.page.get_by_label("E-mail address").fill(demo.facts["owner_email"])
    visitor.page.get_by_label("Password", exact=True).fill(demo.facts["owner_password"])
    visitor.page.get_by_role("button", name="Sign in").click()
    expect(visitor.page).not_to_have_url(re.compile("/login/"))


def connect(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("link", name="Connect", exact=True).click()
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("heading", name="Choose an account")).to_be_visible()
    visitor.looks_well("sandbox-accounts")
    page.get_by_role("button", name="Choose account").click()
    expect(page.get_by_text("contacts:full", exact=True)).to_be_visible()
    visitor.looks_well("sandbox-consent")
    page.get_by_role("button", name="Allow and install").click()
    expect(page.get_by_role("heading", name="Pipedrive is connected")).to_be_visible()


def launch(page: Page) -> None:
    """Through the steps with what they propose; the receiving list alone has to be chosen."""
    launched = page.get_by_role("button", name="Launch")
    onward = page.get_by_role("link", name="Continue to").or_(page.get_by_role("button", name="Continue to"))
    while True:
        expect(onward.or_(launched).first).to_be_visible()
        if launched.is_visible():
            break
        if page.get_by_label("Sync to list").is_visible():
            page.get_by_label("Sync to list").select_option(index=1)
        before = page.url
        onward.first.click()
        expect(page).not_to_have_url(before)
    launched.click()
    expect(page.get_by_role("dialog", name="Bring over what you already have?")).to_be_visible()


def edit_in_the_sandbox(page: Page, demo: Demo, person: str, first_name: str) -> None:
    page.goto(f"{demo.facts['sandbox_url']}/people/{person}")
    page.get_by_label("First name").fill(first_name)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()


def name_in_pipedrive(demo: Demo, person: str) -> str:
    return str(demo.pipedrive.get(f"/api/v2/persons/{person}").json()["data"]["first_name"])
