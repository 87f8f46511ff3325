"""Bringing in a colleague, in two real browsers: invited, joined, given another role, removed; also without scripts."""

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from tests.e2e.conftest import PATIENCE, SIZES, Visitor, apart
from tidegate.config import config
from tidegate.store.models import Membership, Workspace

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_colleague_is_invited_joins_and_is_removed(
    visitor: Visitor, browser: Browser, live_server: LiveServer, workspace: Workspace
) -> None:
    visitor.sign_in()
    page = visitor.page
    page.get_by_text("Alice", exact=True).click()
    page.get_by_role("link", name="Members").click()
    page.get_by_label("E-mail address", exact=True).fill("dora")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_text("Enter a full address")).to_be_visible()
    expect(page.get_by_label("E-mail address", exact=True)).to_be_focused()
    visitor.looks_well("members-wrong-address")
    visitor.faults.clear()  # the browser notes the 422 itself
    page.get_by_label("E-mail address", exact=True).fill("dora@northlight.example")
    page.get_by_label("Role", exact=True).select_option("Viewer")
    page.get_by_role("button", name="Invite").press("Enter")
    link = page.get_by_role("region", name="Link of the invitation").inner_text()
    visitor.looks_well("members-invited")

    context = browser.new_context(viewport=SIZES["wide"])  # type: ignore[arg-type]
    dora = Visitor(context.new_page(), live_server.url)
    dora.page.set_default_timeout(PATIENCE)
    dora.open(link.strip().removeprefix(config.public_url))
    dora.looks_well("join")
    dora.page.get_by_label("Your name").fill("Dora Ferreira")
    dora.page.get_by_label("Password", exact=True).fill("short")
    dora.page.get_by_role("button", name="Create account and join").click()
    expect(dora.page.locator("#error-summary")).to_be_focused()
    dora.looks_well("join-wrong")
    dora.faults.clear()
    dora.page.get_by_label("Password", exact=True).fill("nine-lives-and-a-cat")
    dora.page.get_by_role("button", name="Create account and join").click()
    dora.page.wait_for_url("**/integrations/")
    dora.open("/members/")
    expect(dora.page.get_by_role("button", name="Invite")).to_have_count(0)
    dora.looks_well("members-viewer")

    visitor.open("/members/")
    page.get_by_label("Role of Dora Ferreira").select_option("Admin")
    page.get_by_role("button", name="Change the role of Dora Ferreira").click()
    expect(page.get_by_text("Dora Ferreira has the role Admin now.")).to_be_visible()
    visitor.looks_well("members")
    page.get_by_role("link", name="Audit log").click()
    expect(
        page.get_by_role("rowheader", name="Alice changed the role of dora@northlight.example")
    ).to_be_visible()
    visitor.looks_well("audit-log")
    page.get_by_role("navigation", name="Member views").get_by_role("link", name="Members").click()
    visitor.follow(page.get_by_role("link", name="Remove… Dora Ferreira"))
    visitor.looks_well("member-remove")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Dora Ferreira is no longer a member.")).to_be_visible()
    dora.open("/members/")
    expect(dora.page.get_by_text("You are not a member of a workspace yet")).to_be_visible()
    context.close()
    assert apart(lambda: Membership.objects.get().user.name) == "Alice"


def test_each_way_an_invitation_can_meet_somebody_is_accessible(
    visitor: Visitor, workspace: Workspace
) -> None:
    visitor.open("/join/forged/")
    visitor.faults.clear()  # the browser notes the 404 itself
    visitor.looks_well("join-over")
    visitor.sign_in()
    visitor.open("/members/")
    page = visitor.page
    page.get_by_label("E-mail address", exact=True).fill("dora@northlight.example")
    page.get_by_role("button", name="Invite").click()
    link = page.get_by_role("region", name="Link of the invitation").inner_text()
    visitor.open(link.strip().removeprefix(config.public_url))
    expect(page.get_by_role("heading", name="You are signed in with another address")).to_be_visible()
    visitor.looks_well("join-other-address")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Create account and join")).to_be_visible()


def test_without_scripts_everything_is_there(visitor_without_scripts: Visitor, workspace: Workspace) -> None:
    visitor = visitor_without_scripts
    visitor.sign_in()
    visitor.open("/members/")
    page = visitor.page
    page.get_by_label("E-mail address", exact=True).fill("dora@northlight.example")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_role("region", name="Link of the invitation")).to_contain_text("/join/")
    page.get_by_role("button", name="Withdraw dora@northlight.example").click()
    expect(page.get_by_text("Its link works no more.")).to_be_visible()
