"""The page of the API keys: made and shown once by those who may, with no more rights than they have, and revoked."""

import re

import pytest
from django.test import Client

from tests.integration.web.conftest import member, signed_in
from tidegate.store.keys import find_api_key, make_api_key
from tidegate.store.models import ApiKey, Role, User, Workspace
from tidegate.store.scopes import Scope
from tidegate.web.api_keys.pages import ALLOWS

pytestmark = pytest.mark.django_db

PAGE = "/api-keys/"


def shown(client: Client, path: str = PAGE) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def admin(workspace: Workspace) -> Client:
    return signed_in(member(workspace, "ada@northlight.example", "Ada Admin", Role.ADMIN))


def test_every_scope_is_offered_with_what_it_allows(owner: Client) -> None:
    assert list(ALLOWS) == list(Scope)
    page = shown(owner)
    for scope in Scope:
        assert f'value="{scope}"' in page


def test_a_key_is_shown_once_and_works(owner: Client, workspace: Workspace) -> None:
    answer = owner.post(f"{PAGE}make/", {"name": "Feed", "scopes": ["prospects:write", "read"]})
    found = re.search(r"tg_[\w-]{43}", answer.content.decode())
    assert found is not None
    assert answer["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    page = shown(owner)
    assert found[0] not in page
    assert found[0][:11] in page
    assert "Never" in page

    key = find_api_key(found[0])
    assert key is not None
    assert (key.workspace, key.scopes) == (workspace, ["prospects:write", "read"])
    called = Client().get("/api/v1/workspace", headers={"Authorization": f"Bearer {found[0]}"})
    assert called.json()["name"] == "Northlight Studio"
    assert "Never" not in shown(owner)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"name": "", "scopes": ["read"]}, "required"),
        ({"name": "Feed"}, "Choose at least one."),
        ({"name": "Feed", "scopes": ["everything"]}, "Select a valid choice"),
        ({"name": "F" * 101, "scopes": ["read"]}, "at most 100 characters"),
    ],
)
def test_what_is_wrong_with_a_key_is_said_at_its_place(
    owner: Client, given: dict[str, object], says: str
) -> None:
    answer = owner.post(f"{PAGE}make/", given)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_only_an_owner_gives_an_owners_rights_to_a_program(admin: Client, owner: Client) -> None:
    assert 'value="admin"' not in shown(admin)
    assert admin.post(f"{PAGE}make/", {"name": "All", "scopes": ["admin"]}).status_code == 422
    assert admin.post(f"{PAGE}make/", {"name": "Some", "scopes": ["read"]}).status_code == 200
    assert owner.post(f"{PAGE}make/", {"name": "All", "scopes": ["admin"]}).status_code == 200
    assert set(ApiKey.objects.values_list("name", flat=True)) == {"All", "Some"}


@pytest.mark.parametrize("who", ["owner", "admin"])
def test_a_key_is_revoked_after_a_question(
    who: str, workspace: Workspace, request: pytest.FixtureRequest
) -> None:
    client: Client = request.getfixturevalue(who)
    key, plain = make_api_key(workspace, "Feed", ["admin"])
    path = f"{PAGE}{key.pk}/revoke/"
    assert "It was never used." in shown(client, path)
    assert find_api_key(plain) is not None
    assert "It was last used" in shown(client, path)
    assert "is revoked." in client.post(path, follow=True).content.decode()
    assert find_api_key(plain) is None
    assert "No keys yet" in shown(client)
    assert client.post(path).status_code == 404


def test_a_viewer_sees_which_keys_there_are_and_makes_none(viewer: Client, workspace: Workspace) -> None:
    key, _ = make_api_key(workspace, "Feed", ["read"])
    page = shown(viewer)
    assert "Feed" in page
    assert "Make key" not in page
    assert "/revoke/" not in page
    assert viewer.post(f"{PAGE}make/", {"name": "Mine", "scopes": ["read"]}).status_code == 403
    assert viewer.post(f"{PAGE}{key.pk}/revoke/").status_code == 403
    assert ApiKey.objects.get().revoked_at is None


def test_another_workspaces_key_does_not_exist(stranger: Client, alice: User, workspace: Workspace) -> None:
    key, _ = make_api_key(workspace, "Harbour feed", ["read"])
    assert "Harbour feed" not in shown(stranger)
    assert stranger.get(f"{PAGE}{key.pk}/revoke/").status_code == 404
    assert stranger.post(f"{PAGE}{key.pk}/revoke/").status_code == 404
    assert ApiKey.objects.get().revoked_at is None
