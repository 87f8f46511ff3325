"""The audit log: every deed is in it with who did it and what it changed, no secret is, and neither stays without the other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from tests.builders import make_member, make_transfer
from tests.integration.api import test_real_actions
from tests.integration.api.conftest import Caller
from tests.integration.web.provider_payloads import RESEND_KEY
from tidegate.core.brakes import Brake, Tally
from tidegate.core.catalogue import PipedriveCatalogue
from tidegate.ports import Account, Stopped
from tidegate.store.audit import Act
from tidegate.store.halts import keep_halt
from tidegate.store.keys import make_api_key, revoke_api_key
from tidegate.store.models import (
    ApiKey,
    AuditEntry,
    Connection,
    Halt,
    Invitation,
    MailProvider,
    Membership,
    Role,
    Transfer,
    Workspace,
)
from tidegate.wiring import connecting

DORA = {"email": "dora@northlight.example", "role": "viewer"}
PASSWORD = "nine-lives-and-a-cat"
TOKEN = "a-personal-token-of-pipedrive"
KEY = "API key “test”"

ready, there = test_real_actions.ready, test_real_actions.there


def told(caller: Caller, act: Act) -> tuple[str, str, dict[str, Any], dict[str, Any]]:
    """Who, to what, from what, to what: of the newest deed of this kind."""
    newest = caller.ok("GET", f"/audit-log?act={act}")["data"][0]
    return newest["actor"], newest["subject"], newest["before"], newest["after"]


@pytest.fixture
def _pipedrive_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account("9", "Northlight", "northlight", "11", "Maja Lindqvist", "maja@northlight.example")
    found = connecting.Found("https://northlight.pipedrive.com", account, PipedriveCatalogue(), {})
    monkeypatch.setattr(connecting, "run", lambda *_: found)


@pytest.mark.usefixtures("_pipedrive_answers")
def test_connecting_and_disconnecting_are_told(alice: Caller, workspace: Workspace) -> None:
    facts = {"company_domain": "northlight", "api_token": TOKEN}
    made = alice.ok("POST", "/connections", facts, status=201)
    assert told(alice, Act.CONNECTED) == (KEY, "Northlight", {}, {"by": "personal token"})
    alice.ok("POST", "/connections", facts)
    assert told(alice, Act.RECONNECTED) == (KEY, "Northlight", {}, {"by": "personal token"})
    alice.ok("DELETE", f"/connections/{made['id']}?delete_history=true", status=204)
    assert told(alice, Act.DISCONNECTED) == (KEY, "Northlight", {}, {"history": "deleted"})
    assert TOKEN not in str(list(AuditEntry.objects.values()))


def test_settings_are_told_by_what_changed(alice: Caller, ready: Connection) -> None:
    path = f"/connections/{ready.pk}"
    alice.ok("PATCH", path, {"only_with_email": False})
    who, what, before, after = told(alice, Act.SETTINGS_SAVED)
    assert (who, what) == (KEY, ready.company_name)
    assert (before, after) == ({"only_with_email": True}, {"only_with_email": False})
    alice.ok("PATCH", path, {"only_with_email": False})
    alice.problem(409, "PATCH", path, {"version": 1, "only_with_email": True})
    assert (
        AuditEntry.objects.filter(act=Act.SETTINGS_SAVED).count() == 1
    )  # what changes nothing, or is refused, is not told


def test_the_status_of_a_connection_is_told(alice: Caller, ready: Connection) -> None:
    path = f"/connections/{ready.pk}"
    for deed in ("launch", "pause", "resume"):
        alice.ok("POST", f"{path}/{deed}")
    for word in ("confirm", "drop"):
        keep_halt(str(ready.pk), Stopped(Brake.EMPTIED, "Many.", Tally(emptied=1), 9, 1, 0, ()))
        alice.ok("POST", f"/halts/{Halt.objects.get(decided_at=None).pk}/{word}")
    acts = [
        Act.LAUNCHED,
        Act.PAUSED,
        Act.RESUMED,
        Act.HALT_CONFIRMED,
        Act.RESUMED,
        Act.HALT_DROPPED,
        Act.RESUMED,
    ]
    deeds = AuditEntry.objects.exclude(act=Act.API_KEY_MADE).order_by("pk")
    assert list(deeds.values_list("act", flat=True)) == acts
    assert told(alice, Act.HALT_DROPPED) == (KEY, ready.company_name, {}, {"brake": "emptied"})


def test_whom_a_member_has_unsubscribed_is_told_by_their_number(alice: Caller, ready: Connection) -> None:
    alice.ok("PATCH", f"/connections/{ready.pk}", {"unsubscribe_in_pipedrive": True})
    alice.ok("POST", f"/connections/{ready.pk}/unsubscribe-closed")
    assert told(alice, Act.CLOSED_UNSUBSCRIBED) == (KEY, ready.company_name, {}, {"people": 0})


def test_a_launch_that_fails_is_not_told(alice: Caller, ready: Connection) -> None:
    alice.ok("PATCH", f"/connections/{ready.pk}", {"owner_id": None})
    alice.problem(409, "POST", f"/connections/{ready.pk}/launch")
    assert not AuditEntry.objects.filter(act=Act.LAUNCHED).exists()


def test_rules_and_budgets_are_told(alice: Caller, ready: Connection) -> None:
    alice.ok("PATCH", f"/connections/{ready.pk}/budget", {"seats": 12})
    assert told(alice, Act.BUDGET_SET)[2:] == ({"seats": 1}, {"seats": 12})
    for _twice in range(2):
        alice.ok("PATCH", "/workspace", {"oauth_required": True})
    assert told(alice, Act.OAUTH_REQUIRED) == (KEY, "", {"required": False}, {"required": True})
    assert AuditEntry.objects.filter(act=Act.OAUTH_REQUIRED).count() == 1


def test_transfers_and_undos_are_told_when_they_start(alice: Caller, ready: Connection) -> None:
    path = f"/connections/{ready.pk}/transfers"
    made = alice.ok("POST", path, {"direction": "to_pipedrive", "records": ["1", "2"]}, status=201)
    facts = {
        "direction": "to_pipedrive",
        "source_app": "outreach",
        "records": 2,
        "past_emails": False,
        "constants": True,
    }
    assert told(alice, Act.TRANSFER_STARTED) == (KEY, ready.company_name, {}, facts)
    alice.ok("POST", f"/transfers/{made['id']}/cancel")

    done = make_transfer(ready, state="done")
    undo = alice.ok("POST", f"/transfers/{done.pk}/undo", {"delete_created": False}, status=201)
    assert not AuditEntry.objects.filter(act=Act.UNDO_STARTED).exists()  # a preview changes nothing
    Transfer.objects.filter(pk=undo["id"]).update(state="ready")
    alice.ok("POST", f"/transfers/{undo['id']}/start")
    facts = {"direction": "to_pipedrive", "source_app": "outreach", "records": "all"}
    assert told(alice, Act.UNDO_STARTED)[3] == facts  # what a transfer includes is no choice of an undo


def test_members_and_invitations_are_told(alice: Caller, workspace: Workspace, client: Client) -> None:
    make_member(workspace, "Alice")
    alice.ok("DELETE", f"/invitations/{alice.ok('POST', '/invitations', DORA, status=201)['id']}", status=204)
    assert told(alice, Act.INVITED) == (KEY, DORA["email"], {}, {"role": "viewer"})
    assert told(alice, Act.INVITATION_WITHDRAWN) == (KEY, DORA["email"], {}, {})

    path = urlsplit(alice.ok("POST", "/invitations", DORA, status=201)["url"]).path
    client.post(path, {"name": "Dora", "password": PASSWORD})
    assert told(alice, Act.JOINED) == ("Dora", DORA["email"], {}, {"role": "viewer", "invited_by": KEY})
    dora = Membership.objects.get(user__email=DORA["email"])
    for _twice in range(2):
        alice.ok("PATCH", f"/members/{dora.pk}", {"role": "admin"})
    assert told(alice, Act.ROLE_CHANGED) == (KEY, DORA["email"], {"role": "viewer"}, {"role": "admin"})
    assert AuditEntry.objects.filter(act=Act.ROLE_CHANGED).count() == 1
    alice.ok("DELETE", f"/members/{dora.pk}", status=204)
    assert told(alice, Act.MEMBER_REMOVED) == (KEY, DORA["email"], {"role": "admin"}, {})
    kept = str(list(AuditEntry.objects.values()))
    assert path.split("/")[2] not in kept
    assert PASSWORD not in kept


def test_keys_and_addresses_are_told_without_their_secrets(alice: Caller, workspace: Workspace) -> None:
    key, plain = make_api_key(workspace, "Feed", ["read"], actor="Bob")
    shown = {"begins_with": plain[:11], "scopes": ["read"]}
    assert told(alice, Act.API_KEY_MADE) == ("Bob", "Feed", {}, shown)
    for _twice in range(2):
        revoke_api_key(key, actor="Bob")
    assert told(alice, Act.API_KEY_REVOKED) == ("Bob", "Feed", shown, {})
    assert AuditEntry.objects.filter(act=Act.API_KEY_REVOKED).count() == 1

    made = alice.ok("POST", "/mail-providers", {"provider": "resend"}, status=201)
    alice.ok("PATCH", f"/mail-providers/{made['id']}", {"signing_key": RESEND_KEY})
    alice.ok("POST", f"/mail-providers/{made['id']}/renew")
    alice.ok("DELETE", f"/mail-providers/{made['id']}", status=204)
    for act in (
        Act.MAIL_PROVIDER_ADDED,
        Act.SIGNING_KEY_ENTERED,
        Act.MAIL_PROVIDER_RENEWED,
        Act.MAIL_PROVIDER_REMOVED,
    ):
        assert told(alice, act) == (KEY, "resend", {}, {})
    kept = str(list(AuditEntry.objects.values()))
    for secret in (plain, RESEND_KEY, made["tracking_url"].split("/")[5]):
        assert secret not in kept


def test_every_act_is_told_by_a_test_here() -> None:
    source = Path(__file__).read_text()
    assert [act for act in Act if f"Act.{act.name}" not in source] == []


DEEDS: dict[str, Callable[[Caller, Connection, Membership], Any]] = {
    "settings": lambda caller, connection, _: caller.call(
        "PATCH", f"/connections/{connection.pk}", {"only_with_email": False}
    ),
    "launch": lambda caller, connection, _: caller.call("POST", f"/connections/{connection.pk}/launch"),
    "transfer": lambda caller, connection, _: caller.call(
        "POST", f"/connections/{connection.pk}/transfers", {"direction": "to_pipedrive"}
    ),
    "role": lambda caller, _, member: caller.call("PATCH", f"/members/{member.pk}", {"role": "admin"}),
    "removal": lambda caller, _, member: caller.call("DELETE", f"/members/{member.pk}"),
    "invitation": lambda caller, _, __: caller.call("POST", "/invitations", DORA),
    "address": lambda caller, _, __: caller.call("POST", "/mail-providers", {"provider": "postmark"}),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_what_can_not_be_told_is_not_done(
    alice: Caller, ready: Connection, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    bob = make_member(workspace, "Bob", Role.VIEWER)

    def state() -> list[Any]:
        return [
            list(Connection.objects.values("status", "settings", "settings_version")),
            list(Membership.objects.values()),
            [model.objects.count() for model in (Transfer, Invitation, MailProvider, ApiKey)],
        ]

    def full(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is full")

    before = state()
    alice.client.raise_request_exception = False
    with monkeypatch.context() as patched:
        patched.setattr(AuditEntry, "save", full)
        assert DEEDS[deed](alice, ready, bob).status_code == 500
    assert state() == before
    assert DEEDS[deed](alice, ready, bob).status_code < 300
    assert state() != before


def test_the_log_is_read_page_by_page_and_by_time(
    alice: Caller, charlie: Caller, workspace: Workspace
) -> None:
    for name in ("postmark", "resend", "brevo"):
        alice.ok("POST", "/mail-providers", {"provider": name}, status=201)
    first = alice.ok("GET", "/audit-log?act=mail_provider_added&limit=2")
    rest = alice.ok("GET", f"/audit-log?act=mail_provider_added&limit=2&cursor={first['next_cursor']}")
    assert [each["subject"] for each in first["data"] + rest["data"]] == ["brevo", "resend", "postmark"]
    assert rest["next_cursor"] is None
    since = first["data"][0]["at"]
    assert alice.ok("GET", f"/audit-log?since={since}")["data"][0]["subject"] == "brevo"
    assert alice.ok("GET", "/audit-log?since=2999-01-01T00:00:00Z")["data"] == []
    alice.problem(422, "GET", "/audit-log?act=world_ended")
    assert {each["subject"] for each in charlie.ok("GET", "/audit-log")["data"]} == {"test"}  # their own key
