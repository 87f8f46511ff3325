"""Setting up automations in a browser: the article's chain by pointer, by keyboard alone, without scripts, and its faults."""

from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from tests.builders import make_link
from tests.e2e.conftest import Visitor, apart
from tests.e2e.test_setup_story import focused, tab_to
from tests.integration.web.fake_pipedrive import FakePipedrive
from tests.integration.web.test_automations_at_work import happened, ran, use
from tidegate.core.automation import Action, ActionKind, Automation, Often, Trigger
from tidegate.prospects.models import Prospect, ProspectList
from tidegate.store.models import Connection

CHAIN = Automation(
    Trigger.EMAIL_SENT,
    actions=(
        Action(ActionKind.CREATE_DEAL, "1"),
        Action(ActionKind.MOVE_DEAL_TO_STAGE, "1", "12"),
        Action(ActionKind.ADD_ACTIVITY, subject="Follow up with {first_name}"),
    ),
)


def furnish(connection: Connection) -> None:
    """A list that receives people, and somebody for the examples."""
    founders = ProspectList.objects.create(workspace_id=connection.workspace_id, name="Founders")
    connection.settings |= {"sync_to_list": str(founders.pk)}
    connection.save()
    apart(FakePipedrive().show, connection)
    Prospect.objects.create(
        workspace_id=connection.workspace_id, first_name="Inês", last_name="Carvalho", company="Brightwater"
    )


def furnish_work(connection: Connection) -> Prospect:
    """A linked prospect with events and runs, some of whose actions were not done."""
    furnish(connection)
    prospect = Prospect.objects.get()
    make_link(connection, prospect_id=str(prospect.pk), person_id="17")
    use(connection, CHAIN)
    happened(prospect, "email_sent", days=3)
    happened(prospect, "email_sent", days=2)
    run = ran(connection, prospect_id=str(prospect.pk))
    run.actions.filter(position=0).update(deal_id="77", done_at=timezone.now())
    return prospect


def stored(connection: Connection) -> tuple[Automation, ...]:
    connection.refresh_from_db()
    return connection.get_settings().automations


def sent(page: Page) -> Locator:
    return page.locator("#auto-email_sent")


def test_the_articles_chain_is_set_up(visitor: Visitor, connection: Connection) -> None:
    furnish(connection)
    page = visitor.page
    visitor.sign_in()
    visitor.open(f"/connections/{connection.pk}/setup/automations/")
    visitor.looks_well("setup-automations-none")
    page.get_by_role("switch", name="Run when: Campaign e-mail sent").check()
    expect(sent(page).get_by_text("Choose what Tidegate should do in Pipedrive.")).to_be_visible()
    for action in ("Add an activity", "Create a deal", "Move the deal to a stage"):
        sent(page).locator("summary", has_text="Add a").click()
        sent(page).get_by_role("button", name=action, exact=True).click()
        expect(sent(page).locator(".action-name", has_text=action)).to_be_visible()
    deal, move, activity = (
        sent(page).locator(".action", has_text=name)
        for name in ("Create a deal", "Move the deal to a stage", "Add an activity")
    )
    deal.get_by_label("Pipeline", exact=True).select_option(label="New business")
    move.get_by_label("Pipeline", exact=True).select_option(label="New business")
    move.get_by_label("Stage", exact=True).select_option(label="Contacted")
    activity.get_by_label("Subject").fill("Follow up with {first_name}")
    example = sent(page).locator(".sentence")
    expect(example).to_contain_text("adds the task Follow up with Inês for Maja Lindqvist")
    assert focused(page) == "auto-email_sent-add_activity-subject"  # typing is not interrupted by the example

    # the activity was added first; it goes down to the end, and the focus stays on its arrow
    sent(page).get_by_role("button", name="Move “Add an activity” down").click()
    expect(sent(page).locator(".action").nth(1)).to_contain_text("Add an activity")
    assert focused(page) == "auto-email_sent-add_activity-down"
    page.keyboard.press("Enter")
    expect(sent(page).locator(".action").nth(2)).to_contain_text("Add an activity")
    expect(page.locator("#auto-email_sent-add_activity-up")).to_be_focused()
    expect(example).to_contain_text(
        "is sent to Inês Carvalho, Tidegate creates the deal Inês Carvalho deal in New business, moves it to "
        "Contacted, and adds the task Follow up with Inês for Maja Lindqvist, due the same day."
    )
    visitor.looks_well("setup-automations")
    page.get_by_role("button", name="Continue to review").click()
    expect(page.get_by_text("create a deal in New business, move the deal to Contacted")).to_be_visible()
    visitor.looks_well("setup-review-automations")
    assert stored(connection) == (CHAIN,)


def test_a_missing_stage_is_said_on_top_at_its_place_and_in_the_review(
    visitor: Visitor, connection: Connection
) -> None:
    furnish(connection)
    page = visitor.page
    visitor.sign_in()
    visitor.open(f"/connections/{connection.pk}/setup/automations/")
    replied = page.locator("#auto-email_replied")
    page.get_by_role("switch", name="Run when: E-mail replied").check()
    replied.locator("summary", has_text="Add an action").click()
    replied.get_by_role("button", name="Move the deal to a stage").click()
    replied.get_by_label("Pipeline", exact=True).select_option(label="Partners")
    expect(replied.get_by_label("Stage", exact=True).locator("option")).to_have_text(
        ["Choose a stage", "First talk", "Contract"]
    )
    page.get_by_role("button", name="Continue to review").click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    visitor.faults.clear()  # the browser notes the 422 itself
    visitor.looks_well("setup-automations-missing")
    summary.get_by_role("link", name="E-mail replied: Choose a stage.").click()
    assert focused(page) == "auto-email_replied-move_deal_to_stage-stage"
    page.get_by_role("link", name="Skip", exact=True).click()
    page.get_by_role("list").get_by_role("link", name="E-mail replied: Choose a stage.").click()
    expect(replied.get_by_label("Stage", exact=True)).to_have_attribute("aria-invalid", "true")
    replied.get_by_label("Stage", exact=True).select_option(label="Contract")
    page.get_by_role("button", name="Continue to review").click()
    expect(page.get_by_text("Everything is ready.")).to_be_visible()
    assert stored(connection)[0].actions == (Action(ActionKind.MOVE_DEAL_TO_STAGE, "2", "22"),)


def test_an_automation_is_set_up_by_keyboard_alone(visitor: Visitor, connection: Connection) -> None:
    furnish(connection)
    page = visitor.page
    visitor.sign_in()
    visitor.open(f"/connections/{connection.pk}/setup/automations/")
    tab_to(page, "auto-link_clicked-on")
    page.keyboard.press("Space")
    expect(page.locator("#auto-link_clicked-add")).to_be_visible()
    expect(page.locator("#auto-link_clicked-on")).to_be_focused()
    tab_to(page, "auto-link_clicked-add")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the first: create a deal
    expect(page.locator("#auto-link_clicked-create_deal-pipeline")).to_be_focused()
    page.keyboard.type("Part")
    expect(page.locator("#auto-link_clicked-example")).to_contain_text("in Partners")
    expect(page.locator("#auto-link_clicked-create_deal-pipeline")).to_be_focused()
    tab_to(page, "auto-link_clicked-often")
    page.keyboard.type("For every")
    expect(page.locator("#auto-link_clicked-example")).to_contain_text("Once for each e-mail.")
    page.get_by_role("button", name="Continue to review").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/setup/review/")
    assert stored(connection) == (
        Automation(
            Trigger.LINK_CLICKED, often=Often.EVERY_EMAIL, actions=(Action(ActionKind.CREATE_DEAL, "2"),)
        ),
    )


def test_automations_are_set_up_without_scripts(
    visitor_without_scripts: Visitor, connection: Connection
) -> None:
    furnish(connection)
    visitor, page = visitor_without_scripts, visitor_without_scripts.page
    visitor.sign_in()
    visitor.open(f"/connections/{connection.pk}/setup/automations/")
    sent(page).locator("summary", has_text="Campaign e-mail sent").click()
    sent(page).get_by_role("switch").check()
    for action in ("Create a deal", "Add an activity", "Move the deal to a stage"):
        sent(page).locator("summary", has_text="Add a").click()
        sent(page).get_by_role("button", name=action, exact=True).click()
    deal, move, activity = (
        sent(page).locator(".action", has_text=name)
        for name in ("Create a deal", "Move the deal to a stage", "Add an activity")
    )
    deal.get_by_label("Pipeline", exact=True).select_option(label="New business")
    move.get_by_label("Pipeline", exact=True).select_option(label="New business")
    activity.get_by_label("Subject").fill("Follow up with {first_name}")
    move.get_by_role("button", name="Show its stages").click()
    move.get_by_label("Stage", exact=True).select_option(label="Contacted")
    sent(page).get_by_role("button", name="Move “Move the deal to a stage” up").click()
    page.get_by_role("button", name="Continue to review").click()
    expect(page.get_by_text("Everything is ready.")).to_be_visible()
    assert stored(connection) == (CHAIN,)


def test_automations_follow_the_direction_on_the_settings_page(
    visitor: Visitor, connection: Connection
) -> None:
    furnish(connection)
    page = visitor.page
    visitor.sign_in()
    visitor.open(f"/connections/{connection.pk}/settings/")
    replied = page.locator("#auto-email_replied")
    page.get_by_role("switch", name="Run when: E-mail replied").check()
    replied.locator("summary", has_text="Add an action").click()
    replied.get_by_role("button", name="Add an activity").click()
    replied.get_by_label("Subject").fill("Answer {first_name} at {company}")
    expect(replied.locator(".sentence")).to_contain_text("Answer Inês at Brightwater")
    replied.get_by_label("How often").focus()
    expect(page.get_by_text("1 unsaved change", exact=True)).to_be_visible()
    page.get_by_role("switch", name="Include e-mail history").uncheck()
    expect(page.get_by_label("Opened", exact=True)).to_be_hidden()
    expect(page.get_by_text("2 unsaved changes")).to_be_visible()
    visitor.looks_well("settings-automations")
    page.get_by_label("Only from Pipedrive").check()
    expect(page.get_by_role("heading", name="Automations need data to flow to Pipedrive")).to_be_visible()
    expect(replied).to_be_hidden()
    page.get_by_label("Two-way").check()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    assert stored(connection)[0].actions[0].subject == "Answer {first_name} at {company}"

    visitor.open(f"/connections/{connection.pk}/setup/direction/")
    page.get_by_label("Only from Pipedrive").check()
    page.get_by_role("button", name="Continue to data exchange").click()
    expect(page.get_by_role("heading", name="What should be exchanged?")).to_be_visible()
    visitor.looks_well("setup-data-one-way")
    visitor.open(f"/connections/{connection.pk}/setup/automations/")
    expect(page.get_by_text("The automations you have set up are kept.")).to_be_visible()
    visitor.looks_well("setup-automations-off")


def test_what_automations_did_and_would_have_done_can_be_read_on_every_screen(
    visitor: Visitor, connection: Connection
) -> None:
    prospect = furnish_work(connection)
    page = visitor.page
    visitor.sign_in()
    visitor.open(f"/connections/{connection.pk}/activity/runs/")
    expect(page.locator(".deeds").get_by_text("Not done")).to_be_visible()
    visitor.looks_well("activity-runs")
    page.get_by_label("Event", exact=True).select_option(label="Link clicked")
    expect(page.get_by_text("No run fits")).to_be_visible()
    page.get_by_role("link", name="Clear the filters").click()
    page.get_by_role("link", name="Try on last month").click()
    expect(page.get_by_text("It happened before with this e-mail.")).to_be_visible()
    visitor.looks_well("automations-simulation")
    page.get_by_role("link", name="Doubles").click()
    expect(page.locator("tbody").get_by_role("link", name="Inês Carvalho")).to_have_count(1)
    visitor.open(f"/prospects/{prospect.pk}/")
    expect(page.get_by_role("link", name="Deal 77")).to_be_visible()
    visitor.looks_well("prospect-automations")


def test_a_prospect_is_tried_by_keyboard_and_nothing_is_saved(
    visitor: Visitor, connection: Connection
) -> None:
    furnish(connection)
    use(connection, CHAIN)
    page = visitor.page
    visitor.sign_in()
    visitor.open(f"/connections/{connection.pk}/settings/")
    field = page.get_by_label("Prospect", exact=True)
    field.fill("nobody@elsewhere.example")
    field.press("Enter")
    expect(page.get_by_text("No prospect has this e-mail address or name.")).to_be_visible()
    expect(page.get_by_label("Prospect", exact=True)).to_be_focused()
    page.get_by_label("Prospect", exact=True).fill("")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Enter the e-mail address or the name of a prospect.")).to_be_visible()
    visitor.looks_well("automations-try")
    assert stored(connection) == (CHAIN,)
