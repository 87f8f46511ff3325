"""The page of the API keys in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Visitor
from tidegate.store.models import Workspace

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_key_is_made_and_revoked(visitor: Visitor, workspace: Workspace) -> None:
    visitor.sign_in()
    page = visitor.page
    visitor.open("/api-keys/")
    page.get_by_role("button", name="Make key").click()
    expect(page.locator("#error-summary")).to_be_focused()
    visitor.looks_well("api-keys-wrong")
    visitor.faults.clear()  # the browser notes the 422 itself
    page.get_by_label("Name", exact=True).fill("Feed of the outreach app")
    page.get_by_label("Change lists, fields and prospects (prospects:write)").check()
    page.get_by_role("button", name="Make key").click()
    expect(page.get_by_role("region", name="The new key")).to_contain_text("tg_")
    visitor.looks_well("api-keys-made")
    visitor.follow(page.get_by_role("link", name="Revoke… Feed of the outreach app"))
    visitor.looks_well("api-key-revoke")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("is revoked.")).to_be_visible()


def test_without_scripts_a_key_is_made(visitor_without_scripts: Visitor, workspace: Workspace) -> None:
    visitor = visitor_without_scripts
    visitor.sign_in()
    visitor.open("/api-keys/")
    visitor.page.get_by_label("Name", exact=True).fill("Feed")
    visitor.page.get_by_label("Read everything (read)").check()
    visitor.page.get_by_role("button", name="Make key").click()
    expect(visitor.page.get_by_role("region", name="The new key")).to_contain_text("tg_")
