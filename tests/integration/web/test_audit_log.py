"""The page of the audit log."""

from typing import Any

import pytest
from django.test import Client

from tests.integration.web.conftest import member
from tidegate.store.audit import Act, note
from tidegate.store.members import Actor, change_role
from tidegate.store.models import AuditEntry, Membership, Role, User, Workspace
from tidegate.web.members.audit import A_PAGE, LONGEST, WORDS, changes_of

pytestmark = pytest.mark.django_db

PAGE = "/audit-log/"


def shown(client: Client, path: str = PAGE) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_act_has_its_words() -> None:
    assert set(WORDS) == set(Act)


def test_it_says_who_did_what_and_from_what_to_what(viewer: Client, bob: User, workspace: Workspace) -> None:
    assert "Nothing was changed yet" in shown(viewer)
    alice = Actor("Alice <Lindqvist>", Role.OWNER)
    change_role(workspace, Membership.objects.get(user=bob).pk, Role.ADMIN, actor=alice)
    page = shown(viewer)
    for words in (
        "Alice &lt;Lindqvist&gt;",
        "changed the role of",
        "bob@northlight.example",
        "viewer",
        "admin",
    ):
        assert words in page


def test_another_workspaces_log_is_not_shown(stranger: Client, workspace: Workspace) -> None:
    note(workspace.pk, Act.PAUSED, actor="Alice", subject="Northlight Ltd")
    assert "Northlight Ltd" not in shown(stranger)


def test_a_long_log_has_pages(owner: Client, workspace: Workspace) -> None:
    for number in range(A_PAGE + 1):
        note(workspace.pk, Act.PAUSED, actor="Alice", subject=f"Company {number:03}")
    page = shown(owner)
    assert "Company 000" not in page
    assert f"Company {A_PAGE:03}" in page
    older = owner.get(PAGE).context["older"]
    page = shown(owner, f"{PAGE}?older={older}")
    assert "Company 000" in page
    assert "Company 001" not in page
    for nonsense in ("x", "-1", "9" * 30, "²"):
        assert "Company 050" in shown(owner, f"{PAGE}?older={nonsense}")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, [("b", "2", "3")]),
        ({"a": [1, 2]}, {"a": [2, 3]}, [("a", "[1]", "[3]")]),
        ({"a": [1, 2]}, {"a": [2, 1]}, [("a", "[1, 2]", "[2, 1]")]),
        ({"a": None}, {"a": True}, [("a", "", "true")]),
        ({}, {"a": "x"}, [("a", "", "x")]),
        ({"a": "x"}, {}, [("a", "x", "")]),
        ({"a": ""}, {"a": "x" * 999}, [("a", "", "x" * (LONGEST - 1) + "…")]),
    ],
)
def test_only_what_differs_is_told(
    workspace: Workspace, before: dict[str, Any], after: dict[str, Any], told: list[tuple[str, str, str]]
) -> None:
    note(workspace.pk, Act.SETTINGS_SAVED, actor="Alice", before=before, after=after)
    assert changes_of(AuditEntry.objects.get()) == told


def test_a_removed_member_stays_in_the_log_by_name(owner: Client, workspace: Workspace) -> None:
    vera = member(workspace, "vera@northlight.example", "Vera Viewer", Role.VIEWER)
    owner.post(f"/members/{Membership.objects.get(user=vera).pk}/remove/")
    vera.delete()
    assert "vera@northlight.example" in shown(owner)
