"""People and places the tests of the pages share: Alice owns the workspace, Bob may look, Charlie is a stranger."""

import sys
from importlib.util import find_spec
from types import ModuleType

import pytest
from django.test import Client

import tidegate.wiring
from tests.integration.web.fake_actions import FakeActions
from tidegate.store.models import Connection, Membership, Role, User, Workspace

if find_spec("tidegate.wiring.actions") is None:
    tidegate.wiring.actions = sys.modules["tidegate.wiring.actions"] = ModuleType("actions")  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def actions(monkeypatch: pytest.MonkeyPatch) -> FakeActions:
    fake = FakeActions()
    fake.install(monkeypatch, sys.modules["tidegate.wiring.actions"])
    return fake


@pytest.fixture
def workspace(db: None) -> Workspace:
    return Workspace.objects.create(name="Northlight Studio", time_zone="Europe/Stockholm", country="SE")


def member(workspace: Workspace, email: str, name: str, role: Role) -> User:
    user = User.objects.create_user(email, "a-long-password", name=name)
    Membership.objects.create(workspace=workspace, user=user, role=role)
    return user


@pytest.fixture
def alice(workspace: Workspace) -> User:
    return member(workspace, "alice@northlight.example", "Alice Lindqvist", Role.OWNER)


@pytest.fixture
def bob(workspace: Workspace) -> User:
    return member(workspace, "bob@northlight.example", "Bob Ferreira", Role.VIEWER)


@pytest.fixture
def charlie(db: None) -> User:
    other = Workspace.objects.create(name="Elsewhere")
    return member(other, "charlie@elsewhere.example", "Charlie Novák", Role.OWNER)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def owner(alice: User) -> Client:
    return signed_in(alice)


@pytest.fixture
def viewer(bob: User) -> Client:
    return signed_in(bob)


@pytest.fixture
def stranger(charlie: User) -> Client:
    return signed_in(charlie)


@pytest.fixture
def connection(workspace: Workspace, actions: FakeActions) -> Connection:
    """A new connection as Pipedrive's way back leaves it: paused, with the default settings."""
    return actions.finish_connection(workspace)
