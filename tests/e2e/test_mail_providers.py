"""The page of the e-mail service providers in a real browser, also without scripts."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Visitor, apart
from tests.integration.web.provider_payloads import RESEND_KEY
from tidegate.store.models import MailProvider, Workspace
from tidegate.wiring.mail_providers import add_mail_provider, addresses_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_provider_is_added_keyed_renewed_and_removed(visitor: Visitor, workspace: Workspace) -> None:
    visitor.sign_in()
    page = visitor.page
    page.get_by_role("link", name="E-mail providers").click()
    expect(page.get_by_role("heading", name="No provider delivers here yet")).to_be_visible()
    visitor.looks_well("mail-providers-none")

    page.get_by_label("Provider", exact=True).select_option("Resend")
    page.get_by_role("button", name="Make an address").click()
    expect(page.get_by_text("Waits for its key")).to_be_visible()
    expect(page.get_by_role("region", name="Address for events, Resend")).to_contain_text("/resend/tracking/")
    apart(add_mail_provider, workspace, "postmark", actor="Alice")
    page.reload()
    visitor.looks_well("mail-providers")

    page.get_by_label("Its signing secret").fill("whsec_")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_text("This is no signing secret of Resend")).to_be_visible()
    expect(page.get_by_label("Its signing secret")).to_be_focused()
    visitor.looks_well("mail-providers-wrong-key")
    visitor.faults.clear()  # the browser notes the 422 itself
    page.get_by_label("Its signing secret").fill(RESEND_KEY)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Deliveries of Resend are taken from now on.")).to_be_visible()

    before = apart(lambda: addresses_of(MailProvider.objects.get(provider="resend"))["tracking"])
    visitor.follow(page.get_by_role("link", name="Renew address… Resend"))
    visitor.looks_well("mail-provider-renew")
    page.get_by_role("button", name="Renew address").click()
    expect(page.get_by_text("Resend has another address.")).to_be_visible()
    expect(page.get_by_role("region", name="Address for events, Resend")).not_to_contain_text(before)

    page.get_by_role("link", name="Remove… Resend").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Resend is removed.")).to_be_visible()
    assert apart(lambda: MailProvider.objects.get().provider) == "postmark"


def test_without_scripts_everything_is_there(visitor_without_scripts: Visitor, workspace: Workspace) -> None:
    visitor = visitor_without_scripts
    visitor.sign_in()
    visitor.open("/integrations/mail-providers/")
    page = visitor.page
    page.get_by_label("Provider", exact=True).select_option("SendGrid")
    page.get_by_role("button", name="Make an address").click()
    expect(page.get_by_role("region", name="Address for replies, SendGrid")).to_be_visible()
    page.get_by_role("link", name="Remove… SendGrid").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("SendGrid is removed.")).to_be_visible()
