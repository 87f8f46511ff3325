"""People and places the tests of the pages share: Alice owns the workspace, Bob may look, Charlie is a stranger."""

import pytest
from django.test import Client

from tests.integration.web.fake_pipedrive import FakePipedrive, make_prospect_fields
from tidegate.store.models import Connection, Membership, Role, User, Workspace


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
def pipedrive(monkeypatch: pytest.MonkeyPatch) -> FakePipedrive:
    fake = FakePipedrive()
    fake.install(monkeypatch)
    return fake


@pytest.fixture
def connection(workspace: Workspace, pipedrive: FakePipedrive) -> Connection:
    """A new connection as the way back from Pipedrive leaves it: paused, with the default settings."""
    make_prospect_fields(workspace)
    return pipedrive.connect(workspace)
