"""The help in a real browser: for a stranger and for a member, by keyboard, with tables and code that scroll inside themselves."""

from playwright.sync_api import expect

from tests.e2e.conftest import SIZES, Visitor
from tidegate.store.models import Connection, Workspace

WIDE_TABLES = """[...document.querySelectorAll(".prose .scroll, .prose pre")].filter(
    (e) => e.scrollWidth > e.clientWidth).length"""


def test_a_stranger_reads_the_help_from_the_sign_in_page(visitor: Visitor, workspace: Workspace) -> None:
    page = visitor.page
    visitor.open("/login/")
    visitor.looks_well("login-with-help")
    visitor.follow(page.get_by_role("contentinfo").get_by_role("link", name="Help"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Help")
    visitor.looks_well("help-stranger")
    visitor.follow(page.get_by_role("link", name="Install"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Install")
    visitor.looks_well("help-install-stranger")


def test_a_member_reads_on_from_guide_to_guide_by_keyboard(visitor: Visitor, connection: Connection) -> None:
    page = visitor.page
    visitor.sign_in()
    visitor.follow(page.get_by_role("link", name="Help"))
    visitor.looks_well("help")
    page.get_by_role("link", name="Automate with campaign events").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/help/automate-with-campaign-events/")
    expect(page.get_by_role("navigation", name="Breadcrumb")).to_contain_text("Automate with campaign events")
    page.locator(".prose").get_by_role("link", name="sync rules").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/help/sync-rules/")
    visitor.looks_well("help-sync-rules")
    chapter = page.get_by_role("navigation", name="On this page").get_by_role("link", name="Undo")
    chapter.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Undo")).to_be_in_viewport()


def test_wide_tables_and_code_scroll_by_keyboard_on_a_phone(visitor: Visitor, workspace: Workspace) -> None:
    page = visitor.page
    for slug in (
        "settings",
        "commands",
        "api",
        "errors",
        "register-the-pipedrive-app",
        "bring-in-campaign-events",
    ):
        visitor.open(f"/help/{slug}/")
        visitor.looks_well(f"help-{slug}")
        page.set_viewport_size(SIZES["phone"])  # type: ignore[arg-type]
        assert page.evaluate(WIDE_TABLES) > 0
    table = page.locator(".prose .scroll").first
    table.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.prose .scroll').scrollLeft > 0")


def test_the_help_needs_no_scripts(visitor_without_scripts: Visitor, workspace: Workspace) -> None:
    visitor, page = visitor_without_scripts, visitor_without_scripts.page
    visitor.open("/help/")
    visitor.follow(page.get_by_role("link", name="Read the log"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Read the log")
    page.get_by_role("navigation", name="On this page").get_by_role("link").last.click()
    assert "#" in page.url
