"""The page of the e-mail service providers: addresses made, seen, renewed and removed by those who may; the last event."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from tests.integration.web.provider_payloads import INES, RESEND_KEY
from tidegate.adapters.mail_providers.providers import PROVIDERS
from tidegate.prospects.services import Author, create_prospect
from tidegate.store.models import MailProvider, Workspace
from tidegate.web.mail_providers.words import HOW_TO
from tidegate.wiring.mail_providers import add_mail_provider, addresses_of

pytestmark = pytest.mark.django_db

PAGE = "/integrations/mail-providers/"


def shown(client: Client, path: str = PAGE) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def deliver_opening(row: MailProvider, recipient: str = INES) -> int:
    path = urlsplit(addresses_of(row)["tracking"]).path
    at = (timezone.now() - timedelta(minutes=2)).isoformat()
    body = {"RecordType": "Open", "Recipient": recipient, "ReceivedAt": at, "MessageID": "x"}
    return Client().post(path, body, content_type="application/json").status_code


def test_every_provider_is_offered_with_words_that_name_its_addresses(owner: Client) -> None:
    assert HOW_TO.keys() == PROVIDERS.keys()
    for name, provider in PROVIDERS.items():
        assert f'<option value="{name}">' in shown(owner)
        words = HOW_TO[name]
        assert "address for events" in str(words.events)
        assert bool(words.replies) == ("inbound" in provider.views)
        assert bool(words.key) == (provider.signing is not None)


def test_an_address_is_made_and_seen_with_how_to_enter_it(owner: Client, workspace: Workspace) -> None:
    made = owner.post(f"{PAGE}add/", {"provider": "postmark"}, follow=True).content.decode()
    row = MailProvider.objects.get(workspace=workspace)
    for address in addresses_of(row).values():
        assert address in made
    assert "Enter it there" in made
    assert "None came yet" in made
    assert "How to set up Postmark" in made
    assert owner.get(PAGE)["Cache-Control"].startswith("max-age=0, no-cache, no-store")


def test_an_unknown_provider_is_told_at_its_place(owner: Client) -> None:
    answer = owner.post(f"{PAGE}add/", {"provider": "sendmail"})
    assert answer.status_code == 422
    assert "Choose a provider from the list." in answer.content.decode()
    assert not MailProvider.objects.exists()


def test_the_signing_key_is_entered_afterwards_and_never_shown(owner: Client, workspace: Workspace) -> None:
    row = add_mail_provider(workspace, "resend", actor="Alice")
    assert "Waits for its key" in shown(owner)
    wrong = owner.post(f"{PAGE}{row.pk}/key/", {"signing_key": "whsec_"})
    assert wrong.status_code == 422
    assert "This is no signing secret of Resend" in wrong.content.decode()

    entered = owner.post(f"{PAGE}{row.pk}/key/", {"signing_key": f" {RESEND_KEY} "}, follow=True)
    page = entered.content.decode()
    assert "Waits for its key" not in page
    assert "Another signing secret" in page
    assert RESEND_KEY not in page


def test_an_address_is_renewed_after_a_question_and_the_one_before_is_refused(
    owner: Client, workspace: Workspace
) -> None:
    row = add_mail_provider(workspace, "postmark", actor="Alice")
    before = addresses_of(row)["tracking"]
    assert "stops working at once" in shown(owner, f"{PAGE}{row.pk}/renew/")
    row.refresh_from_db()
    assert addresses_of(row)["tracking"] == before

    page = owner.post(f"{PAGE}{row.pk}/renew/", follow=True).content.decode()
    row.refresh_from_db()
    assert addresses_of(row)["tracking"] in page
    assert before not in page
    assert Client().post(urlsplit(before).path, {}, content_type="application/json").status_code == 401


def test_it_is_removed_after_a_question(owner: Client, workspace: Workspace) -> None:
    row = add_mail_provider(workspace, "brevo", actor="Alice")
    assert "Remove Brevo?" in shown(owner, f"{PAGE}{row.pk}/remove/")
    assert MailProvider.objects.exists()
    assert "Brevo is removed." in owner.post(f"{PAGE}{row.pk}/remove/", follow=True).content.decode()
    assert not MailProvider.objects.exists()


def test_an_address_of_before_is_said_to_need_renewing(owner: Client, workspace: Workspace) -> None:
    add_mail_provider(workspace, "postmark", actor="Alice")
    MailProvider.objects.update(secret=None)
    assert "made before it could be shown again" in shown(owner)


def test_the_last_event_is_told_with_who_told_it(owner: Client, workspace: Workspace) -> None:
    create_prospect(Author(workspace.pk, "Alice", "api"), {"email": INES})
    row = add_mail_provider(workspace, "postmark", actor="Alice")
    add_mail_provider(workspace, "amazon_ses", actor="Alice")
    assert "Last event" not in shown(owner, "/integrations/")
    assert deliver_opening(row) == 200

    card = shown(owner, "/integrations/")
    assert "Comes in from Postmark and Amazon SES and over the API" in card
    assert "Last event" in card
    assert "E-mail opened," in card
    assert "from Postmark" in card
    page = shown(owner)
    assert "Delivers" in page
    assert "Nothing yet" in page


def test_a_refused_delivery_is_shown_until_one_is_taken(owner: Client, workspace: Workspace) -> None:
    row = add_mail_provider(workspace, "postmark", actor="Alice")
    path = urlsplit(addresses_of(row)["tracking"]).path
    assert Client().post(path, b"{", content_type="application/json").status_code == 400
    assert "The body is not a delivery of Postmark." in shown(owner)
    assert deliver_opening(row) == 200
    assert "not taken" not in shown(owner)


def test_an_event_that_could_not_be_taken_is_shown_with_its_reason(
    owner: Client, workspace: Workspace
) -> None:
    row = add_mail_provider(workspace, "postmark", actor="Alice")
    assert deliver_opening(row) == 200
    assert "left out" not in shown(owner)

    assert deliver_opening(row, "<b>nobody</b>") == 200
    assert deliver_opening(row) == 200

    page = shown(owner)
    assert "An event was left out" in page
    assert "Opened, &lt;b&gt;nobody&lt;/b&gt;" in page
    assert "prospect.email: “&lt;b&gt;nobody&lt;/b&gt;”" in page
    assert "The other events of the same delivery were taken." in page


def test_a_viewer_sees_who_delivers_and_no_secret(viewer: Client, workspace: Workspace) -> None:
    row = add_mail_provider(workspace, "postmark", actor="Alice")
    page = shown(viewer)
    assert "Postmark" in page
    assert "/hooks/esp/" not in page
    assert "Add a provider" not in page
    for path in ("add/", f"{row.pk}/key/", f"{row.pk}/renew/", f"{row.pk}/remove/"):
        assert viewer.post(PAGE + path, {"provider": "brevo"}).status_code == 403
    assert list(MailProvider.objects.all()) == [row]


def test_another_workspaces_provider_does_not_exist(stranger: Client, workspace: Workspace) -> None:
    row = add_mail_provider(workspace, "postmark", actor="Alice")
    assert "Postmark</h2>" not in shown(stranger)
    for path in ("key/", "renew/", "remove/"):
        assert stranger.post(f"{PAGE}{row.pk}/{path}").status_code == 404
    assert MailProvider.objects.count() == 1
