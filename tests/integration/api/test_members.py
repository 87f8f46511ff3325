"""Members and invitations over the API: the same rules as on the page, with an owner's rights."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from tests.builders import make_member
from tests.integration.api.conftest import Caller, CallerFor
from tidegate.store.models import Invitation, Membership, Role, Workspace

DORA = {"email": "dora@northlight.example", "role": "admin"}


@pytest.fixture
def owner(workspace: Workspace) -> Membership:
    return make_member(workspace, "Alice")


@pytest.fixture
def viewer(workspace: Workspace) -> Membership:
    return make_member(workspace, "Bob", Role.VIEWER)


def test_members_are_listed_with_role_and_last_sign_in(
    alice: Caller, owner: Membership, viewer: Membership
) -> None:
    found = alice.ok("GET", "/members")["data"]
    assert found[1] == {
        "id": str(viewer.pk),
        "name": "Bob",
        "email": "bob@northlight.example",
        "role": "viewer",
        "last_sign_in_at": None,
    }
    assert found[0] == alice.ok("GET", f"/members/{owner.pk}")


def test_a_role_is_changed_and_a_member_removed(alice: Caller, owner: Membership, viewer: Membership) -> None:
    assert alice.ok("PATCH", f"/members/{viewer.pk}", {"role": "owner"})["role"] == "owner"
    alice.ok("DELETE", f"/members/{owner.pk}", status=204)
    assert [each["id"] for each in alice.ok("GET", "/members")["data"]] == [str(viewer.pk)]
    alice.problem(404, "DELETE", f"/members/{owner.pk}")


def test_the_only_owner_stays(alice: Caller, owner: Membership) -> None:
    for method, body in (("PATCH", {"role": "admin"}), ("DELETE", None)):
        found = alice.problem(409, method, f"/members/{owner.pk}", body)
        assert "only owner" in found["detail"]


def test_an_invitation_is_made_used_and_gone(alice: Caller, owner: Membership, client: Client) -> None:
    made = alice.ok("POST", "/invitations", DORA, status=201)
    assert (made["email"], made["role"], made["mailed"]) == (DORA["email"], "admin", False)
    assert made["invited_by"] == "API key “test”"
    (listed,) = alice.ok("GET", "/invitations")["data"]
    assert listed == {key: made[key] for key in made if key not in ("url", "mailed")}

    path = urlsplit(made["url"]).path
    assert client.post(path, {"name": "Dora", "password": "nine-lives-and-a-cat"}).status_code == 302
    assert alice.ok("GET", "/invitations")["data"] == []
    assert Membership.objects.get(user__email=DORA["email"]).role == Role.ADMIN


def test_a_withdrawn_invitation_lets_nobody_in(alice: Caller, owner: Membership, client: Client) -> None:
    made = alice.ok("POST", "/invitations", DORA, status=201)
    alice.ok("DELETE", f"/invitations/{made['id']}", status=204)
    assert client.get(urlsplit(made["url"]).path).status_code == 404
    alice.problem(404, "DELETE", f"/invitations/{made['id']}")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (DORA | {"role": "emperor"}, "role"),
        (DORA | {"email": "dora"}, "email"),
        (DORA | {"email": "alice@northlight.example"}, "email"),
        ({"email": "dora@northlight.example"}, "role"),
        (DORA | {"name": "Dora"}, "name"),
    ],
)
def test_what_is_wrong_with_an_invitation_is_named(
    alice: Caller, owner: Membership, body: Any, field: str
) -> None:
    assert field in alice.problem(422, "POST", "/invitations", body)["errors"]
    assert not Invitation.objects.exists()


def test_a_role_that_is_none_is_refused(alice: Caller, owner: Membership, viewer: Membership) -> None:
    assert "role" in alice.problem(422, "PATCH", f"/members/{viewer.pk}", {"role": "emperor"})["errors"]
    assert "role" in alice.problem(422, "PATCH", f"/members/{viewer.pk}", {})["errors"]


def test_charlie_sees_and_changes_nobody_here(
    alice: Caller, charlie: Caller, owner: Membership, viewer: Membership
) -> None:
    made = alice.ok("POST", "/invitations", DORA, status=201)
    assert charlie.ok("GET", "/members")["data"] == []
    assert charlie.ok("GET", "/invitations")["data"] == []
    charlie.problem(404, "GET", f"/members/{viewer.pk}")
    charlie.problem(404, "PATCH", f"/members/{viewer.pk}", {"role": "owner"})
    charlie.problem(404, "DELETE", f"/members/{viewer.pk}")
    charlie.problem(404, "DELETE", f"/invitations/{made['id']}")


def test_without_the_scope_admin_nobody_is_changed(
    workspace: Workspace, caller_for: CallerFor, viewer: Membership
) -> None:
    program = caller_for(workspace, ["read", "connections:write", "prospects:write", "events:write"])
    assert len(program.ok("GET", "/members")["data"]) == 1
    program.problem(403, "POST", "/invitations", DORA)
    program.problem(403, "PATCH", f"/members/{viewer.pk}", {"role": "owner"})
    program.problem(403, "DELETE", f"/members/{viewer.pk}")
