"""ADR 18: every text goes through a translation function. In a language that puts each text in brackets, all that stands outside is data."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.builders import (
    field_change,
    make_attention,
    make_log_entry,
    make_person,
    make_prospect,
    make_transfer,
    make_transfer_record,
)
from tests.languages import CODE, bracketed, unbracketed
from tidegate.core.brakes import Brake, Tally
from tidegate.core.connection import Reason, Status
from tidegate.core.settings import NO_ADDRESS
from tidegate.errors import Refused
from tidegate.ports import Example, Stopped
from tidegate.prospects.models import Prospect
from tidegate.services.brakes import MESSAGES
from tidegate.services.questions import OTHERS_IN_STEP
from tidegate.services.troubles import CURES, INVALID
from tidegate.store.halts import keep_halt
from tidegate.store.models import Connection, LogEntry, Transfer, Workspace
from tidegate.store.schema_watch import CURE
from tidegate.web.help.guides import BY_SLUG
from tidegate.web.help.rendering import page_of

pytestmark = pytest.mark.django_db

DATA = {
    "Pipedrive", "Tidegate", "Tidegate Prospects", "Northlight Studio", "Northlight", "northlight", "pipedrive.com",
    "Alice Lindqvist", "Signe Aaltonen", "Signe", "Aaltonen", "Maja Lindqvist", "Tomás Ferreira", "CTO", "AL", "SA", "Pd",
    "Industry", "Lead source", "Met on", "Source", "Team size", "Website", "Software", "Retail", "Energy",
    "Email", "Job title", "Organization, name", "Lite", "Growth", "Premium", "Ultimate",
    "Amazon SES", "Brevo", "MailerSend", "Mailgun", "Mailjet", "Postmark", "Resend", "SendGrid", "SparkPost",
    "prospects:write", "connections:write", "events:write", "admin", "read",
}  # fmt: skip
"""Names: of people, companies, products, of the fields of this account, and what programs are told by."""
SHOWN = ("aria-label", "title", "placeholder", "alt", "data-label")
SILENT = {"script", "style", "svg", "pre", "code", "time"}


class Texts(HTMLParser):
    """What a reader sees or hears of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in SHOWN]
        if tag in SILENT:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.found.append(data)


@pytest.fixture(autouse=True)
def language(settings: Any) -> Iterator[None]:
    settings.LANGUAGES = [("en", "English"), (CODE, "Bracketed")]
    with bracketed():
        yield


def outside(client: Client, address: str) -> set[str]:
    """The words of a page that no translation function has seen."""
    answer = client.get(address, headers={"accept-language": CODE})
    assert answer.status_code == 200, address
    page = Texts()
    page.feed(answer.content.decode())
    texts = re.sub(r"\S+@\S+", "", "\n".join(page.found))
    for datum in sorted(DATA, key=len, reverse=True):
        texts = texts.replace(datum, "")
    return set(re.findall(r"[^\W\d_]{2,}.*", unbracketed(texts)))


REFUSED = "Rank: too long: 300 of 255 characters."
HIDDEN = "Pipedrive does not show person 21: deleted, merged away or not visible to the user."


@pytest.fixture
def signe(workspace: Workspace) -> Prospect:
    return make_prospect(workspace)


@pytest.fixture
def told(connection: Connection, signe: Prospect) -> Connection:
    """Where the engine has had its say: a failed connection, a log of all sorts, a case, a transfer that left somebody out."""
    facts = {"reason": Reason.INCOMPLETE, "reason_text": "Choose at least one list to sync from."}
    Connection.objects.filter(pk=connection.pk).update(
        status=Status.FAILED, launched_at=timezone.now(), **facts
    )
    about: dict[str, Any] = {"prospect_id": str(signe.pk), "cause_text": "Edited by Alice Lindqvist"}
    make_log_entry(
        connection, message="Changed in the outreach app.", changes=[field_change("First name")], **about
    )
    make_log_entry(connection, act="skip", message=NO_ADDRESS, cause_text="Found by the regular check")
    make_log_entry(connection, act="fail", message=REFUSED, cause_text="Retried")
    deed = "Create a deal: There is no open deal of this person."
    make_log_entry(
        connection, act="skip", cause="automation", cause_text="E-mail opened, Northlight", message=deed
    )
    cure = f"{CURES[INVALID]} {OTHERS_IN_STEP}"
    make_attention(
        connection, message=REFUSED, cure=cure, prospect_id=str(signe.pk), record_name="Signe Aaltonen"
    )
    return connection


@pytest.fixture
def transfer(told: Connection) -> Transfer:
    found = make_transfer(told, state="done", total=2, skipped=1, failed=1, created_by="Alice Lindqvist")
    make_transfer_record(found, outcome="skipped", name="Signe Aaltonen", reason=NO_ADDRESS)
    make_transfer_record(found, outcome="failed", name="Signe Aaltonen", reason=HIDDEN)
    return found


@pytest.mark.parametrize(
    "name",
    [
        "overview",
        "activity",
        "attention",
        "activity-runs",
        "settings",
        "limits",
        "sameness",
        "transfers",
        "automations-simulation",
    ],
)
def test_pages_of_a_connection_are_translated_throughout(owner: Client, told: Connection, name: str) -> None:
    assert outside(owner, reverse(name, args=[told.pk])) == set()


@pytest.mark.parametrize(
    "name",
    [
        "prospects",
        "prospect-new",
        "prospect-fields",
        "prospects-import",
        "list-new",
        "integrations",
        "members",
        "audit-log",
        "api-keys",
        "mail-providers",
    ],
)
def test_pages_of_a_workspace_are_translated_throughout(owner: Client, told: Connection, name: str) -> None:
    assert outside(owner, reverse(name)) == set()


def test_pages_of_one_prospect_are_translated_throughout(
    owner: Client, told: Connection, signe: Prospect
) -> None:
    assert outside(owner, reverse("prospect", args=[signe.pk])) == set()
    assert outside(owner, reverse("prospect-edit", args=[signe.pk])) == set()


def test_the_report_of_a_transfer_is_translated_throughout(owner: Client, transfer: Transfer) -> None:
    assert outside(owner, reverse("transfer", args=[transfer.connection_id, transfer.pk])) == set()


def test_the_preview_of_a_transfer_is_translated_throughout(owner: Client, told: Connection) -> None:
    preview = make_transfer(told, state="ready", total=1, skipped=1, planned={"persons_created": 0})
    make_transfer_record(preview, outcome="skipped", name="Signe Aaltonen", reason=NO_ADDRESS)

    assert outside(owner, reverse("transfer", args=[told.pk, preview.pk])) == set()


def test_the_steps_of_the_set_up_are_translated_throughout(owner: Client, told: Connection) -> None:
    for step in ("connected", "direction", "data", "constants", "automations", "review", "launched"):
        assert outside(owner, reverse(f"setup-{step}", args=[told.pk])) == set(), step


def test_the_story_of_each_record_is_translated_throughout(owner: Client, told: Connection) -> None:
    for entry in LogEntry.objects.filter(connection=told):
        assert outside(owner, reverse("activity-record", args=[told.pk, entry.pk])) == set(), entry.message


def test_every_kind_of_case_is_translated_throughout(owner: Client, told: Connection) -> None:
    for person_id in (31, 32):
        make_person(told.lane, person_id, "Signe Aaltonen")
    choice = {"candidates": ["31", "32"], "candidates_side": "pipedrive"}
    several = "2 persons have the same e-mail address."
    make_attention(
        told,
        "ambiguous",
        record_name="Signe",
        message=several,
        cure="Choose the right one, or merge them where they are.",
        facts=choice,
    )
    settings = "Link clicked: Choose a pipeline."
    make_attention(told, "mapping", record_name="Settings", prospect_id="", message=settings, cure=CURE)

    assert outside(owner, reverse("attention", args=[told.pk])) == set()


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("running", ""),
        ("paused", "Pipedrive took too long to answer; this is tried again by itself."),
        ("failed", f"{Refused.words} It was imported."),
    ],
)
def test_a_transfer_is_translated_throughout_at_each_stage(
    owner: Client, told: Connection, state: str, text: str
) -> None:
    found = make_transfer(
        told, state=state, state_text=text, total=3, updated=1, created_by="Alice Lindqvist"
    )
    make_transfer_record(found, outcome="updated", name="Signe Aaltonen", changes=[field_change()])
    Connection.objects.filter(pk=told.pk).update(status=Status.SYNCING, before_syncing=Status.ACTIVE)

    assert outside(owner, reverse("transfer", args=[told.pk, found.pk])) == set()
    assert outside(owner, reverse("overview", args=[told.pk])) == set()


def test_what_the_brakes_stopped_is_translated_throughout(owner: Client, told: Connection) -> None:
    change = field_change("Position", "CTO", "CTO")
    example = Example("Signe Aaltonen", "update", "pipedrive", "1", "7", (change,))
    stopped = Stopped(Brake.SHARE, MESSAGES[Brake.SHARE], Tally(updated=420), 1000, 431, examples=(example,))
    Connection.objects.filter(pk=told.pk).update(status=Status.ACTIVE)
    keep_halt(str(told.pk), stopped)

    for name in ("overview", "stopped"):
        assert outside(owner, reverse(name, args=[told.pk])) == set()


def test_an_error_of_the_engine_is_translated_in_a_form(owner: Client, told: Connection) -> None:
    answer = owner.post(reverse("list-new"), {"name": " "}, headers={"accept-language": CODE}, follow=True)

    assert "⟦A list needs a name.⟧" in answer.content.decode()


def test_the_api_answers_in_english_whatever_the_browser_asks_for(client: Client) -> None:
    answer = client.get("/api/v1/connections", headers={"accept-language": CODE})

    assert answer.json()["detail"] == "Send an API key in the header: Authorization: Bearer <key>."


def test_only_languages_with_a_catalogue_are_offered(settings: Any, owner: Client) -> None:
    settings.LANGUAGES = [("en", "English")]

    answer = owner.get(reverse("prospects"), headers={"accept-language": "de, fr;q=0.8"})

    assert '<html lang="en"' in answer.content.decode()


def test_the_help_is_translated_around_its_guides_which_are_english(owner: Client, told: Connection) -> None:
    titles = {page_of(slug).title.replace("Pipedrive", "") for slug in BY_SLUG}
    assert outside(owner, reverse("help")) == titles
    around = outside(owner, reverse("help-guide", args=["errors"])) & {"Help", "On this page", "Breadcrumb"}
    assert around == set()
