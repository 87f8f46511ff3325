"""A campaign's day before the running demo: a chain is set up by hand, an event comes in through the API, the pages tell of it,
and in the end the deal stands on the sandbox's board in the chosen stage, with its activity on the person's page.

Real processes from the browser to the sandbox; the event goes the way every program's does.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import PATIENCE, SIZES, Visitor
from tests.e2e.test_first_day import launch, sign_in
from tests.processes.demo import Demo, connect_by_oauth, eventually, running_demo

NAME = "Inês Carvalho"
ADDRESS = "ines.carvalho@brightwater.example"


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


def test_a_sent_e_mail_ends_as_a_deal_on_the_board_and_a_task_on_the_person(
    member: Visitor, demo: Demo
) -> None:
    page = member.page
    connection = connect_by_oauth(demo)
    prospect = demo.post("/prospects", {"first_name": "Inês", "last_name": "Carvalho", "email": ADDRESS})[
        "id"
    ]
    sign_in(member, demo)
    member.open(f"/connections/{connection}/setup/automations/")
    pipeline, stage = chosen_place(demo, connection)
    set_up_the_chain(page, pipeline["name"], stage["name"])
    try_it_with_her(page, pipeline["name"], stage["name"])
    page.get_by_role("button", name="Continue to review").click()
    member.open(f"/connections/{connection}/setup/direction/")
    launch(page)

    tell(demo, "sent-1", "email_sent")
    run = eventually(lambda: finished_run(demo, connection), "the automation ran", seconds=120)
    assert [action["outcome"] for action in run["actions"]] == ["performed"] * 3, run
    tell(demo, "sent-1", "email_sent")  # told twice
    tell(demo, "opened-1", "email_opened")

    eventually(lambda: logged(demo, connection), "the e-mail is logged", seconds=120)
    assert len(deals_of(demo, run["person_id"])) == 1
    member.open(f"/connections/{connection}/activity/runs/")
    row = page.get_by_role("row", name=NAME)
    expect(row).to_have_count(1)
    expect(row.get_by_text("Done")).to_have_count(3)
    member.looks_well("activity-runs")
    member.open(f"/prospects/{prospect}/")
    expect(page.get_by_role("link", name=f"Deal {run['actions'][0]['deal_id']}")).to_be_visible()
    expect(page.get_by_text("Logged in Pipedrive, done activity")).to_be_visible()
    member.looks_well("prospect-automations")
    member.open(f"/connections/{connection}/automations/simulation/")
    expect(page.get_by_role("row", name="Campaign e-mail sent").first).to_be_visible()
    member.looks_well("automations-simulation")
    card = on_the_board(page, demo, pipeline, stage)
    card.get_by_role("link", name=f"{NAME} deal").click()
    expect(page.get_by_text("Follow up with Inês about Q2 intro")).to_be_visible()
    expect(on_the_board(page, demo, pipeline, stage)).to_be_visible()
    member.pictured("campaign-day-on-the-board")


# --- what the story is told with


def on_the_board(page: Page, demo: Demo, pipeline: dict[str, Any], stage: dict[str, Any]) -> Locator:
    """Her one deal in the chosen stage, as the sandbox's board shows it."""
    page.goto(f"{demo.facts['sandbox_url']}/deals?pipeline={pipeline['id']}")
    column = page.locator(f".column[data-stage='{stage['id']}']")
    card = column.locator(".deal", has_text=f"{NAME} deal")
    expect(card).to_have_count(1)
    return card


def chosen_place(demo: Demo, connection: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first pipeline and its second stage: not the one in which deals begin."""
    pipeline = demo.get(f"/connections/{connection}/catalogue")["pipedrive"]["pipelines"][0]
    return pipeline, sorted(pipeline["stages"], key=lambda stage: int(stage["order"]))[1]


def set_up_the_chain(page: Page, pipeline: str, stage: str) -> None:
    sent = page.locator("#auto-email_sent")
    page.get_by_role("switch", name="Run when: Campaign e-mail sent").check()
    for action in ("Create a deal", "Move the deal to a stage", "Add an activity"):
        sent.locator("summary", has_text="Add a").click()
        sent.get_by_role("button", name=action, exact=True).click()
        expect(sent.locator(".action-name", has_text=action)).to_be_visible()
    sent.locator("#auto-email_sent-create_deal-pipeline").select_option(label=pipeline)
    expect(sent.locator(".sentence")).to_contain_text(f"in {pipeline}")
    sent.locator("#auto-email_sent-move_deal_to_stage-pipeline").select_option(label=pipeline)
    sent.get_by_label("Stage", exact=True).select_option(label=stage)
    expect(sent.locator(".sentence")).to_contain_text(f"moves it to {stage}")
    sent.get_by_label("Subject").fill("Follow up with {first_name} about {campaign}")
    expect(sent.locator(".sentence")).to_contain_text("Follow up with")


def try_it_with_her(page: Page, pipeline: str, stage: str) -> None:
    """By Enter in the field, which must not save the form."""
    page.get_by_label("Prospect", exact=True).fill(ADDRESS)
    page.get_by_label("Prospect", exact=True).press("Enter")
    outcome = page.locator("#automations-try")
    expect(outcome).to_contain_text(f"“{NAME} deal” in “{pipeline}”")
    expect(outcome).to_contain_text(f"“{NAME} deal” to “{stage}”")


def tell(demo: Demo, key: str, kind: str) -> None:
    event = {
        "key": key,
        "type": kind,
        "at": datetime.now(UTC).isoformat() if key not in TOLD else TOLD[key],
        "prospect": {"email": ADDRESS},
        "campaign": {"name": "Q2 intro"},
        "email": {"id": "mail-1", "subject": "How Polarnote cut onboarding time", "html": "<p>Hi Inês</p>"},
    }
    TOLD[key] = event["at"]
    answer = demo.post("/campaign-events", {"items": [event]})["data"][0]
    assert answer["outcome"] in ("created", "unchanged"), answer


TOLD: dict[str, Any] = {}
"""Key -> when it happened, so that an event that is told again is the same."""


def finished_run(demo: Demo, connection: str) -> dict[str, Any] | None:
    runs: list[dict[str, Any]] = demo.get(f"/connections/{connection}/automation-runs")["data"]
    return runs[0] if runs and runs[0]["finished_at"] else None


def logged(demo: Demo, connection: str) -> bool:
    """Whether the campaign e-mail stands in Pipedrive: what happens to it later is folded for a while."""
    lines = demo.get(f"/connections/{connection}/log", limit=50)["data"]
    return any(line["cause"] == "history" and line["act"] == "create" for line in lines)


def deals_of(demo: Demo, person: str) -> list[dict[str, Any]]:
    answer = demo.pipedrive.get("/api/v2/deals", params={"person_id": person})
    found: list[dict[str, Any]] = answer.json()["data"]
    return found
