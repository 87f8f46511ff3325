"""People and places the tests of the pages share: Alice owns the workspace, Bob may look, Charlie is a stranger."""

import pytest
from django.test import Client

from tidegate.store.models import Connection, Lane, Membership, Role, User, Workspace


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
def connection(workspace: Workspace) -> Connection:
    domain = "https://northlight.pipedrive.example"
    return Connection.objects.create(
        workspace=workspace,
        lane=Lane.objects.create(company_id="9001", api_domain=domain),
        auth_method="oauth",
        api_domain=domain,
        company_id="9001",
        company_name="Northlight Studio",
        company_domain="northlight",
        pipedrive_user_id="11",
        pipedrive_user_name="Maja Lindqvist",
    )
