import pytest
from django.test import Client

from tidegate.store.models import Connection

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    [
        "/integrations/",
        "/integrations/connect/register/",
        "/integrations/connect/token/",
        "/connections/ID/setup/connected/",
        "/connections/ID/setup/direction/",
        "/connections/ID/setup/data/",
        "/connections/ID/setup/constants/",
        "/connections/ID/setup/review/",
        "/connections/ID/settings/",
        "/connections/ID/disconnect/",
    ],
)
def test_page(owner: Client, connection: Connection, path: str) -> None:
    answer = owner.get(path.replace("ID", str(connection.pk)))
    assert answer.status_code == 200
